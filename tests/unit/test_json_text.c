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
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
