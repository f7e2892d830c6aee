#include "unit.h"

#include "pg/copy.h"

#define FIELDS 4

/* Splits a copy of the text, of just its size. */
static bool split(const char *text, size_t len, struct copy_field *fields, size_t n, char **row)
{
	*row = malloc(len > 0 ? len : 1);
	assert_non_null(*row);
	memcpy(*row, text, len);
	return copy_split(*row, len, fields, n);
}

static void assert_refused(const char *text, size_t n)
{
	struct copy_field fields[FIELDS];
	char *row;

	assert_false(split(text, strlen(text), fields, n, &row));
	free(row);
}

/* One field, alone and between others. */
static void assert_field(const char *text, const char *expected, size_t len)
{
	struct copy_field fields[FIELDS];
	char line[200];
	char *row;

	(void)snprintf(line, sizeof(line), "%s\n", text);
	for (size_t newline = 0; newline < 2; newline++) {
		assert_true(split(line, strlen(line) - newline, fields, 1, &row));
		assert_int_equal(fields[0].len, len);
		assert_memory_equal(fields[0].at, expected, len);
		free(row);
	}
	(void)snprintf(line, sizeof(line), "a\t%s\t\\N\t\n", text);
	assert_true(split(line, strlen(line), fields, 4, &row));
	assert_int_equal(fields[0].len, 1);
	assert_non_null(fields[1].at);
	assert_int_equal(fields[1].len, len);
	assert_memory_equal(fields[1].at, expected, len);
	assert_null(fields[2].at);
	assert_int_equal(fields[2].len, 0);
	assert_non_null(fields[3].at);
	assert_int_equal(fields[3].len, 0);
	free(row);
}

static void test_fields(void **state)
{
	(void)state;
	assert_field("", "", 0);
	assert_field("x", "x", 1);
	assert_field("a\\tb\\nc\\rd\\be\\ff\\vg\\\\h", "a\tb\nc\rd\be\ff\vg\\h", 15);
	assert_field("\\t", "\t", 1);
	assert_field("\\\\N", "\\N", 2);
	assert_field("N", "N", 1);
	assert_field("\\Nx", "Nx", 2);
	assert_field("x\\N", "xN", 2);
	assert_field("\xc3\xa9\x01", "\xc3\xa9\x01", 3);
}

static void test_counts(void **state)
{
	(void)state;
	assert_refused("a", 2);
	assert_refused("a\tb", 1);
	assert_refused("a\tb\tc", 2);
	assert_refused("", 2);
	assert_refused("\n", 2);
	assert_refused("a\tb\tc\td\te", 4);
}

static void test_broken_escape(void **state)
{
	(void)state;
	assert_refused("\\", 1);
	assert_refused("a\\\n", 1);
	assert_refused("a\\\\\\", 1);
	assert_refused("a\\\tb", 2);
}

/* As COPY … TO writes it. */
static size_t escape(char *out, const char *text, size_t len)
{
	static const char plain[] = "\b\f\n\r\t\v\\";
	static const char escaped[] = "bfnrtv\\";
	char *start = out;

	for (size_t i = 0; i < len; i++) {
		const char *at = text[i] == '\0' ? NULL : strchr(plain, text[i]);
		if (at != NULL)
			*out++ = '\\';
		*out++ = at != NULL ? escaped[at - plain] : text[i];
	}
	return (size_t)(out - start);
}

static void test_round_trips(void **state)
{
	static const char octets[] = "\t\n\r\b\f\v\\Nntxa\"\x80";
	char text[FIELDS][30];
	size_t lens[FIELDS];
	char line[FIELDS * 61];
	struct copy_field fields[FIELDS];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t len = 0;
		for (size_t f = 0; f < FIELDS; f++) {
			/* one of four is NULL */
			lens[f] = unit_random(sizeof(text[f]));
			for (size_t k = 0; k < lens[f]; k++)
				text[f][k] = octets[unit_random(sizeof(octets) - 1)];
			if (f > 0)
				line[len++] = '\t';
			if (lens[f] == 29)
				len += (size_t)sprintf(line + len, "\\N");
			else
				len += escape(line + len, text[f], lens[f]);
		}
		if (unit_random(2) == 0)
			line[len++] = '\n';
		assert_true(copy_split(line, len, fields, FIELDS));
		for (size_t f = 0; f < FIELDS; f++) {
			assert_int_equal(fields[f].at == NULL, lens[f] == 29);
			if (fields[f].at == NULL)
				continue;
			assert_int_equal(fields[f].len, lens[f]);
			assert_memory_equal(fields[f].at, text[f], lens[f]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_broken_escape),
		cmocka_unit_test(test_round_trips),
	};

	unit_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
