#include "unit.h"

#include "sync/entity.h"

#define ID "6f2c0000-0000-4000-8000-00000000000a"

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENTITY_NONE; i++)
		assert_int_equal(entity_find(entity_name((enum entity_kind)i)), i);
	assert_int_equal(entity_find("instances"), ENTITY_NONE);
	assert_int_equal(entity_find(""), ENTITY_NONE);
	assert_string_equal(entity_name(ENTITY_NONE), "none");
	for (size_t i = 0; i < ENTITY_KINDS; i++) {
		assert_non_null(entity_command((enum entity_kind)i));
		assert_non_null(entity_key((enum entity_kind)i));
	}
	assert_true(entity_in_projects(ENTITY_INSTANCE));
	assert_false(entity_in_projects(ENTITY_ACCOUNT));
}

static void test_classes(void **state)
{
	(void)state;
	assert_int_equal(entity_find_class("VirtualMachine"), ENTITY_INSTANCE);
	assert_int_equal(entity_find_class("com.cloud.vm.VirtualMachine"), ENTITY_INSTANCE);
	assert_int_equal(entity_find_class("com.cloud.uservm.UserVm"), ENTITY_INSTANCE);
	assert_int_equal(entity_find_class("com.cloud.network.IpAddress"), ENTITY_PUBLIC_ADDRESS);
	assert_int_equal(entity_find_class("com.cloud.vm.Nic"), ENTITY_NIC);
	assert_int_equal(entity_find_class("VpcOffering"), ENTITY_NONE);
	assert_int_equal(entity_find_class("virtualmachine"), ENTITY_NONE);
	assert_int_equal(entity_find_class("VirtualMachine."), ENTITY_NONE);
	assert_int_equal(entity_find_class(""), ENTITY_NONE);
}

static void test_uuid(void **state)
{
	(void)state;
	assert_true(uuid_is(ID));
	assert_true(uuid_is("6F2C0000-0000-4000-8000-00000000000A"));
	assert_false(uuid_is(""));
	assert_false(uuid_is("6f2c0000-0000-4000-8000-00000000000"));
	assert_false(uuid_is(ID "0"));
	assert_false(uuid_is("6f2c0000-0000-4000-8000-00000000000g"));
	assert_false(uuid_is("6f2c000000000-4000-8000-00000000000a"));
	assert_false(uuid_is("6f2c0000-0000-4000-8000000000000000a"));
	assert_false(uuid_is("{f2c0000-0000-4000-8000-00000000000a"));
}

static json_t *parse(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return json;
}

enum { LIST, EMPTY, STRANGE };

/* What an answer that has this inside of its envelope is. */
static int what_is(const char *text)
{
	json_t *json = parse(text);
	bool is_empty = false;
	const json_t *list = entity_list(ENTITY_INSTANCE, json, &is_empty);
	int what = list != NULL ? LIST : is_empty ? EMPTY : STRANGE;

	json_decref(json);
	return what;
}

static void test_list(void **state)
{
	(void)state;
	assert_int_equal(what_is("{\"count\":1,\"virtualmachine\":[{\"id\":\"" ID "\"}]}"), LIST);
	assert_int_equal(what_is("{\"virtualmachine\":[{\"id\":\"" ID "\"}]}"), LIST);
	/* Nothing is answered in these ways. */
	assert_int_equal(what_is("{}"), EMPTY);
	assert_int_equal(what_is("{\"count\":0}"), EMPTY);
	assert_int_equal(what_is("{\"virtualmachine\":[]}"), EMPTY);
	/* None of these says that there is nothing. */
	assert_int_equal(what_is("{\"count\":3}"), STRANGE);
	assert_int_equal(what_is("{\"count\":3,\"virtualmachine\":[]}"), STRANGE);
	assert_int_equal(what_is("{\"errortext\":\"x\"}"), STRANGE);
	assert_int_equal(what_is("{\"network\":[{\"id\":\"" ID "\"}]}"), STRANGE);
	assert_int_equal(what_is("{\"virtualmachine\":{\"id\":\"" ID "\"}}"), STRANGE);
	assert_int_equal(what_is("{\"virtualmachine\":null}"), STRANGE);
	assert_int_equal(what_is("{\"virtualmachine\":[{\"id\":\"7\"}]}"), STRANGE);
	assert_int_equal(what_is("{\"virtualmachine\":[{\"id\":\"" ID "\"},7]}"), STRANGE);
	assert_int_equal(what_is("[]"), STRANGE);
}

static bool is_behind(const char *text)
{
	json_t *json = parse(text);
	bool is = entity_is_behind(ENTITY_INSTANCE, json);

	json_decref(json);
	return is;
}

static void test_behind(void **state)
{
	(void)state;
	assert_true(is_behind("{\"count\":3}"));
	assert_true(is_behind("{\"count\":3,\"virtualmachine\":[]}"));
	assert_false(is_behind("{}"));
	assert_false(is_behind("{\"count\":0}"));
	assert_false(is_behind("{\"virtualmachine\":[]}"));
	assert_false(is_behind("{\"count\":1,\"virtualmachine\":[{\"id\":\"" ID "\"}]}"));
	assert_false(is_behind("{\"count\":1,\"network\":[]}"));
}

static size_t count_of(const char *text)
{
	json_t *json = parse(text);
	size_t count = entity_count(json);

	json_decref(json);
	return count;
}

static void test_count(void **state)
{
	(void)state;
	assert_int_equal(count_of("{\"count\":7}"), 7);
	assert_int_equal(count_of("{\"count\":-1}"), 0);
	assert_int_equal(count_of("{\"count\":\"7\"}"), 0);
	assert_int_equal(count_of("{}"), 0);
}

static void assert_trimmed(enum entity_kind kind, const char *text, const char *expected)
{
	json_t *json = parse(text);
	json_t *trimmed = entity_trim(kind, json);
	char *out = json_dumps(trimmed, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	assert_non_null(out);
	assert_string_equal(out, expected);
	free(out);
	json_decref(trimmed);
	json_decref(json);
}

static void test_trim(void **state)
{
	(void)state;
	assert_trimmed(ENTITY_INSTANCE,
		"{\"id\":\"" ID "\",\"name\":\"web\",\"hostname\":\"hypervisor\",\"tags\":[1],"
		"\"nic\":[{\"id\":\"n\",\"gateway\":\"g\",\"ipaddress\":\"192.0.2.1\","
		"\"secondaryip\":[{\"ipaddress\":\"192.0.2.2\"}]}]}",
		"{\"id\":\"" ID "\",\"name\":\"web\",\"nic\":[{\"id\":\"n\",\"ipaddress\":\"192.0."
		"2.1\",\"secondaryip\":[{\"ipaddress\":\"192.0.2.2\"}]}]}");
	/* Strange NICs are the schema's to refuse. */
	assert_trimmed(ENTITY_INSTANCE, "{\"nic\":[7,{}]}", "{\"nic\":[7,{}]}");
	assert_trimmed(ENTITY_INSTANCE, "{\"nic\":{\"a\":1}}", "{\"nic\":{\"a\":1}}");
	assert_trimmed(ENTITY_DOMAIN, "{\"id\":\"x\",\"nic\":[],\"networkdomain\":null}",
		"{\"id\":\"x\",\"networkdomain\":null}");
	assert_trimmed(ENTITY_NETWORK, "{}", "{}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_uuid),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_trim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
