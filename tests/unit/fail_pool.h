/*
 * fail_pool: makes the n-th pool_alloc fail. The allocations of a pool seldom reach malloc, so that
 * fail_alloc does not see them.
 *
 * A test that uses it links $(UNIT_FAIL_POOL) and has tests/unit/fail_pool.c among its sources.
 */
#ifndef CSDNS_TESTS_FAIL_POOL_H
#define CSDNS_TESTS_FAIL_POOL_H

#include <stdbool.h>

/* The n-th pool_alloc from now on fails, once; 0: none does. */
void fail_pool_at(unsigned n);
/* Did it come to that since? */
bool fail_pool_done(void);

#endif
