#include "unit.h"

#include "serve/slow.h"

#include <stdio.h>

static void test_estimate(void **state)
{
	(void)state;
	assert_int_equal(slow_read_ms(0), 0);
	assert_int_equal(slow_read_ms(1500), 0);
	assert_in_range(slow_read_ms(200000), 100, 250);      /* 2000 records: 170 ms */
	assert_in_range(slow_read_ms(1000000), 2500, 3500);   /* 10 000: 2.8 s */
	assert_in_range(slow_read_ms(3000000), 25000, 31000); /* 30 000: 28 s */
	assert_true(slow_read_ms(UINT64_MAX) > slow_read_ms(4000000000));
}

static void test_once(void **state)
{
	struct slow slow = {0};

	(void)state;
	assert_true(slow_is_news(&slow, "a.test", 1));
	assert_false(slow_is_news(&slow, "a.test", 2));
	assert_true(slow_is_news(&slow, "b.test", 2));
	assert_false(slow_is_news(&slow, "a.test", SLOW_QUIET_MS));
	assert_true(slow_is_news(&slow, "a.test", SLOW_QUIET_MS + 1));
	assert_false(slow_is_news(&slow, "a.test", SLOW_QUIET_MS + 2));
	assert_false(slow_is_news(&slow, "b.test", SLOW_QUIET_MS + 1));
}

/* The oldest gives way. */
static void test_many(void **state)
{
	struct slow slow = {0};
	char subject[20];

	(void)state;
	for (int i = 0; i <= SLOW_KEPT; i++) {
		(void)snprintf(subject, sizeof(subject), "%d.test", i);
		assert_true(slow_is_news(&slow, subject, i + 1));
	}
	assert_false(slow_is_news(&slow, "1.test", SLOW_KEPT + 2));
	assert_true(slow_is_news(&slow, "0.test", SLOW_KEPT + 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_estimate),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
