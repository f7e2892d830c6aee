/*
 * The set of affected names: what covers what, how names are written for PowerDNS, and that without
 * memory everything is affected.
 */
#include "unit.h"

#include "fail_alloc.h"
#include "fail_pool.h"
#include "mirror/affected_set.h"

static void add(struct affected *affected, const char *text)
{
	size_t len = strlen(text);
	bool is_suffix = len > 0 && text[len - 1] == '$';
	struct name name;

	assert_int_equal(name_parse(&name, text, is_suffix ? len - 1 : len), NAME_OK);
	affected_add_name(affected, name.wire, name.len, is_suffix);
}

/* The names as PURGE takes them, each with a blank behind it. */
static void print(char *out, const struct affected_name *name, size_t n)
{
	for (; name != NULL; name = name->next, n--) {
		out += affected_print(out, name);
		*out++ = ' ';
	}
	*out = '\0';
	assert_int_equal(n, 0);
}

static void check(const char *const *names, const char *expected)
{
	char text[4096];
	struct affected affected;

	affected_init(&affected);
	for (; *names != NULL; names++)
		add(&affected, *names);
	affected_finish(&affected);
	print(text, affected.names, affected.n_names);
	assert_string_equal(text, expected);
	assert_false(affected.is_all);
	affected_fini(&affected);
	assert_true(affected_is_empty(&affected));
}

#define CHECK(expected, ...) check((const char *const[]){__VA_ARGS__, NULL}, expected)

static void test_each_name_once(void **state)
{
	(void)state;
	CHECK("a.example. b.example. ", "a.example", "b.example", "A.example.");
	CHECK("example.$ ", "example$", "example$");
}

static void test_suffixes_cover(void **state)
{
	(void)state;
	CHECK("example.$ ", "example$", "example", "a.example", "b.a.example$");
	CHECK("other. example.$ ", "example", "other", "a.example", "b.a.example$", "example$");
	CHECK("a.example.$ ba.example. ", "a.example$", "ba.example", "c.a.example");
	CHECK(".$ ", "example$", "a", "", "$");
}

static void test_names_as_purge_takes_them(void **state)
{
	(void)state;
	CHECK(". ", "");
	CHECK("us$. ", "us\\036");
	CHECK("a\\032b\\.c\\\\\\009\\200.example.$ ", "a\\032b\\.c\\\\\\009\\200.example.$");
}

static void test_zones_are_suffixes_too(void **state)
{
	char text[100];
	struct affected affected;

	(void)state;
	affected_init(&affected);
	assert_true(affected_is_empty(&affected));
	affected_add_zone(&affected, (const uint8_t *)"\1a", 2);
	affected_add_zone(&affected, (const uint8_t *)"\1b\1a", 4);
	affected_add_zone(&affected, (const uint8_t *)"\1a", 2);
	affected_finish(&affected);
	assert_false(affected_is_empty(&affected));
	print(text, affected.names, affected.n_names);
	assert_string_equal(text, "a.$ ");
	print(text, affected.zones, affected.n_zones);
	assert_string_equal(text, "b.a.$ a.$ ");
	affected_fini(&affected);
}

static void test_too_many_are_all(void **state)
{
	struct affected affected;
	char text[16];

	(void)state;
	affected_init(&affected);
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(text, sizeof(text), "n%d.a", i);
		add(&affected, text);
	}
	assert_int_equal(affected.n_names, 10000);
	assert_false(affected.is_all);
	add(&affected, "b");
	affected_finish(&affected);
	assert_true(affected.is_all);
	assert_false(affected.is_all_zones);
	assert_null(affected.names);
	assert_int_equal(affected.n_names, 0);
	affected_fini(&affected);
}

static void test_without_memory_all(void **state)
{
	static const struct {
		void (*at)(unsigned n);
		bool (*done)(void);
	} failures[] = {{fail_alloc_at, fail_alloc_done}, {fail_pool_at, fail_pool_done}};
	char text[100];

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		for (unsigned n = 1;; n++) {
			struct affected affected;
			affected_init(&affected);
			failures[f].at(n);
			add(&affected, "a.b");
			affected_add_zone(&affected, (const uint8_t *)"\1c", 2);
			affected_finish(&affected);
			bool ran_out = failures[f].done();
			failures[f].at(0);
			print(text, affected.names, affected.n_names);
			assert_string_equal(text, affected.is_all ? "" : "a.b. c.$ ");
			print(text, affected.zones, affected.n_zones);
			assert_string_equal(text, affected.is_all_zones ? "" : "c.$ ");
			assert_int_equal(affected.is_all || affected.is_all_zones, ran_out);
			affected_fini(&affected);
			if (!ran_out)
				break;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_name_once),
		cmocka_unit_test(test_suffixes_cover),
		cmocka_unit_test(test_names_as_purge_takes_them),
		cmocka_unit_test(test_zones_are_suffixes_too),
		cmocka_unit_test(test_too_many_are_all),
		cmocka_unit_test(test_without_memory_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
