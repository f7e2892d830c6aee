#include "unit.h"

#include "dns/rrtype.h"
#include "fail_pool.h"
#include "mirror/rrs.h"

static struct rr make(uint16_t type, bool disabled, uint32_t ttl, const char *content)
{
	struct rr rr = {.type = type,
		.disabled = disabled,
		.ttl = ttl,
		.content = content,
		.content_len = (uint32_t)strlen(content)};

	return rr;
}

static void add(struct rrs **rrs, struct pool *pool, struct rr rr)
{
	assert_int_equal(rrs_add(rrs, pool, &rr), 0);
}

static void assert_rr(
	const struct rr *rr, uint16_t type, bool disabled, uint32_t ttl, const char *escaped)
{
	assert_int_equal(rr->type, type);
	assert_int_equal(rr->disabled, disabled);
	assert_int_equal(rr->ttl, ttl);
	assert_int_equal(rr->content_len, strlen(escaped));
	assert_memory_equal(rr->content, escaped, rr->content_len);
}

static void test_walk(void **state)
{
	struct pool *pool = pool_new();
	struct rrs *rrs = NULL;
	struct rr rr;

	(void)state;
	assert_non_null(pool);
	assert_null(rrs_next(NULL, NULL, &rr));
	assert_false(rrs_find(NULL, RRTYPE_A, &rr));
	assert_false(rrs_has(NULL, RRS_ENABLED));
	add(&rrs, pool, make(RRTYPE_TXT, true, 0, "\"a\\b\""));
	assert_false(rrs_has(rrs, RRS_ENABLED));
	assert_false(rrs_find(rrs, RRTYPE_TXT, &rr));
	add(&rrs, pool, make(RRTYPE_A, false, UINT32_MAX, ""));
	add(&rrs, pool, make(65535, false, 60, "x"));
	assert_true(rrs_has(rrs, RRS_ENABLED));
	assert_false(rrs_has(rrs, RRS_NS | RRS_DNAME | RRS_CNAME));
	assert_int_equal(rrs->records, 3);

	const uint8_t *at = rrs_next(rrs, NULL, &rr);
	assert_rr(&rr, RRTYPE_TXT, true, 0, "\\\"a\\\\b\\\"");
	at = rrs_next(rrs, at, &rr);
	assert_rr(&rr, RRTYPE_A, false, UINT32_MAX, "");
	at = rrs_next(rrs, at, &rr);
	assert_rr(&rr, 65535, false, 60, "x");
	assert_null(rrs_next(rrs, at, &rr));
	assert_true(rrs_find(rrs, 65535, &rr));
	assert_rr(&rr, 65535, false, 60, "x");
	assert_false(rrs_find(rrs, RRTYPE_AAAA, &rr));
	rrs_free(rrs, pool);
	rrs_free(NULL, pool);
	assert_int_equal(pool_used(pool), 0);
	pool_free(pool);
}

static void test_flags(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t flag;
	} cases[] = {{RRTYPE_NS, RRS_DATA | RRS_NS}, {RRTYPE_DNAME, RRS_DATA | RRS_DNAME},
		{RRTYPE_CNAME, RRS_DATA | RRS_CNAME}, {RRTYPE_DS, RRS_DATA | RRS_DS},
		{RRTYPE_RRSIG, RRS_RRSIG}, {RRTYPE_A, RRS_DATA}};
	struct pool *pool = pool_new();

	(void)state;
	assert_non_null(pool);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct rrs *rrs = NULL;
		add(&rrs, pool, make(cases[i].type, true, 1, "x."));
		assert_int_equal(rrs->flags, 0);
		add(&rrs, pool, make(cases[i].type, false, 1, "x."));
		assert_int_equal(rrs->flags, RRS_ENABLED | cases[i].flag);
		rrs_free(rrs, pool);
	}
	pool_free(pool);
}

/* Blocks of all sizes, grown record by record: nothing is written behind them (AddressSanitizer
 * looks), and what is given back is what was taken. */
static void test_growth(void **state)
{
	char content[400];

	(void)state;
	memset(content, 'c', sizeof(content));
	for (int round = 0; round < 200; round++) {
		struct pool *pool = pool_new();
		struct rrs *rrs = NULL;
		struct rr rr;
		uint32_t sum = 0;
		assert_non_null(pool);
		for (size_t n = unit_random(200); n > 0; n--) {
			rr = make(RRTYPE_TXT, false, (uint32_t)n, "");
			rr.content = content;
			rr.content_len = (uint32_t)unit_random(1 + unit_random(sizeof(content)));
			sum += rr.content_len;
			assert_int_equal(rrs_add(&rrs, pool, &rr), 0);
			assert_int_equal(
				pool_used(pool), pool_size(offsetof(struct rrs, data) + rrs->size));
		}
		for (const uint8_t *at = NULL; (at = rrs_next(rrs, at, &rr)) != NULL;)
			sum -= rr.content_len;
		assert_int_equal(sum, 0);
		rrs_free(rrs, pool);
		assert_int_equal(pool_used(pool), 0);
		pool_free(pool);
	}
}

static void test_out_of_memory(void **state)
{
	struct pool *pool = pool_new();
	struct rr one = make(RRTYPE_A, false, 60, "192.0.2.1");
	struct rrs *rrs = NULL;
	struct rr rr;

	(void)state;
	assert_non_null(pool);
	fail_pool_at(1);
	assert_int_equal(rrs_add(&rrs, pool, &one), -1);
	assert_null(rrs);
	assert_int_equal(rrs_add(&rrs, pool, &one), 0);
	int rc = 0;
	for (uint32_t records = 1; rc == 0; records++) {
		/* until one does not fit in place */
		fail_pool_at(1);
		assert_int_equal(rrs->records, records);
		rc = rrs_add(&rrs, pool, &one);
	}
	uint32_t count = 0;
	for (const uint8_t *at = NULL; (at = rrs_next(rrs, at, &rr)) != NULL; count++)
		assert_rr(&rr, RRTYPE_A, false, 60, "192.0.2.1");
	assert_int_equal(count, rrs->records);
	rrs_free(rrs, pool);
	assert_int_equal(pool_used(pool), 0);
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_out_of_memory),
	};

	unit_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
