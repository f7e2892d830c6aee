#include "unit.h"

#include "dns/rrtype.h"
#include "fill.h"
#include "mirror_check.h"

#define NAMES 300

struct fixture {
	struct pool *pool;
	struct zone *zone;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct domain_row row = fill_domain(7, "example.org", "NATIVE");
	struct name name;

	if (fixture == NULL || name_parse(&name, "example.org", 11) != NAME_OK)
		return -1;
	fixture->pool = pool_new();
	if (fixture->pool == NULL)
		return -1;
	fixture->zone = zone_new(fixture->pool, &name, &row);
	*state = fixture;
	return fixture->zone == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	size_t budget = SIZE_MAX;

	if (!zone_free_step(fixture->zone, &budget) || pool_used(fixture->pool) != 0)
		return -1;
	pool_free(fixture->pool);
	free(fixture);
	return 0;
}

static struct rrs *block(struct zone *zone, uint32_t ttl)
{
	struct rr rr = {.type = RRTYPE_A, .ttl = ttl, .content = "x", .content_len = 1};
	struct rrs *rrs = NULL;

	assert_int_equal(rrs_add(&rrs, zone->pool, &rr), 0);
	return rrs;
}

static struct node *make(struct zone *zone, unsigned i)
{
	uint8_t wire[] = {3, 'x', (uint8_t)('a' + i / 26), (uint8_t)('a' + i % 26)};
	struct node *node = zone_make(zone, wire, sizeof(wire));

	assert_non_null(node);
	return node;
}

/* TTL 0: no records. */
static void set(struct zone *zone, unsigned i, uint32_t ttl)
{
	struct node *node = make(zone, i);
	struct node *changed;

	rrs_free(zone_swap(zone, node, ttl == 0 ? NULL : block(zone, ttl), &changed), zone->pool);
	zone_prune(zone, node);
}

struct view {
	unsigned names;
	uint32_t ttl; /* that all have */
	bool sees_apex;
};

static void look(void *arg, const struct node *node, const struct rrs *rrs)
{
	struct view *view = arg;
	struct rr rr;

	if (rrs == NULL) {
		/* The apex has names below it and no records of its own. */
		assert_int_equal(node->name_len, 0);
		view->sees_apex = true;
		return;
	}
	assert_int_equal(node->name_len, 4);
	assert_non_null(rrs_next(rrs, NULL, &rr));
	assert_int_equal(rr.ttl, view->ttl);
	view->names++;
}

static void assert_sees(struct zone_pin *pin, unsigned names, uint32_t ttl)
{
	struct view view = {0, ttl, false};

	assert_int_equal(zone_pin_walk(pin, SIZE_MAX, look, &view), 1);
	assert_int_equal(view.names, names);
	assert_int_equal(view.sees_apex, names > 0);
}

/* Each pin sees the zone as it was at its own time, in whatever order they end. There are two of
 * each version, so that a change has to be kept for more than one. */
static void test_versions(void **state)
{
	struct zone *zone = ((struct fixture *)*state)->zone;
	struct zone_pin *pins[5];
	struct zone_pin *others[5];

	for (uint32_t version = 1; version <= 5; version++) {
		for (unsigned i = 0; i < NAMES; i++)
			set(zone, i, i < NAMES / version ? version : 0);
		pins[version - 1] = zone_pin_new(zone);
		assert_non_null(pins[version - 1]);
		others[version - 1] = zone_pin_new(zone);
		assert_non_null(others[version - 1]);
		assert_ptr_equal(zone_pin_zone(pins[version - 1]), zone);
		zone_check(zone, false);
	}
	for (unsigned i = 0; i < NAMES; i++)
		set(zone, i, 0);
	assert_int_equal(zone->records, 0);
	static const unsigned order[] = {2, 0, 4, 1, 3};
	for (size_t i = 0; i < 5; i++) {
		assert_sees(pins[order[i]], NAMES / (order[i] + 1), order[i] + 1);
		zone_pin_free(pins[order[i]]);
		zone_check(zone, false);
	}
	for (unsigned i = 0; i < 5; i++) {
		assert_sees(others[i], NAMES / (i + 1), i + 1);
		zone_pin_free(others[i]);
	}
	/* nothing but the apex is left */
	assert_int_equal(zone->names.entries, 1);
	zone_check(zone, true);
}

/* A walk stops near its budget, and goes on where it was. */
static void test_budget(void **state)
{
	struct zone *zone = ((struct fixture *)*state)->zone;
	struct view view = {0, 9, false};
	unsigned steps = 0;
	int done;

	for (unsigned i = 0; i < NAMES; i++)
		set(zone, i, 9);
	struct zone_pin *pin = zone_pin_new(zone);
	assert_non_null(pin);
	assert_int_equal(zone_pin_walk(pin, 0, look, &view), 0);
	assert_int_equal(view.names, 0);
	do {
		unsigned before = view.names;
		done = zone_pin_walk(pin, 10, look, &view);
		assert_true(done == 1 || view.names + view.sees_apex >= before + 10);
		assert_true(view.names <= before + 10 + 10); /* what one bucket may add */
		steps++;
	} while (done == 0);
	assert_int_equal(view.names, NAMES);
	assert_in_range(steps, NAMES / 20, NAMES / 10 + 1);
	assert_int_equal(zone_pin_walk(pin, 10, look, &view), 1);
	zone_pin_free(pin);
}

/* A name that comes and goes while the zone is pinned leaves nothing behind. */
static void test_comes_and_goes(void **state)
{
	struct fixture *fixture = *state;
	struct zone *zone = fixture->zone;
	size_t used = pool_used(fixture->pool);
	struct zone_pin *pin = zone_pin_new(zone);

	assert_non_null(pin);
	for (uint32_t i = 0; i < 100; i++)
		set(zone, 1, i % 3);
	set(zone, 1, 0);
	assert_sees(pin, 0, 1);
	zone_pin_free(pin);
	assert_int_equal(zone->names.entries, 1);
	assert_true(pool_used(fixture->pool) <= used + 128); /* the table */
	zone_check(zone, true);
}

/* However often a name changes, a pin keeps one version of it. */
static void test_changes_often(void **state)
{
	struct fixture *fixture = *state;
	struct zone *zone = fixture->zone;
	struct zone_pin *pins[3];

	set(zone, 1, 9);
	for (size_t i = 0; i < 3; i++) {
		size_t before = pool_used(fixture->pool);
		pins[i] = zone_pin_new(zone);
		assert_non_null(pins[i]);
		for (uint32_t ttl = 10; ttl < 1000; ttl++)
			set(zone, 1, ttl);
		assert_true(pool_used(fixture->pool) < before + 1000);
	}
	assert_sees(pins[1], 1, 999);
	assert_sees(pins[0], 1, 9);
	assert_sees(pins[2], 1, 999);
	for (size_t i = 0; i < 3; i++)
		zone_pin_free(pins[i]);
	zone_check(zone, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_versions),
		TEST(test_budget),
		TEST(test_comes_and_goes),
		TEST(test_changes_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
