#include "unit.h"

#include "pg/copy.h"
#include "write/statement.h"

/* Rows for COPY are read back with the reader of COPY. */

#define FIELDS_MAX (WRITE_PARAMS_MAX + 1)

static void assert_round_trip(const char *const *params, unsigned n)
{
	struct copy_field fields[FIELDS_MAX];
	struct write write;
	struct buf rows;

	write_init(&write, WRITE_FEED);
	for (unsigned i = 0; i < n; i++) {
		if (params[i] == NULL)
			write_add_null(&write);
		else
			write_add(&write, params[i], strlen(params[i]));
	}
	buf_init(&rows);
	statement_copy_row(&rows, &write);
	assert_ptr_equal(memchr(rows.data, '\n', rows.len), rows.data + rows.len - 1);
	assert_true(copy_split(rows.data, rows.len, fields, n + 1));
	for (unsigned i = 0; i < n; i++) {
		if (params[i] == NULL) {
			assert_null(fields[i].at);
			continue;
		}
		assert_int_equal(fields[i].len, strlen(params[i]));
		assert_memory_equal(fields[i].at, params[i], fields[i].len);
	}
	/* not disabled */
	assert_int_equal(fields[n].len, 1);
	assert_memory_equal(fields[n].at, "f", 1);
	buf_fini(&rows);
	write_fini(&write);
}

static void test_copy_row(void **state)
{
	static const char *const params[] = {
		"1", "a\\.b.test", "TXT", "\"tab\t \\\\ \\\" \n\r\"", "60", "0", NULL, "t"};
	static const char *const nulls[] = {"\\N", "", NULL, "\\", "\\.", "\xc3\xa9", "N", "\t"};

	(void)state;
	assert_round_trip(params, 8);
	assert_round_trip(nulls, 8);
}

static void test_copy_row_random(void **state)
{
	static const char octets[] = "\\\n\r\tNab.\x01\x7f\xc3\xa9 \"";
	char texts[WRITE_PARAMS_MAX][16];
	const char *params[WRITE_PARAMS_MAX];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		unsigned n = 1 + (unsigned)unit_random(WRITE_PARAMS_MAX);
		for (unsigned i = 0; i < n; i++) {
			size_t len = unit_random(sizeof(texts[i]));
			for (size_t k = 0; k < len; k++)
				texts[i][k] = octets[unit_random(sizeof(octets) - 1)];
			texts[i][len] = '\0';
			params[i] = unit_random(8) == 0 ? NULL : texts[i];
		}
		assert_round_trip(params, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy_row),
		cmocka_unit_test(test_copy_row_random),
	};

	unit_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
