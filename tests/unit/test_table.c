#include "unit.h"

#include "mirror/table.h"

#define ITEMS 3000

struct item {
	struct table_entry entry; /* first member */
	uint32_t key;
	bool is_in;
	bool was_in;   /* when the walk began */
	bool stayed;   /* in the table since the walk began */
	unsigned seen; /* by the walk */
};

struct fixture {
	struct pool *pool;
	struct table table;
	struct item items[ITEMS];
	uint32_t count;
	unsigned holds;
};

static bool has_key(const struct table_entry *entry, const void *key)
{
	return ((const struct item *)entry)->key == *(const uint32_t *)key;
}

static struct item *find(struct fixture *fixture, uint32_t key)
{
	return (struct item *)table_find(
		&fixture->table, table_hash(&key, sizeof(key)), has_key, &key);
}

static struct fixture *fixture_new(void)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->pool = pool_new();
	assert_non_null(fixture->pool);
	table_init(&fixture->table, fixture->pool);
	for (uint32_t i = 0; i < ITEMS; i++) {
		fixture->items[i].key = i;
		fixture->items[i].entry.hash = table_hash(&i, sizeof(i));
	}
	return fixture;
}

static void fixture_free(struct fixture *fixture)
{
	table_fini(&fixture->table);
	assert_int_equal(pool_used(fixture->pool), 0);
	pool_free(fixture->pool);
	free(fixture);
}

/* Every entry is in the bucket that its hash says, once, and none is missing. */
static void check(struct fixture *fixture)
{
	const struct table *table = &fixture->table;
	uint32_t count = 0;
	uint32_t low = 1;

	if (table->buckets == 0) {
		assert_int_equal(fixture->count, 0);
		return;
	}
	while (low * 2 <= table->buckets)
		low *= 2;
	for (uint32_t i = 0; i < table->buckets; i++) {
		const struct table_entry *entry = table_bucket(table, i);
		for (; entry != NULL; entry = entry->next) {
			uint32_t bucket = entry->hash % (low * 2);
			assert_int_equal(bucket < table->buckets ? bucket : bucket - low, i);
			assert_true(((const struct item *)entry)->is_in);
			count++;
		}
	}
	assert_int_equal(count, fixture->count);
	assert_int_equal(table->entries, fixture->count);
	for (uint32_t i = 0; i < ITEMS; i++)
		assert_ptr_equal(
			find(fixture, i), fixture->items[i].is_in ? &fixture->items[i] : NULL);
}

static void toggle(struct fixture *fixture, struct item *item)
{
	uint32_t buckets = fixture->table.buckets;

	if (item->is_in) {
		table_remove(&fixture->table, &item->entry);
		fixture->count--;
		item->stayed = false;
	} else {
		assert_int_equal(table_add(&fixture->table, &item->entry), 0);
		fixture->count++;
	}
	item->is_in = !item->is_in;
	if (fixture->holds > 0 && buckets > 0)
		assert_int_equal(fixture->table.buckets, buckets);
	else
		assert_in_range(fixture->table.buckets + 6, buckets, buckets + 9);
}

static void test_empty(void **state)
{
	struct fixture *fixture = fixture_new();

	(void)state;
	assert_null(find(fixture, 1));
	assert_int_equal(table_prepare(&fixture->table), 0);
	assert_int_equal(table_prepare(&fixture->table), 0);
	assert_int_equal(fixture->table.buckets, 1);
	assert_null(find(fixture, 1));
	fixture_free(fixture);
}

/* Half as many entries as buckets, or fewer; a quarter, or more. */
static void test_grows_and_shrinks(void **state)
{
	struct fixture *fixture = fixture_new();

	(void)state;
	for (uint32_t i = 0; i < ITEMS; i++) {
		toggle(fixture, &fixture->items[i]);
		assert_true(fixture->table.buckets >= 2 * fixture->table.entries);
	}
	check(fixture);
	assert_true(fixture->table.buckets > TABLE_SEGMENT * 4);
	for (uint32_t i = 0; i < ITEMS; i++) {
		toggle(fixture, &fixture->items[i]);
		assert_true(fixture->table.buckets <= 4 ||
			    fixture->table.buckets / 4 <= fixture->table.entries);
	}
	check(fixture);
	assert_int_equal(fixture->table.buckets, 4);
	fixture_free(fixture);
}

/* Mostly adding, then mostly removing, and so on. */
static void test_random(void **state)
{
	struct fixture *fixture = fixture_new();
	bool grows = true;

	(void)state;
	for (int i = 0; i < 30000; i++) {
		struct item *item = &fixture->items[unit_random(ITEMS)];
		if (unit_random(2000) == 0)
			grows = !grows;
		if (item->is_in != grows || unit_random(4) == 0)
			toggle(fixture, item);
		if (unit_random(1000) == 0 && fixture->holds == 0) {
			table_hold(&fixture->table);
			fixture->holds++;
		} else if (unit_random(300) == 0 && fixture->holds > 0) {
			table_unhold(&fixture->table);
			fixture->holds--;
		}
		if (i % 100 == 0)
			check(fixture);
	}
	check(fixture);
	fixture_free(fixture);
}

/* All entries have one of three hashes. */
static void test_collisions(void **state)
{
	struct fixture *fixture = fixture_new();

	(void)state;
	for (uint32_t i = 0; i < ITEMS; i++)
		fixture->items[i].entry.hash = 0xfffffff0u | (i % 3);
	for (uint32_t i = 0; i < ITEMS; i += 3)
		toggle(fixture, &fixture->items[i]);
	for (uint32_t i = 0; i < ITEMS; i += 3) {
		uint32_t key = i;
		assert_ptr_equal(table_find(&fixture->table, 0xfffffff0u, has_key, &key),
			&fixture->items[i]);
		assert_null(table_find(&fixture->table, 0xfffffff1u, has_key, &key));
	}
	for (uint32_t i = 0; i < ITEMS; i += 3)
		toggle(fixture, &fixture->items[i]);
	assert_int_equal(fixture->table.entries, 0);
	fixture_free(fixture);
}

static void walk_begin(struct fixture *fixture)
{
	for (uint32_t i = 0; i < ITEMS; i++) {
		struct item *item = &fixture->items[i];
		item->was_in = item->stayed = item->is_in;
		item->seen = 0;
	}
	table_hold(&fixture->table);
	fixture->holds++;
}

static void walk_end(struct fixture *fixture)
{
	table_unhold(&fixture->table);
	fixture->holds--;
	for (uint32_t i = 0; i < ITEMS; i++) {
		const struct item *item = &fixture->items[i];
		if (item->stayed)
			assert_int_equal(item->seen, 1);
	}
}

/* A walk bucket after bucket, with changes in between, meets each entry once that stays. */
static void walk(struct fixture *fixture)
{
	walk_begin(fixture);
	for (uint32_t bucket = 0; bucket < fixture->table.buckets; bucket++) {
		struct table_entry *entry = table_bucket(&fixture->table, bucket);
		for (; entry != NULL; entry = entry->next)
			((struct item *)entry)->seen++;
		for (size_t n = unit_random(10); n > 0; n--)
			toggle(fixture, &fixture->items[unit_random(ITEMS)]);
	}
	walk_end(fixture);
}

static void test_walk(void **state)
{
	struct fixture *fixture = fixture_new();

	(void)state;
	for (int i = 0; i < 30; i++) {
		/* a beginning that is small or large */
		for (size_t n = unit_random(3) * 1000; n > 0; n--)
			toggle(fixture, &fixture->items[unit_random(ITEMS)]);
		if (fixture->table.buckets > 0)
			walk(fixture);
		check(fixture);
	}
	fixture_free(fixture);
}

/* What was held back is caught up with by the insertions that follow. */
static void test_catches_up(void **state)
{
	struct fixture *fixture = fixture_new();

	(void)state;
	assert_int_equal(table_prepare(&fixture->table), 0);
	table_hold(&fixture->table);
	fixture->holds++;
	for (uint32_t i = 0; i < 500; i++)
		toggle(fixture, &fixture->items[i]);
	assert_int_equal(fixture->table.buckets, 1);
	table_unhold(&fixture->table);
	fixture->holds--;
	for (uint32_t i = 500; i < ITEMS; i++)
		toggle(fixture, &fixture->items[i]);
	assert_true(fixture->table.buckets >= 2 * fixture->table.entries);
	check(fixture);
	/* and the other way */
	uint32_t most = fixture->table.buckets;
	table_hold(&fixture->table);
	fixture->holds++;
	for (uint32_t i = 0; i < ITEMS - 100; i++)
		toggle(fixture, &fixture->items[i]);
	assert_int_equal(fixture->table.buckets, most);
	table_unhold(&fixture->table);
	fixture->holds--;
	for (uint32_t i = ITEMS - 100; i < ITEMS; i++) {
		uint32_t buckets = fixture->table.buckets;
		toggle(fixture, &fixture->items[i]);
		assert_true(buckets <= 4 || fixture->table.buckets + 4 <= buckets ||
			    fixture->table.entries >= fixture->table.buckets / 4);
	}
	check(fixture);
	fixture_free(fixture);
}

static void test_hash(void **state)
{
	unsigned char bytes[40];
	uint32_t before;

	(void)state;
	memset(bytes, 7, sizeof(bytes));
	for (size_t n = 0; n < sizeof(bytes); n++) {
		/* where the octets lie does not matter, how many there are does */
		unsigned char moved[48];
		memcpy(moved + 3, bytes, n);
		assert_int_equal(table_hash(bytes, n), table_hash(moved + 3, n));
		assert_int_not_equal(table_hash(bytes, n), table_hash(bytes, n + 1));
		for (size_t i = 0; i < n; i++) {
			before = table_hash(bytes, n);
			bytes[i] ^= 1;
			assert_int_not_equal(table_hash(bytes, n), before);
			bytes[i] ^= 1;
		}
	}
	before = table_hash("name", 4);
	table_seed(12345);
	assert_int_not_equal(table_hash("name", 4), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_grows_and_shrinks),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_collisions),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_catches_up),
		cmocka_unit_test(test_hash),
	};

	unit_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
