#include "unit.h"

#include "tool/cell.h"
#include "tool/table.h"

/* cells: ended by NULL; one that starts with "#" is a number. */
static void assert_lines(
	size_t columns, const char *const *cells, size_t width, const char *expected)
{
	struct table table;
	struct buf out;

	table_init(&table, columns);
	for (; *cells != NULL; cells++) {
		bool is_number = (*cells)[0] == '#';
		table_add(&table, *cells + (is_number ? 1 : 0), is_number);
	}
	buf_init(&out);
	assert_int_equal(table_print(&table, &out, width), 0);
	buf_add_char(&out, '\0');
	assert_string_equal(out.data, expected);
	buf_fini(&out);
	table_fini(&table);
}

static void test_plain(void **state)
{
	static const char *const cells[] = {
		"NAME", "TTL", "TEXT", "a", "#5", "x", "bücher", "#3600", "", NULL};

	(void)state;
	assert_lines(3, cells, 0, "NAME     TTL  TEXT\na          5  x\nbücher  3600\n");
}

static void test_no_rows(void **state)
{
	static const char *const cells[] = {"A", "B", NULL};

	(void)state;
	assert_lines(2, cells, 0, "A  B\n");
}

/* A column of numbers and words is set to the left, an empty cell is neither. */
static void test_numbers(void **state)
{
	static const char *const words[] = {"N", "#1", "word", NULL};
	static const char *const numbers[] = {"NNN", "M", "#1", "#2", "", "#3", NULL};

	(void)state;
	assert_lines(1, words, 0, "N\n1\nword\n");
	assert_lines(2, numbers, 0, "NNN  M\n  1  2\n     3\n");
}

static void test_control_characters(void **state)
{
	static const char *const cells[] = {"A", "B", "x\ny", "\x1b[31m", NULL};

	(void)state;
	assert_lines(2, cells, 0, "A     B\nx\\ny  \\u001b[31m\n");
}

static void test_cut(void **state)
{
	static const char *const cells[] = {
		"NAME", "CONTENTS", "www", "0123456789abcdefghij", "日本日本日本", "x", NULL};

	(void)state;
	assert_lines(
		2, cells, 24, "NAME         CONTENTS\nwww          0123456789…\n日本日本日…  x\n");
	assert_lines(2, cells, 0,
		"NAME          CONTENTS\nwww           0123456789abcdefghij\n日本日本日本  x\n");
}

/* Too narrow for anything: columns keep what can be read. */
static void test_too_narrow(void **state)
{
	static const char *const cells[] = {"NAME", "CONTENTS", "www.example", "0123456789", NULL};

	(void)state;
	assert_lines(2, cells, 5, "NAME   CONT…\nwww.…  0123…\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_no_rows),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_too_narrow),
	};

	cell_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
