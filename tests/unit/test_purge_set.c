#include "unit.h"

#include "dns/name.h"
#include "fail_alloc.h"
#include "serve/purge_set.h"

static void add(struct purge_set *set, const char *text, bool is_suffix)
{
	struct name name;

	assert_int_equal(name_parse(&name, text, strlen(text)), NAME_OK);
	purge_set_add(set, name.wire, name.len, is_suffix);
}

/* The commands that say all of it, one after the other. */
static void assert_prints(const struct purge_set *set, const char *expected)
{
	unsigned told;
	struct buf line;
	size_t at = 0;
	unsigned names = 0;

	buf_init(&line);
	while (purge_set_print(set, &at, &line, &told))
		names += told;
	assert_false(buf_failed(&line));
	assert_int_equal(line.len, strlen(expected));
	if (line.len > 0)
		assert_memory_equal(line.data, expected, line.len);
	assert_int_equal(names, set->n);
	buf_fini(&line);
}

static void test_names_stand_once_in_order(void **state)
{
	struct purge_set set;

	(void)state;
	purge_set_init(&set);
	assert_true(purge_set_is_empty(&set));
	assert_prints(&set, "");
	add(&set, "www.a.test", false);
	add(&set, "A.test.", false);
	add(&set, "WWW.A.test", false);
	add(&set, "", false);
	assert_false(purge_set_is_empty(&set));
	assert_prints(&set, "PURGE www.a.test. a.test. .\n");
	purge_set_reset(&set);
	assert_true(purge_set_is_empty(&set));
	add(&set, "a.test", false);
	assert_prints(&set, "PURGE a.test.\n");
	purge_set_fini(&set);
}

static void test_a_suffix_swallows_what_comes_after(void **state)
{
	struct purge_set set;

	(void)state;
	purge_set_init(&set);
	add(&set, "b.a.test", false);
	add(&set, "a.test", false);
	add(&set, "a.test", true); /* the same name is a suffix now */
	add(&set, "c.a.test", false);
	add(&set, "d.c.a.test", true);
	add(&set, "ca.test", false);
	assert_prints(&set, "PURGE b.a.test. a.test.$ ca.test.\n");
	assert_int_equal(set.n_suffixes, 1);
	purge_set_fini(&set);
}

/* What would be a blank, a newline, another label or a suffix in PowerDNS' command. */
static void test_octets_are_escaped(void **state)
{
	struct purge_set set;

	(void)state;
	purge_set_init(&set);
	add(&set, "a\\032b\\010c.test", false);
	add(&set, "a\\.b\\\\.test", false);
	add(&set, "x.test$", false);
	add(&set, "y.test$", true);
	add(&set, "\\000\\255", false);
	assert_prints(
		&set, "PURGE a\\032b\\010c.test. a\\.b\\\\.test. x.test$. y.test$.$ \\000\\255.\n");
	purge_set_fini(&set);
}

static void test_everything(void **state)
{
	struct purge_set set;
	struct purge_set other;

	(void)state;
	purge_set_init(&set);
	purge_set_init(&other);
	add(&set, "a.test", false);
	add(&set, "", true);
	assert_true(set.is_all);
	assert_false(set.is_overflown);
	add(&set, "b.test", false);
	assert_prints(&set, "PURGE\n");
	add(&other, "c.test", false);
	purge_set_merge(&set, &other);
	assert_prints(&set, "PURGE\n");
	purge_set_merge(&other, &set);
	assert_prints(&other, "PURGE\n");
	purge_set_fini(&set);
	purge_set_fini(&other);
}

static void test_merges(void **state)
{
	struct purge_set set;
	struct purge_set other;

	(void)state;
	purge_set_init(&set);
	purge_set_init(&other);
	add(&set, "a.test", false);
	add(&other, "b.test", false);
	add(&other, "a.test", false);
	add(&other, "c.test", true);
	purge_set_merge(&set, &other);
	assert_prints(&set, "PURGE a.test. b.test. c.test.$\n");
	purge_set_fini(&set);
	purge_set_fini(&other);
}

static void add_number(struct purge_set *set, unsigned number, bool is_long)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "n%u.%s%s", number,
		is_long ? "\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000."
			: "",
		"test");
	add(set, text, false);
}

static void test_too_many_are_everything(void **state)
{
	struct purge_set set;

	(void)state;
	purge_set_init(&set);
	for (unsigned i = 0; i < PURGE_SET_MAX; i++)
		add_number(&set, i, false);
	assert_false(set.is_all);
	assert_int_equal(set.n, PURGE_SET_MAX);
	add_number(&set, 0, false); /* is there */
	assert_false(set.is_all);
	add_number(&set, PURGE_SET_MAX, false);
	assert_true(set.is_all);
	assert_true(set.is_overflown);
	assert_prints(&set, "PURGE\n");
	purge_set_reset(&set);
	assert_false(set.is_overflown);
	add_number(&set, 1, false);
	assert_prints(&set, "PURGE n1.test.\n");
	purge_set_fini(&set);
}

static void test_commands_are_bounded(void **state)
{
	struct purge_set set;
	unsigned told;
	struct buf line;
	size_t at = 0;
	unsigned names = 0;
	unsigned lines = 0;

	(void)state;
	purge_set_init(&set);
	buf_init(&line);
	for (unsigned i = 0; i < 5000; i++)
		add_number(&set, i, true);
	while (purge_set_print(&set, &at, &line, &told)) {
		assert_true(line.len <= PURGE_LINE_MAX);
		assert_memory_equal(line.data, "PURGE n", 7);
		assert_int_equal(line.data[line.len - 1], '\n');
		assert_null(memchr(line.data, '\n', line.len - 1));
		names += told;
		lines++;
		buf_reset(&line, SIZE_MAX);
	}
	assert_int_equal(names, 5000);
	assert_in_range(lines, 5, 7);
	buf_fini(&line);
	purge_set_fini(&set);
}

/* Without memory it says more, not less. */
static void test_no_memory_is_everything(void **state)
{
	struct purge_set set;
	unsigned failed = 0;

	(void)state;
	for (unsigned n = 1; n < 40; n++) {
		purge_set_init(&set);
		fail_alloc_at(n);
		for (unsigned i = 0; i < 500; i++)
			add_number(&set, i, false);
		bool has_failed = fail_alloc_done();
		fail_alloc_at(0);
		assert_int_equal(set.is_all, has_failed);
		assert_int_equal(set.n, has_failed ? 0 : 500);
		failed += has_failed;
		purge_set_fini(&set);
	}
	assert_in_range(failed, 5, 39);
}

/* Against an array that is searched: what is said covers all that was added. */
static void test_random_sets_cover_what_was_added(void **state)
{
	static const char *const words[] = {"a", "b", "c", "d"};
	struct name added[60];
	struct purge_set set;
	struct purge_name there;

	(void)state;
	unit_seed();
	for (unsigned round = 0; round < 300; round++) {
		purge_set_init(&set);
		for (unsigned i = 0; i < 60; i++) {
			char text[64] = "test";
			for (size_t labels = unit_random(4); labels > 0; labels--) {
				char longer[64];
				(void)snprintf(longer, sizeof(longer), "%s.%s",
					words[unit_random(4)], text);
				memcpy(text, longer, sizeof(text));
			}
			assert_int_equal(name_parse(&added[i], text, strlen(text)), NAME_OK);
			purge_set_add(&set, added[i].wire, added[i].len, unit_random(8) == 0);
		}
		for (unsigned i = 0; i < 60; i++) {
			bool is_covered = false;
			for (size_t at = 0; purge_set_next(&set, &at, &there);)
				is_covered |= there.is_suffix
						      ? name_is_in(added[i].wire, added[i].len,
								there.wire, there.len)
						      : there.len == added[i].len &&
								memcmp(there.wire, added[i].wire,
									there.len) == 0;
			assert_true(is_covered);
		}
		purge_set_fini(&set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_stand_once_in_order),
		cmocka_unit_test(test_a_suffix_swallows_what_comes_after),
		cmocka_unit_test(test_octets_are_escaped),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_merges),
		cmocka_unit_test(test_too_many_are_everything),
		cmocka_unit_test(test_commands_are_bounded),
		cmocka_unit_test(test_no_memory_is_everything),
		cmocka_unit_test(test_random_sets_cover_what_was_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
