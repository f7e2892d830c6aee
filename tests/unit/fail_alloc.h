/*
 * fail_alloc: makes the n-th allocation fail, to walk every out-of-memory path.
 *
 * A test that uses it links $(UNIT_FAIL_ALLOC) and has tests/unit/fail_alloc.c among its sources.
 */
#ifndef CSDNS_TESTS_FAIL_ALLOC_H
#define CSDNS_TESTS_FAIL_ALLOC_H

#include <stdbool.h>

/* The n-th malloc, calloc, realloc or strdup from now on fails, once; 0: none does. */
void fail_alloc_at(unsigned n);
/* Did it come to that since? */
bool fail_alloc_done(void);

#endif
