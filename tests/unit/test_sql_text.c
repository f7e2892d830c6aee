#include "unit.h"

#include "tool/sql_text.h"

/* expected: the statements with a "|" behind each. */
static void assert_cut(const char *text, const char *expected)
{
	char got[1000] = "";
	size_t n = 0;
	struct sql_text sql;
	struct sql_statement statement;

	sql_text_init(&sql, text, strlen(text));
	while (sql_text_next(&sql, &statement)) {
		assert_true(n + statement.len + 2 < sizeof(got));
		memcpy(got + n, statement.text, statement.len);
		n += statement.len;
		got[n++] = '|';
		got[n] = '\0';
	}
	assert_string_equal(got, expected);
}

static void test_plain(void **state)
{
	(void)state;
	assert_cut("", "");
	assert_cut(" \n;; ; ", "");
	assert_cut("a;b", "a|b|");
	assert_cut(" a b ;\n c ; ", "a b|c|");
	assert_cut("a (b; c); d", "a (b; c)|d|");
	assert_cut("a) ; b", "a)|b|");
}

static void test_quotes(void **state)
{
	(void)state;
	assert_cut("'a;b';c", "'a;b'|c|");
	assert_cut("'a'';b';c", "'a'';b'|c|");
	assert_cut("'a\\';b", "'a\\'|b|");
	assert_cut("E'a\\';b';c", "E'a\\';b'|c|");
	assert_cut("type'a\\';b", "type'a\\'|b|");
	assert_cut("\"a;b\";c", "\"a;b\"|c|");
	assert_cut("'open;", "'open;|");
	assert_cut("E'open\\", "E'open\\|");
}

static void test_dollar_quotes(void **state)
{
	(void)state;
	assert_cut("$$a;'b$$;c", "$$a;'b$$|c|");
	assert_cut("$x$a;$$b;$x$;c", "$x$a;$$b;$x$|c|");
	assert_cut("$1;$2", "$1|$2|");
	assert_cut("a$b;c$d", "a$b|c$d|");
	assert_cut("$x$open;", "$x$open;|");
	assert_cut("$x;y$", "$x|y$|");
	assert_cut("$", "$|");
}

static void test_comments(void **state)
{
	(void)state;
	assert_cut("-- a;\nb;c -- d;\n;e", "b|c -- d;|e|");
	assert_cut("/* a; /* b; */ c; */ d; e /* ; */ f;", "d|e /* ; */ f|");
	assert_cut("'--';a", "'--'|a|");
	assert_cut("a - b; c / d; e * f", "a - b|c / d|e * f|");
	assert_cut("/* open;", "");
	assert_cut("-- end", "");
}

static void test_function_bodies(void **state)
{
	(void)state;
	assert_cut("CREATE FUNCTION f() BEGIN ATOMIC a; b; END; c",
		"CREATE FUNCTION f() BEGIN ATOMIC a; b; END|c|");
	assert_cut("create or replace procedure f() begin atomic select case when a then b end; "
		   "end; c",
		"create or replace procedure f() begin atomic select case when a then b end; "
		"end|c|");
	assert_cut("CREATE FUNCTION f() AS 'begin'; c", "CREATE FUNCTION f() AS 'begin'|c|");
	assert_cut("BEGIN; a; END; b", "BEGIN|a|END|b|");
	assert_cut("CREATE TABLE t (begin int); b", "CREATE TABLE t (begin int)|b|");
}

static void test_lines(void **state)
{
	static const int lines[] = {2, 5, 8, 10};
	const char *text = "\na;\n-- c\n\nb '\n\n';\nc;\n/* \n */ d";
	struct sql_text sql;
	struct sql_statement statement;

	(void)state;
	sql_text_init(&sql, text, strlen(text));
	for (size_t i = 0; i < 4; i++) {
		assert_true(sql_text_next(&sql, &statement));
		assert_int_equal(statement.line, lines[i]);
	}
	assert_false(sql_text_next(&sql, &statement));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_dollar_quotes),
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_function_bodies),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
