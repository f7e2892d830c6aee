#include "unit.h"

#include "dns/rrtype.h"
#include "fill.h"
#include "mirror_check.h"

static int setup(void **state)
{
	*state = mirror_new(300);
	return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	struct mirror *mirror = *state;

	mirror_unref(mirror);
	return mirror_free_step(mirror, SIZE_MAX) ? 0 : -1;
}

static struct zone *find(const struct mirror *mirror, const char *text)
{
	struct name name;

	assert_int_equal(name_parse(&name, text, strlen(text)), NAME_OK);
	return mirror_find_zone(mirror, name.wire, name.len);
}

static void test_find(void **state)
{
	struct mirror *mirror = *state;

	assert_null(find(mirror, "example.org"));
	assert_null(mirror_find_zone_by_id(mirror, 1));
	assert_true(fill_add_domain(mirror, 1, "example.org", "NATIVE"));
	assert_true(fill_add_domain(mirror, -2, "sub.example.org", "MASTER"));
	assert_true(fill_add_domain(mirror, INT32_MAX, ".", "SLAVE"));
	assert_int_equal(find(mirror, "example.org")->id, 1);
	assert_int_equal(find(mirror, "sub.example.org")->id, -2);
	assert_int_equal(find(mirror, "")->id, INT32_MAX);
	assert_null(find(mirror, "org"));
	assert_ptr_equal(mirror_find_zone_by_id(mirror, -2), find(mirror, "sub.example.org"));
	assert_null(mirror_find_zone_by_id(mirror, 2));
	assert_int_equal(mirror_zones(mirror), 3);
	mirror_check(mirror, true);
}

static void test_rows(void **state)
{
	struct mirror *mirror = *state;

	assert_true(fill_add_domain(mirror, 1, "example.org", "NATIVE"));
	assert_true(fill_add_domain(mirror, 2, "example.net", "NATIVE"));
	assert_true(fill_add_record(mirror, 1, "www.example.org", "A", "192.0.2.1"));
	assert_true(fill_add_disabled(mirror, 1, "www.example.org", "A", "192.0.2.2"));
	assert_true(fill_add_record(mirror, 2, "a.b.example.net", "A", "192.0.2.1"));
	assert_true(fill_add_metadata(mirror, 1, "A", "1"));
	assert_true(fill_add_metadata(mirror, 1, "B", "2"));
	assert_int_equal(mirror_zones(mirror), 2);
	assert_int_equal(mirror->records, 3);
	const struct metadata *item = find(mirror, "example.org")->metadata;
	assert_memory_equal(item->text, "A1", 2);
	assert_memory_equal(item->next->text, "B2", 2);
	mirror_check(mirror, true);
}

static void test_left_out(void **state)
{
	struct mirror *mirror = *state;
	struct domain_row domain = fill_domain(2, "example.org", "NATIVE");
	struct record_row record = fill_record(3, "www.example.org", "A", "192.0.2.1");
	struct metadata_row metadata = fill_metadata(3, "A", "1");
	const char *why = NULL;

	assert_true(fill_add_domain(mirror, 1, "example.org", "NATIVE"));
	assert_int_equal(mirror_add_domain(mirror, &domain, &why), ROW_LEFT_OUT);
	assert_string_equal(why, "another zone has the same name");
	domain.name = fill_text("Example.org");
	assert_int_equal(mirror_add_domain(mirror, &domain, &why), ROW_LEFT_OUT);
	assert_string_equal(why, "name is not spelled as PowerDNS spells it");
	domain.name = fill_text("a..b");
	assert_int_equal(mirror_add_domain(mirror, &domain, &why), ROW_LEFT_OUT);
	assert_string_equal(why, "empty label");
	assert_int_equal(mirror_add_record(mirror, &record, &why), ROW_LEFT_OUT);
	assert_string_equal(why, "its zone is not served");
	assert_int_equal(mirror_add_metadata(mirror, &metadata, &why), ROW_LEFT_OUT);
	assert_string_equal(why, "its zone is not served");
	record.domain_id = 1;
	record.content = fill_text("192.0.2.256");
	assert_int_equal(mirror_add_record(mirror, &record, &why), ROW_LEFT_OUT);
	assert_int_equal(find(mirror, "example.org")->names.entries, 1);
	mirror_check(mirror, true);
	assert_true(mirror_free_step(mirror, SIZE_MAX));
}

/* A mirror lives until its last reference is given back. */
static void test_references(void **state)
{
	struct mirror *mirror = mirror_new(300);

	(void)state;
	assert_non_null(mirror);
	mirror_ref(mirror);
	assert_true(fill_add_domain(mirror, 1, "example.org", "NATIVE"));
	for (unsigned i = 0; i < 100000; i++) {
		char name[40];
		(void)snprintf(name, sizeof(name), "n%u.example.org", i);
		assert_true(fill_add_record(mirror, 1, name, "A", "192.0.2.1"));
	}
	mirror_unref(mirror);
	assert_true(mirror_free_step(mirror, 1));
	assert_non_null(find(mirror, "example.org"));
	mirror_unref(mirror);
	unsigned steps = 1;
	while (!mirror_free_step(mirror, 1))
		steps++;
	assert_in_range(steps, 4, 1000);
}

static void count_zone(void *arg, struct zone *zone)
{
	unsigned char *seen = arg;

	seen[zone->id]++;
}

static void test_many_zones(void **state)
{
	struct mirror *mirror = *state;
	unsigned char seen[2000] = {0};
	char name[40];

	for (int32_t i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "z%d.example", i);
		assert_true(fill_add_domain(mirror, i, name, "NATIVE"));
	}
	mirror_check(mirror, true);
	mirror_each_zone(mirror, count_zone, seen);
	for (size_t i = 0; i < sizeof(seen); i++)
		assert_int_equal(seen[i], 1);
	for (int32_t i = 0; i < 2000; i += 2) {
		struct zone *zone = mirror_find_zone_by_id(mirror, i);
		mirror_unlink_zone(mirror, zone);
		mirror_discard_zone(mirror, zone);
	}
	unsigned steps = 1;
	while (!mirror_free_step(mirror, 10))
		steps++;
	assert_in_range(steps, 100, 102);
	assert_int_equal(mirror_zones(mirror), 1000);
	struct reachable reachable = mirror_reachable(mirror);
	assert_int_equal(reachable.data + reachable.tables, pool_used(mirror->pool));
	mirror_check(mirror, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_find),
		TEST(test_rows),
		TEST(test_left_out),
		cmocka_unit_test(test_references),
		TEST(test_many_zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
