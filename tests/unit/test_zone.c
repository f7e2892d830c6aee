#include "unit.h"

#include "dns/rrtype.h"
#include "fail_pool.h"
#include "fill.h"
#include "mirror_check.h"

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

static struct node *make(struct zone *zone, const char *text)
{
	struct name name;

	assert_int_equal(name_parse(&name, text, strlen(text)), NAME_OK);
	return zone_make(zone, name.wire, name.len);
}

static struct node *find(const struct zone *zone, const char *text)
{
	struct name name;

	assert_int_equal(name_parse(&name, text, strlen(text)), NAME_OK);
	return zone_find(zone, name.wire, name.len);
}

static void append(struct zone *zone, const char *text, uint16_t type, bool disabled)
{
	struct rr rr = {.type = type, .disabled = disabled, .content = "x.", .content_len = 2};
	struct node *node = make(zone, text);

	assert_non_null(node);
	assert_int_equal(zone_append(zone, node, &rr), 0);
}

/* Takes all records of a name away. */
static void clear(struct zone *zone, const char *text)
{
	struct node *node = find(zone, text);
	struct node *changed;

	assert_non_null(node);
	rrs_free(zone_swap(zone, node, NULL, &changed), zone->pool);
	zone_prune(zone, node);
}

static void test_make_and_prune(void **state)
{
	struct zone *zone = ((struct fixture *)*state)->zone;

	assert_ptr_equal(make(zone, ""), zone->apex);
	assert_null(find(zone, "c"));
	struct node *node = make(zone, "a.b.c");
	assert_non_null(node);
	assert_ptr_equal(make(zone, "A.b.C"), node);
	assert_ptr_equal(node->parent, find(zone, "b.c"));
	assert_ptr_equal(node->parent->parent, find(zone, "c"));
	assert_ptr_equal(find(zone, "c")->parent, zone->apex);
	assert_false(node_exists(node));
	zone_check(zone, false);
	struct node *sister = make(zone, "a2.b.c");
	zone_prune(zone, node);
	assert_null(find(zone, "a.b.c"));
	assert_ptr_equal(find(zone, "b.c"), sister->parent);
	zone_prune(zone, sister->parent);
	assert_ptr_equal(find(zone, "b.c"), sister->parent);
	zone_prune(zone, sister);
	assert_null(find(zone, "c"));
	zone_prune(zone, zone->apex);
	assert_ptr_equal(find(zone, ""), zone->apex);
	assert_int_equal(zone->names.entries, 1);
	zone_check(zone, true);
}

/* 127 labels of one octet: the longest way down. */
static void test_deepest(void **state)
{
	struct fixture *fixture = *state;
	uint8_t wire[NAME_WIRE_MAX];

	for (size_t i = 0; i < sizeof(wire); i += 2) {
		wire[i] = 1;
		wire[i + 1] = 'x';
	}
	struct node *node = zone_make(fixture->zone, wire, sizeof(wire));
	assert_non_null(node);
	assert_int_equal(fixture->zone->names.entries, 128);
	zone_check(fixture->zone, false);
	zone_prune(fixture->zone, node);
	assert_int_equal(fixture->zone->names.entries, 1);
}

static void test_existence(void **state)
{
	struct zone *zone = ((struct fixture *)*state)->zone;

	append(zone, "a.b.c", RRTYPE_A, true);
	assert_false(node_exists(find(zone, "a.b.c")));
	assert_false(node_exists(find(zone, "c")));
	append(zone, "a.b.c", RRTYPE_AAAA, false);
	assert_true(node_exists(find(zone, "a.b.c")));
	assert_true(node_exists(find(zone, "b.c")));
	assert_true(node_exists(find(zone, "c")));
	assert_true(node_exists(zone->apex));
	append(zone, "c", RRTYPE_A, false);
	append(zone, "d.c", RRTYPE_A, false);
	zone_check(zone, true);
	assert_int_equal(zone->records, 4);
	clear(zone, "a.b.c");
	assert_null(find(zone, "b.c"));
	clear(zone, "d.c");
	assert_true(node_exists(find(zone, "c")));
	clear(zone, "c");
	assert_null(find(zone, "c"));
	assert_false(node_exists(zone->apex));
	assert_int_equal(zone->records, 0);
	zone_check(zone, true);
}

static bool is_auth(const struct zone *zone, const char *text, uint16_t type)
{
	return node_is_authoritative(find(zone, text), type);
}

static void test_authority(void **state)
{
	struct zone *zone = ((struct fixture *)*state)->zone;

	append(zone, "", RRTYPE_NS, false);
	append(zone, "d", RRTYPE_NS, false);
	append(zone, "d", RRTYPE_DS, false);
	append(zone, "glue.d", RRTYPE_A, false);
	append(zone, "deep.glue.d", RRTYPE_DS, false);
	append(zone, "n", RRTYPE_NS, true);
	append(zone, "a.n", RRTYPE_A, false);
	assert_true(is_auth(zone, "", RRTYPE_NS));
	assert_false(is_auth(zone, "d", RRTYPE_NS));
	assert_true(is_auth(zone, "d", RRTYPE_DS));
	assert_false(is_auth(zone, "d", RRTYPE_A));
	assert_false(is_auth(zone, "glue.d", RRTYPE_A));
	assert_false(is_auth(zone, "deep.glue.d", RRTYPE_DS));
	assert_true(is_auth(zone, "n", RRTYPE_NS));
	assert_true(is_auth(zone, "a.n", RRTYPE_A));
}

static void test_serial(void **state)
{
	struct zone *zone = ((struct fixture *)*state)->zone;
	struct rr rr = {.type = RRTYPE_SOA, .disabled = true};
	uint32_t serial;

	assert_false(zone_serial(zone, &serial));
	rr.content = "ns. host. 1 2 3 4 5";
	rr.content_len = (uint32_t)strlen(rr.content);
	assert_int_equal(zone_append(zone, zone->apex, &rr), 0);
	assert_false(zone_serial(zone, &serial));
	rr.content = "ns.example. a\\.b.example. 4294967295 2 3 4 5";
	rr.content_len = (uint32_t)strlen(rr.content);
	rr.disabled = false;
	assert_int_equal(zone_append(zone, zone->apex, &rr), 0);
	assert_true(zone_serial(zone, &serial));
	assert_int_equal(serial, UINT32_MAX);
}

static void assert_info(
	const char *type, enum zone_kind kind, const char *master, const char *masters)
{
	struct pool *pool = pool_new();
	struct domain_row row = fill_domain(1, "x", type);

	assert_non_null(pool);
	row.master = fill_text(master);
	row.account = fill_text("me \"too\"");
	row.last_check = 12;
	row.has_notified_serial = true;
	row.notified_serial = UINT32_MAX;
	struct zone_info *info = zone_info_new(pool, &row);
	assert_non_null(info);
	assert_int_equal(info->kind, kind);
	assert_int_equal(info->masters_len, strlen(masters));
	assert_memory_equal(info->text, masters, strlen(masters));
	assert_int_equal(info->account_len, 10);
	assert_memory_equal(info->text + info->masters_len, "me \\\"too\\\"", 10);
	assert_int_equal(info->last_check, 12);
	assert_true(info->has_notified_serial);
	assert_int_equal(info->notified_serial, UINT32_MAX);
	zone_info_free(info, pool);
	zone_info_free(NULL, pool);
	assert_int_equal(pool_used(pool), 0);
	pool_free(pool);
}

static void test_info(void **state)
{
	(void)state;
	assert_info("NATIVE", ZONE_NATIVE, NULL, "");
	assert_info("master", ZONE_PRIMARY, "", "");
	assert_info("Slave", ZONE_SECONDARY, "192.0.2.1", "\"192.0.2.1\"");
	assert_info("SLAVE", ZONE_SECONDARY, ", 192.0.2.1:53,\t2001:db8::1 ,,",
		"\"192.0.2.1:53\",\"2001:db8::1\"");
	assert_info("PRODUCER", ZONE_PRODUCER, "\"", "\"\\\"\"");
	assert_info("consumer", ZONE_CONSUMER, NULL, "");
	assert_info(NULL, ZONE_NATIVE, NULL, "");
	assert_info("MASTERS", ZONE_NATIVE, NULL, "");
}

/* In steps, and not more of them than the budget says. */
static void test_free_step(void **state)
{
	struct domain_row row = fill_domain(7, "example.org", "NATIVE");
	struct pool *pool = pool_new();
	struct name name;
	size_t steps = 0;
	char text[20];

	(void)state;
	assert_non_null(pool);
	assert_int_equal(name_parse(&name, "example.org", 11), NAME_OK);
	struct zone *zone = zone_new(pool, &name, &row);
	assert_non_null(zone);
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(text, sizeof(text), "n%d.e%d", i, i % 7);
		append(zone, text, RRTYPE_A, false);
	}
	struct metadata_row item = fill_metadata(7, "KIND", "content");
	assert_int_equal(zone_add_metadata(zone, &item), 0);
	uint32_t names = zone->names.entries;
	assert_int_equal(names, 2000 + 7 + 1);
	for (;;) {
		size_t budget = 10;
		steps++;
		if (zone_free_step(zone, &budget))
			break;
		assert_int_equal(budget, 0);
		assert_int_equal(steps < names, true);
	}
	assert_in_range(steps, names / 10, names / 10 + 1);
	assert_int_equal(pool_used(pool), 0);
	pool_free(pool);
}

/* Whichever allocation fails, nothing is left of a name that was not made. */
static void test_make_out_of_memory(void **state)
{
	struct zone *zone = ((struct fixture *)*state)->zone;
	unsigned failures = 0;
	bool ran_out = true;

	append(zone, "kept", RRTYPE_A, false);
	for (unsigned n = 1; ran_out; n++) {
		fail_pool_at(n);
		struct node *node = make(zone, "a.b.c.kept");
		ran_out = fail_pool_done();
		fail_pool_at(0);
		zone_check(zone, node == NULL);
		if (node != NULL)
			zone_prune(zone, node); /* only the table could not grow */
		else
			failures++;
		assert_int_equal(zone->names.entries, 2);
	}
	assert_in_range(failures, 2, 3); /* a table that grew once needs not grow again */
}

static void test_new_out_of_memory(void **state)
{
	struct domain_row row = fill_domain(8, "example.net", "NATIVE");
	struct pool *pool = pool_new();
	struct name name;
	unsigned failures = 0;
	bool ran_out = true;

	(void)state;
	assert_non_null(pool);
	assert_int_equal(name_parse(&name, "example.net", 11), NAME_OK);
	for (unsigned n = 1; ran_out; n++) {
		fail_pool_at(n);
		struct zone *zone = zone_new(pool, &name, &row);
		ran_out = fail_pool_done();
		fail_pool_at(0);
		size_t budget = SIZE_MAX;
		if (zone != NULL)
			assert_true(zone_free_step(zone, &budget));
		else
			failures++;
		assert_int_equal(pool_used(pool), 0);
	}
	assert_in_range(failures, 4, 6);
	pool_free(pool);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_make_and_prune),
		TEST(test_deepest),
		TEST(test_existence),
		TEST(test_authority),
		TEST(test_serial),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_free_step),
		TEST(test_make_out_of_memory),
		cmocka_unit_test(test_new_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
