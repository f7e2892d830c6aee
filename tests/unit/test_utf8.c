#include "unit.h"

#include "base/utf8.h"

static void test_octets(void **state)
{
	static const struct {
		const char *text;
		size_t octets;
	} rows[] = {
		{"", 1},
		{"a", 1},
		{"\x7f", 1},
		{"\xc3\xbc", 2},
		{"\xe2\x82\xac", 3},
		{"\xf0\x9f\x98\x80", 4},
		{"\xf4\x8f\xbf\xbf", 4},
		/* the middle of one, its beginning alone, too long a form */
		{"\x80", 0},
		{"\xc3", 0},
		{"\xe2\x82", 0},
		{"\xf0\x9f\x98", 0},
		{"\xe2\x82z", 0},
		{"\xc0\x80", 0},
		{"\xe0\x80\x80", 0},
		{"\xf0\x80\x80\x80", 0},
		/* a surrogate, above U+10FFFF */
		{"\xed\xa0\x80", 0},
		{"\xf4\x90\x80\x80", 0},
		{"\xff", 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(utf8_octets(rows[i].text), rows[i].octets);
}

static void assert_copy(size_t size, const char *text, const char *expected)
{
	char out[16] = "################";

	assert_true(size < sizeof(out));
	utf8_copy(out, size, text);
	assert_string_equal(out, expected);
	assert_int_equal(out[size], '#');
}

static void test_copy(void **state)
{
	(void)state;
	assert_copy(8, "web", "web");
	assert_copy(4, "web", "web");
	assert_copy(3, "web", "we");
	assert_copy(1, "web", "");
	assert_copy(8, "", "");
	/* whole characters only */
	assert_copy(5, "\xc3\xbc\xc3\xbc\xc3\xbc", "\xc3\xbc\xc3\xbc");
	assert_copy(6, "\xc3\xbc\xc3\xbc\xc3\xbc", "\xc3\xbc\xc3\xbc");
	assert_copy(4, "\xe2\x82\xac", "\xe2\x82\xac");
	assert_copy(3, "\xe2\x82\xac", "");
	assert_copy(4, "a\xe2\x82\xac", "a");
	/* what is none */
	assert_copy(8,
		"a\xff"
		"b\xc3",
		"a?b?");
	assert_copy(3, "\xe2\x82", "??");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
