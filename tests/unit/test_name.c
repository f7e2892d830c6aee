#include "unit.h"

#include "dns/name.h"

static struct name parsed(const char *text)
{
	struct name name;

	assert_int_equal(name_parse(&name, text, strlen(text)), NAME_OK);
	return name;
}

static void assert_prints(const char *text, const char *expected)
{
	struct name name = parsed(text);
	char out[NAME_TEXT_MAX];
	size_t n = name_print(out, name.wire, name.len);

	assert_int_equal(n, strlen(expected));
	assert_memory_equal(out, expected, n);
}

static void assert_refused(const char *text, int error)
{
	struct name name;

	assert_int_equal(name_parse(&name, text, strlen(text)), error);
	assert_string_not_equal(name_error_text(error), name_error_text(NAME_OK));
}

static void test_parse_and_print(void **state)
{
	(void)state;
	assert_prints("", "");
	assert_prints(".", "");
	assert_prints("WWW.Example.org", "www.example.org");
	assert_prints("www.example.org.", "www.example.org");
	assert_prints("a\\.b.c", "a\\.b.c");
	assert_prints("a\\\\.c", "a\\\\.c");
	assert_prints("a\\.", "a\\.");
	assert_prints("\\065\\032\\000.x", "a\\032\\000.x");
	assert_prints("\\A", "a");
	assert_prints("\xc3\xa9.x", "\\195\\169.x");
	assert_prints("*._tcp.x", "*._tcp.x");
}

static void test_wire(void **state)
{
	struct name name = parsed("ab.c");

	(void)state;
	assert_int_equal(name.len, 5);
	assert_memory_equal(name.wire, "\2ab\1c", 5);
	assert_int_equal(name_first_label(name.wire, name.len), 3);
	assert_int_equal(name_first_label(name.wire, 0), 0);
	assert_int_equal(name_label_count(name.wire, name.len), 2);
	assert_int_equal(name_label_count(name.wire, 0), 0);
}

static void test_refuses(void **state)
{
	(void)state;
	assert_refused("a..b", NAME_EMPTY_LABEL);
	assert_refused(".a", NAME_EMPTY_LABEL);
	assert_refused("..", NAME_EMPTY_LABEL);
	assert_refused("a..", NAME_EMPTY_LABEL);
	assert_refused("a\\", NAME_BAD_ESCAPE);
	assert_refused("a\\1", NAME_BAD_ESCAPE);
	assert_refused("a\\12b", NAME_BAD_ESCAPE);
	assert_refused("a\\256", NAME_BAD_ESCAPE);
}

/* n labels of 63 octets and one of `last`; text holds all. */
static void long_name(char *text, int n, int last)
{
	for (; n > 0; n--) {
		memset(text, 'x', 63);
		text[63] = '.';
		text += 64;
	}
	memset(text, 'y', (size_t)last);
	text[last] = '\0';
}

static void test_limits(void **state)
{
	char text[400];

	(void)state;
	long_name(text, 0, 63);
	assert_int_equal(parsed(text).len, 64);
	long_name(text, 0, 64);
	assert_refused(text, NAME_LONG_LABEL);
	long_name(text, 3, 61);
	assert_int_equal(parsed(text).len, NAME_WIRE_MAX);
	long_name(text, 3, 62);
	assert_refused(text, NAME_LONG);
	long_name(text, 4, 63);
	assert_refused(text, NAME_LONG);
}

static bool is_in(const char *below, const char *above)
{
	struct name a = parsed(below);
	struct name b = parsed(above);

	return name_is_in(a.wire, a.len, b.wire, b.len);
}

static void test_is_in(void **state)
{
	(void)state;
	assert_true(is_in("a.example.org", "example.org"));
	assert_true(is_in("example.org", "example.org"));
	assert_true(is_in("example.org", ""));
	assert_true(is_in("", ""));
	assert_false(is_in("", "org"));
	assert_false(is_in("xexample.org", "example.org"));
	assert_false(is_in("org", "example.org"));
	assert_false(is_in("a\\.example.org", "example.org"));
	/* the octets of the name above stand inside a label here */
	assert_false(is_in("x\\003org", "org"));
}

static int compare(const struct name *a, const struct name *b)
{
	return name_compare(a->wire, a->len, b->wire, b->len);
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

/* The example of RFC 4034 section 6.1. */
static void test_canonical_order(void **state)
{
	static const char *const order[] = {"", "example", "a.example", "yljkjljk.a.example",
		"Z.a.example", "zABC.a.EXAMPLE", "z.example", "\\001.z.example", "*.z.example",
		"\\200.z.example"};
	const int n = (int)COUNT(order);

	(void)state;
	for (int i = 0; i < n; i++) {
		for (int j = 0; j < n; j++) {
			struct name a = parsed(order[i]);
			struct name b = parsed(order[j]);
			assert_int_equal(sign(compare(&a, &b)), sign(i - j));
		}
	}
}

/* Few different octets and short labels, so that names share ends and labels share beginnings. */
static void random_name(struct name *name)
{
	static const uint8_t octets[] = {0, 1, 3, '.', '\\', '*', 'a', 'b', '0', 0x7f, 0x80, 255};
	size_t labels = unit_random(5);

	memset(name, 0, sizeof(*name));
	for (size_t i = 0; i < labels; i++) {
		size_t n = 1 + unit_random(unit_random(20) == 0 ? NAME_LABEL_MAX : 3);
		if (name->len + n + 1 > NAME_WIRE_MAX)
			return;
		name->wire[name->len++] = (uint8_t)n;
		for (; n > 0; n--)
			name->wire[name->len++] = octets[unit_random(sizeof(octets))];
	}
}

static void test_random_round_trips(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct name name;
		struct name again;
		char text[NAME_TEXT_MAX + 1];

		random_name(&name);
		size_t n = name_print(text, name.wire, name.len);
		assert_true(n < sizeof(text));
		if (unit_random(2) == 0)
			text[n++] = '.';
		assert_int_equal(name_parse(&again, text, n), NAME_OK);
		assert_int_equal(again.len, name.len);
		assert_memory_equal(again.wire, name.wire, name.len);
	}
}

/* The order as RFC 4034 words it, the slow way: the i-th label from the right, or NULL. */
static const uint8_t *label_from_right(const struct name *name, size_t i)
{
	size_t labels = name_label_count(name->wire, name->len);
	const uint8_t *at = name->wire;

	if (i >= labels)
		return NULL;
	for (size_t left = labels - 1 - i; left > 0; left--)
		at += *at + 1;
	return at;
}

static int reference_compare(const struct name *a, const struct name *b)
{
	for (size_t i = 0;; i++) {
		const uint8_t *x = label_from_right(a, i);
		const uint8_t *y = label_from_right(b, i);
		if (x == NULL || y == NULL)
			return (x != NULL) - (y != NULL);
		for (size_t k = 1; k <= x[0] || k <= y[0]; k++) {
			int c = k <= x[0] ? x[k] : -1;
			int d = k <= y[0] ? y[k] : -1;
			if (c != d)
				return c - d;
		}
	}
}

static void test_random_order(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct name a;
		struct name b;

		random_name(&a);
		random_name(&b);
		assert_int_equal(sign(compare(&a, &b)), sign(reference_compare(&a, &b)));
		assert_int_equal(sign(compare(&a, &b)), -sign(compare(&b, &a)));
		uint64_t a_prefix = name_order_prefix(a.wire, a.len);
		uint64_t b_prefix = name_order_prefix(b.wire, b.len);
		if (a_prefix != b_prefix)
			assert_int_equal(a_prefix < b_prefix, compare(&a, &b) < 0);
		if (name_is_in(a.wire, a.len, b.wire, b.len))
			assert_true(compare(&a, &b) >= 0);
	}
}

static bool is_spelled(const char *text)
{
	struct name name = parsed(text);

	return name_is_spelled(&name, text, strlen(text));
}

static void test_spelling(void **state)
{
	(void)state;
	assert_true(is_spelled("."));
	assert_true(is_spelled("a"));
	assert_true(is_spelled("a\\.b.c"));
	assert_true(is_spelled("a\\."));
	assert_true(is_spelled("sp\\032ace.x"));
	assert_true(is_spelled("*.x\"y"));
	assert_false(is_spelled(""));
	assert_false(is_spelled("a."));
	assert_false(is_spelled("a\\.."));
	assert_false(is_spelled("A.b"));
	assert_false(is_spelled("a\\046b"));
	assert_false(is_spelled("\\097"));
	assert_false(is_spelled("sp ace.x"));
	assert_false(is_spelled("caf\xc3\xa9"));
}

/* Names that the schema lets in are names here, and spelled as they are here. */
static void test_schema_cases(void **state)
{
	FILE *file = unit_open("tests/sql/name-cases.tsv");
	char *line = NULL;
	size_t size = 0;
	int n = 0;

	(void)state;
	if (file == NULL) {
		unit_skip("tests/sql/name-cases.tsv is not there");
		return;
	}
	while (getline(&line, &size, file) != -1) {
		struct name name;
		char *tab = strchr(line, '\t');
		bool is_ok = tab != NULL && strcmp(tab, "\tok\n") == 0;
		bool is_spelled_otherwise =
			tab != NULL && strcmp(tab, "\tescape that is not needed\n") == 0;
		if (line[0] == '#' || (!is_ok && !is_spelled_otherwise))
			continue;
		*tab = '\0';
		unit_unescape(line);
		if (name_parse(&name, line, strlen(line)) != NAME_OK)
			fail_msg("\"%s\" does not parse", line);
		if (name_is_spelled(&name, line, strlen(line)) != is_ok)
			fail_msg("\"%s\": %s is its spelling", line, is_ok ? "this" : "another");
		n++;
	}
	free(line);
	(void)fclose(file);
	assert_true(n > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_and_print),
		cmocka_unit_test(test_wire),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_is_in),
		cmocka_unit_test(test_canonical_order),
		cmocka_unit_test(test_spelling),
		cmocka_unit_test(test_schema_cases),
		cmocka_unit_test(test_random_round_trips),
		cmocka_unit_test(test_random_order),
	};

	unit_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
