#include "unit.h"

#include "tool/verb.h"

static struct buf error;

static const char *error_text(void)
{
	buf_add_char(&error, '\0');
	return error.data;
}

static int parse(const char *word, const char *noun, struct verb_args *args, const char **operands)
{
	const struct verb *verb = verb_find(word, noun);

	assert_non_null(verb);
	buf_reset(&error, 0);
	int rc = verb_args_parse(verb, (char **)operands, args, &error);
	return rc == 0 ? verb_args_check(verb, args, &error) : rc;
}

/* What csdns.api() is given. */
static void assert_params(
	const char *word, const char *noun, const char **operands, const char *expected)
{
	struct verb_args args;

	assert_int_equal(parse(word, noun, &args, operands), 0);
	char *text = json_dumps(args.params, JSON_COMPACT);
	assert_string_equal(text, expected);
	free(text);
	verb_args_fini(&args);
}

static void assert_refused(
	const char *word, const char *noun, const char **operands, const char *expected)
{
	struct verb_args args;

	assert_int_equal(parse(word, noun, &args, operands), -1);
	assert_string_equal(error_text(), expected);
	verb_args_fini(&args);
}

/* The reason is jansson's, its words and columns differ from version to version. */
static void assert_no_json(const char *operand)
{
	static const char *const expected = "parameter \"records\": not JSON: line 1, column ";
	struct verb_args args;

	assert_int_equal(parse("create", "dnsrecords", &args, (const char *[]){operand, NULL}), -1);
	assert_memory_equal(error_text(), expected, strlen(expected));
	verb_args_fini(&args);
}

#define OPERANDS(...) ((const char *[]){__VA_ARGS__, NULL})

static void test_values(void **state)
{
	(void)state;
	assert_params("create", "dnszone", OPERANDS("name=a.test", "dnsserverid=ns1"),
		"{\"name\":\"a.test\",\"dnsserverid\":\"ns1\"}");
	assert_params("create", "DNSZONE", OPERANDS("NAME=", "dnsserverid=a=b"),
		"{\"name\":\"\",\"dnsserverid\":\"a=b\"}");
	assert_params("list", "dnszones", OPERANDS("page=2", "pagesize=10"),
		"{\"page\":\"2\",\"pagesize\":\"10\"}");
}

static void test_lists(void **state)
{
	(void)state;
	assert_params("create", "dnsrecord",
		OPERANDS("dnszoneid=a", "name=b", "type=A", "contents=192.0.2.1,192.0.2.2",
			"contents=192.0.2.3"),
		"{\"dnszoneid\":\"a\",\"name\":\"b\",\"type\":\"A\","
		"\"contents\":\"192.0.2.1,192.0.2.2,192.0.2.3\"}");
}

static void test_json(void **state)
{
	(void)state;
	assert_params("create", "dnsrecords", OPERANDS("records=[{\"ttl\": 5}]"),
		"{\"records\":[{\"ttl\":5}]}");
	assert_no_json("records=[{]");
	assert_no_json("records=[{\"a\": 1, \"a\": 2}]");
	assert_no_json("records=");
	assert_refused("create", "dnsrecords", OPERANDS("records=[]", "records=[]"),
		"parameter \"records\" is given twice");
}

static void test_own(void **state)
{
	struct verb_args args;

	(void)state;
	assert_int_equal(parse("create", "dnsrecords", &args,
				 OPERANDS("records=[]", "filter=id,name", "file=x.json")),
		0);
	assert_string_equal(args.filter, "id,name");
	assert_string_equal(args.file, "x.json");
	assert_int_equal(verb_args_read_file(verb_find("create", "dnsrecords"), &args, &error), -1);
	assert_string_equal(error_text(), "file and records are both given");
	verb_args_fini(&args);
	assert_refused("list", "dnszones", OPERANDS("filter=a", "filter=b"),
		"parameter \"filter\" is given twice");
}

static void test_refused(void **state)
{
	(void)state;
	assert_refused("create", "dnszone", OPERANDS("x"), "\"x\" is not name=value");
	assert_refused("create", "dnszone", OPERANDS("=x"), "\"=x\" is not name=value");
	assert_refused("create", "dnszone", OPERANDS("name=a", "name=b"),
		"parameter \"name\" is given twice");
	assert_refused("create", "dnszone", OPERANDS("name=\xff"), "parameter \"name\": not UTF-8");
	assert_refused("delete", "dnszones", OPERANDS("zone=x"),
		"unknown parameter \"zone\" of \"delete dnszones\"; did you mean \"zones\"? There "
		"is zones, file");
	assert_refused("delete", "dnszones", OPERANDS("qqq=x"),
		"unknown parameter \"qqq\" of \"delete dnszones\"; there is zones, file");
	assert_refused("create", "dnszone", OPERANDS("name=a"),
		"\"create dnszone\" needs dnsserverid: DNS server, by id or name");
}

/* Every verb can be found, is told once, and has its words. */
static void test_table(void **state)
{
	(void)state;
	for (const struct verb *verb = verbs; verb->word != NULL; verb++) {
		bool has_group = false;
		assert_ptr_equal(verb_find(verb->word, verb->noun), verb);
		assert_true(strcmp(verb->word, "list") != 0 || verb->things != NULL);
		for (const struct tool_group *group = verb_groups; group->name != NULL; group++)
			has_group |= strcmp(group->name, verb->word) == 0;
		assert_true(has_group);
		for (const struct verb_param *param = verb->params; param->name != NULL; param++) {
			size_t len = strlen(param->name);
			assert_ptr_equal(verb_find_param(verb, param->name, len), param);
			assert_non_null(param->help);
			assert_non_null(param->example);
		}
	}
}

static int free_error(void **state)
{
	(void)state;
	buf_fini(&error);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, free_error);
}
