#include "unit.h"

#include "tool/cell.h"

static void assert_escaped(const char *text, size_t len, const char *expected)
{
	struct buf out;

	buf_init(&out);
	cell_add_escaped(&out, text, len);
	buf_add_char(&out, '\0');
	assert_string_equal(out.data, expected);
	buf_fini(&out);
}

static void test_escaped(void **state)
{
	(void)state;
	assert_escaped("", 0, "");
	assert_escaped("a\\b \"c\"", 7, "a\\b \"c\"");
	assert_escaped("a\nb\tc\r", 6, "a\\nb\\tc\\u000d");
	assert_escaped("\x1b[2J", 4, "\\u001b[2J");
	assert_escaped("a\0b", 3, "a\\u0000b");
	assert_escaped("\x7f", 1, "\\u007f");
	assert_escaped("\xc2\x9b"
		       "2J",
		4, "\\u009b2J");
	assert_escaped("ü €", 6, "ü €");
	assert_escaped("\xe2\x80\xae"
		       "x",
		4, "\\u202ex");
}

static void test_not_utf8(void **state)
{
	(void)state;
	assert_escaped("\xff"
		       "a",
		2, "\\xffa");
	assert_escaped("\xc3", 1, "\\xc3");		      /* cut off */
	assert_escaped("\xc3(", 2, "\\xc3(");		      /* no follower */
	assert_escaped("\xc0\x8a", 2, "\\xc0\\x8a");	      /* a long form of \n */
	assert_escaped("\xe0\x82\x9b", 3, "\\xe0\\x82\\x9b"); /* a long form of U+009B */
	assert_escaped("\xed\xa0\x80", 3, "\\xed\\xa0\\x80"); /* half of a pair */
	assert_escaped("\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80");
}

static void assert_width(const char *text, size_t expected)
{
	assert_int_equal(cell_width(text, strlen(text)), expected);
}

static void test_width(void **state)
{
	(void)state;
	assert_width("", 0);
	assert_width("abc", 3);
	assert_width("bücher", 6);
	assert_width("日本", 4);
	assert_width("e\xcc\x81", 1); /* with a combining accent */
}

static void test_fit(void **state)
{
	(void)state;
	assert_int_equal(cell_fit("abc", 3, 0), 0);
	assert_int_equal(cell_fit("abc", 3, 2), 2);
	assert_int_equal(cell_fit("abc", 3, 9), 3);
	assert_int_equal(cell_fit("bücher", 7, 2), 3);
	assert_int_equal(cell_fit("日本", 6, 3), 3); /* half a character is none */
	assert_int_equal(cell_fit("e\xcc\x81x", 4, 1), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escaped),
		cmocka_unit_test(test_not_utf8),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_fit),
	};

	cell_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
