#include "unit.h"

#include "base/json_text.h"
#include "fail_alloc.h"

static void assert_escapes(const char *text, size_t len, const char *expected)
{
	char out[200];
	struct buf buf;

	assert_int_equal(json_text_size(text, len), strlen(expected));
	char *end = json_text_escape(out, text, len);
	assert_int_equal(end - out, strlen(expected));
	assert_memory_equal(out, expected, strlen(expected));
	buf_init(&buf);
	json_text_add(&buf, text, len);
	json_text_add(&buf, text, len);
	assert_int_equal(buf.len, 2 * strlen(expected));
	if (len > 0)
		assert_memory_equal(buf.data + strlen(expected), expected, strlen(expected));
	buf_fini(&buf);
}

static void test_escapes(void **state)
{
	(void)state;
	assert_escapes("", 0, "");
	assert_escapes(NULL, 0, "");
	assert_escapes("plain text/", 11, "plain text/");
	assert_escapes("\"a\\b\"", 5, "\\\"a\\\\b\\\"");
	assert_escapes("a\0b", 3, "a\\u0000b");
	assert_escapes("\t\n\r\x1f\x20\x7f", 6, "\\u0009\\u000a\\u000d\\u001f \x7f");
	assert_escapes("\xc3\xa9\xff", 3, "\xc3\xa9\xff");
}

static void test_every_octet(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char text = (char)c;
		char out[6];
		size_t size = json_text_size(&text, 1);
		assert_ptr_equal(json_text_escape(out, &text, 1), out + size);
		if (c == '"' || c == '\\') {
			assert_int_equal(size, 2);
			assert_int_equal(out[0], '\\');
			assert_int_equal(out[1], text);
		} else if (c < 0x20) {
			char expected[8];
			(void)snprintf(expected, sizeof(expected), "\\u%04x", c);
			assert_int_equal(size, 6);
			assert_memory_equal(out, expected, 6);
		} else {
			assert_int_equal(size, 1);
			assert_int_equal(out[0], text);
		}
	}
}

static bool is_plain(unsigned char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

static size_t plain_slowly(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && is_plain((unsigned char)text[n]))
		n++;
	return n;
}

/* Each octet at each place, in a text of just its size. */
static void test_plain(void **state)
{
	(void)state;
	for (size_t len = 0; len < 30; len++) {
		char *text = malloc(len > 0 ? len : 1);
		assert_non_null(text);
		memset(text, '~', len);
		assert_int_equal(json_text_plain(text, len), len);
		for (size_t i = 0; i < len; i++) {
			for (int c = 0; c < 256; c++) {
				text[i] = (char)c;
				assert_int_equal(
					json_text_plain(text, len), plain_slowly(text, len));
			}
			text[i] = '~';
		}
		free(text);
	}
}

/* Several of them, so that one may hide another. */
static void test_random(void **state)
{
	static const char octets[] = "\"\\ ~!#[]\x7f\x80\xff\x1f\x01\x21\x5d\xa2\xdc";
	char expected[6 * 40];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		size_t len = unit_random(40);
		char *text = malloc(len > 0 ? len : 1);
		char *out = malloc(6 * 40);
		assert_non_null(text);
		assert_non_null(out);
		char *end = expected;
		for (size_t k = 0; k < len; k++) {
			text[k] = unit_random(4) > 0 ? 'a' : octets[unit_random(sizeof(octets))];
			end = json_text_escape(end, &text[k], 1);
		}
		size_t size = (size_t)(end - expected);
		assert_int_equal(json_text_plain(text, len), plain_slowly(text, len));
		assert_int_equal(json_text_size(text, len), size);
		assert_ptr_equal(json_text_escape(out, text, len), out + size);
		assert_memory_equal(out, expected, size);
		free(text);
		free(out);
	}
}

static void test_out_of_memory(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf);
	fail_alloc_at(1);
	json_text_add(&buf, "a\"", 2);
	assert_true(fail_alloc_done());
	fail_alloc_at(0);
	assert_true(buf_failed(&buf));
	assert_int_equal(buf.len, 0);
	buf_fini(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_every_octet),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_out_of_memory),
	};

	unit_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
