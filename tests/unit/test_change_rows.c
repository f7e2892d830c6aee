/*
 * Change sets and rows that are out of the ordinary: those that cannot be served, names that are
 * taken or spelt in another way, a whole subtree.
 */
#include "unit.h"

#include "fill.h"
#include "mirror/change.h"
#include "mirror_check.h"

static enum row_result add_domain(
	struct change *change, int32_t id, const char *name, const char **why)
{
	struct domain_row row = fill_domain(id, name, "NATIVE");

	return change_add_domain(change, &row, why);
}

static enum row_result add_record(
	struct change *change, int32_t id, const char *name, const char *content, const char **why)
{
	struct record_row row = fill_record(id, name, "A", content);

	return change_add_record(change, &row, why);
}

/* A mirror with zone 1, t, and zone 2, u, each with a record at a. */
static struct mirror *small_mirror(void)
{
	struct mirror *mirror = mirror_new(300);

	assert_non_null(mirror);
	assert_true(fill_add_domain(mirror, 1, "t", "NATIVE"));
	assert_true(fill_add_domain(mirror, 2, "u", "NATIVE"));
	assert_true(fill_add_record(mirror, 1, "a.t", "A", "192.0.2.1"));
	assert_true(fill_add_record(mirror, 2, "a.u", "A", "192.0.2.2"));
	return mirror;
}

static void finish(struct mirror *mirror, struct change *change)
{
	struct store_version version = {1, 0};

	change_commit(change, version);
	while (!change_clean_step(change, 1))
		;
	while (!mirror_free_step(mirror, 1))
		;
	mirror_check(mirror, true);
	struct reachable reachable = mirror_reachable(mirror);
	assert_int_equal(reachable.data + reachable.tables, pool_used(mirror->pool));
}

static void mirror_drop(struct mirror *mirror)
{
	mirror_unref(mirror);
	assert_true(mirror_free_step(mirror, SIZE_MAX));
}

/* They are left out, and what belongs to them too; the rest is served. */
static void test_left_out(void **state)
{
	struct mirror *mirror = small_mirror();
	struct change *change = change_new(mirror);
	const char *why = NULL;

	(void)state;
	assert_non_null(change);
	assert_int_equal(change_touch_zone(change, 1), 0);
	assert_int_equal(change_touch_zone(change, 3), 0);
	assert_int_equal(change_touch_name(change, 2, fill_text("a.u")), 0);
	assert_int_equal(change_touch_name(change, 2, fill_text("b.u")), 0);
	assert_int_equal(change_touch_name(change, 2, fill_text("a..u")), 0);
	assert_int_equal(change_touch_name(change, 2, fill_text("a.t")), 0);
	assert_int_equal(change_touch_name(change, 9, fill_text("a.t")), 0);
	assert_int_equal(change_touch_name(change, 1, fill_text("a.t")), 0);
	assert_int_equal(change_size(change), 4);
	assert_int_equal(add_domain(change, 1, "a..b", &why), ROW_LEFT_OUT);
	assert_string_equal(why, "empty label");
	assert_int_equal(add_domain(change, 2, "u", &why), ROW_IGNORED);
	assert_int_equal(add_domain(change, 3, "x", &why), ROW_TAKEN);
	assert_int_equal(add_record(change, 1, "a.t", "192.0.2.1", &why), ROW_LEFT_OUT);
	assert_string_equal(why, "its zone is not served");
	assert_int_equal(add_record(change, 9, "a.t", "192.0.2.1", &why), ROW_LEFT_OUT);
	assert_string_equal(why, "its zone is not served");
	assert_int_equal(add_record(change, 2, "a.u", "x", &why), ROW_LEFT_OUT);
	assert_int_equal(add_record(change, 2, "b.u", "192.0.2.3", &why), ROW_TAKEN);
	assert_int_equal(add_record(change, 2, "c.u", "192.0.2.3", &why), ROW_IGNORED);
	assert_int_equal(add_record(change, 3, "x", "192.0.2.3", &why), ROW_TAKEN);
	finish(mirror, change);
	assert_null(mirror_find_zone_by_id(mirror, 1));
	const struct zone *zone = mirror_find_zone_by_id(mirror, 2);
	assert_null(zone_find(zone, (const uint8_t *)"\1a", 2));
	assert_non_null(zone_find(zone, (const uint8_t *)"\1b", 2));
	assert_int_equal(mirror_find_zone_by_id(mirror, 3)->records, 1);
	mirror_drop(mirror);
}

/* A zone that would take the name of another one is not served. */
static void test_name_that_is_taken(void **state)
{
	struct mirror *mirror = small_mirror();
	struct change *change = change_new(mirror);
	const char *why;

	(void)state;
	assert_non_null(change);
	assert_int_equal(change_touch_zone(change, 1), 0);
	assert_int_equal(add_domain(change, 1, "u", &why), ROW_TAKEN);
	assert_int_equal(add_record(change, 1, "b.u", "192.0.2.3", &why), ROW_TAKEN);
	finish(mirror, change);
	assert_null(mirror_find_zone_by_id(mirror, 1));
	assert_int_equal(mirror_find_zone_by_id(mirror, 2)->records, 1);
	mirror_drop(mirror);
}

/* A row that spells a name in another way is left out, and takes nothing from the name. */
static void test_another_spelling(void **state)
{
	struct mirror *mirror = small_mirror();
	struct change *change = change_new(mirror);
	const char *why = NULL;

	(void)state;
	assert_non_null(change);
	assert_int_equal(change_touch_name(change, 1, fill_text("\\097.t")), 0);
	assert_int_equal(change_touch_name(change, 2, fill_text("a.U")), 0);
	assert_int_equal(change_size(change), 0);
	assert_int_equal(add_record(change, 1, "\\097.t", "192.0.2.3", &why), ROW_LEFT_OUT);
	finish(mirror, change);
	assert_int_equal(mirror_find_zone_by_id(mirror, 1)->records, 1);
	assert_int_equal(mirror_find_zone_by_id(mirror, 2)->records, 1);
	mirror_drop(mirror);
}

/* A subtree goes at once, in whatever order its names were touched. */
static void test_subtree(void **state)
{
	static const char *const names[] = {"c.b.a.t", "b.a.t", "a.t", "t", "d.c.b.a.t"};

	(void)state;
	for (size_t first = 0; first < COUNT(names); first++) {
		struct mirror *mirror = small_mirror();
		for (size_t i = 0; i < COUNT(names); i += 2)
			assert_true(fill_add_record(mirror, 1, names[i], "A", "192.0.2.1"));
		struct change *change = change_new(mirror);
		assert_non_null(change);
		for (size_t i = 0; i < COUNT(names); i++)
			assert_int_equal(change_touch_name(change, 1,
						 fill_text(names[(first + i) % COUNT(names)])),
				0);
		finish(mirror, change);
		assert_int_equal(mirror_find_zone_by_id(mirror, 1)->names.entries, 1);
		mirror_drop(mirror);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_name_that_is_taken),
		cmocka_unit_test(test_another_spelling),
		cmocka_unit_test(test_subtree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
