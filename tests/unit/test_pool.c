#include "unit.h"

#include "base/pool.h"

#include <sys/mman.h>

static void test_sizes(void **state)
{
	size_t last = 0;

	(void)state;
	assert_int_equal(pool_size(0), 8);
	assert_int_equal(pool_size(1), 8);
	assert_int_equal(pool_size(8), 8);
	assert_int_equal(pool_size(9), 16);
	assert_int_equal(pool_size(POOL_SMALL_MAX), POOL_SMALL_MAX);
	for (size_t n = 1; n < 100000; n++) {
		size_t size = pool_size(n);
		assert_true(size >= n);
		assert_int_equal(size % 8, 0);
		assert_true(size >= last);
		last = size;
		if (n > POOL_SMALL_MAX)
			assert_true(size - n <= n / 4);
	}
	assert_int_equal(pool_size(SIZE_MAX), SIZE_MAX);
}

/* An object that grows in place up to its size still is of that size. */
static void test_size_of_a_size(void **state)
{
	(void)state;
	for (size_t n = 1; n < 100000; n++) {
		size_t size = pool_size(n);
		assert_int_equal(pool_size(size), size);
		assert_int_equal(pool_size(n + (size - n) / 2), size);
	}
}

static void test_reuse(void **state)
{
	struct pool *pool = pool_new();

	(void)state;
	assert_non_null(pool);
	assert_int_equal(pool_used(pool), 0);
	char *one = pool_alloc(pool, 20);
	assert_non_null(one);
	assert_int_equal((uintptr_t)one % 8, 0);
	assert_int_equal(pool_used(pool), 24);
	char *other = pool_alloc(pool, 24);
	assert_non_null(other);
	assert_int_equal(pool_used(pool), 48);
	pool_release(pool, one, 20);
	assert_int_equal(pool_used(pool), 24);
	/* another class does not get it, the same one does */
	char *third = pool_alloc(pool, 32);
	assert_ptr_not_equal(third, one);
	assert_ptr_equal(pool_alloc(pool, 17), one);
	pool_release(pool, NULL, 17);
	assert_int_equal(pool_used(pool), 24 + 32 + 24);
	pool_free(pool);
	pool_free(NULL);
}

static void test_large(void **state)
{
	struct pool *pool = pool_new();
	char *large[5];

	(void)state;
	assert_non_null(pool);
	for (size_t i = 0; i < 5; i++) {
		large[i] = pool_alloc(pool, 5000 + i);
		assert_non_null(large[i]);
		memset(large[i], (int)i, pool_size(5000 + i));
	}
	assert_true(pool_bytes(pool) >= pool_used(pool));
	assert_true(pool_used(pool) >= 25000);
	pool_release(pool, large[2], 5002);
	pool_release(pool, large[0], 5000);
	pool_release(pool, large[4], 5004);
	assert_int_equal(pool_used(pool), pool_size(5001) + pool_size(5003));
	pool_release(pool, large[1], 5001);
	pool_release(pool, large[3], 5003);
	assert_int_equal(pool_used(pool), 0);
	assert_int_equal(pool_bytes(pool), 0);
	/* sizes that cannot be */
	assert_null(pool_alloc(pool, SIZE_MAX));
	assert_null(pool_alloc(pool, SIZE_MAX - 8));
	assert_int_equal(pool_used(pool), 0);
	pool_free(pool);
}

static void test_free_step(void **state)
{
	struct pool *pool = pool_new();
	size_t steps = 0;

	(void)state;
	assert_non_null(pool);
	for (int i = 0; i < 3; i++)
		assert_non_null(pool_alloc(pool, 2000));
	while (pool_bytes(pool) < 10 * POOL_CHUNK)
		assert_non_null(pool_alloc(pool, 1000));
	while (!pool_free_step(pool, 1))
		steps++;
	/* three large ones, then chunks that double up to POOL_CHUNK */
	assert_in_range(steps, 3 + 10, 3 + 20);

	pool = pool_new();
	assert_non_null(pool);
	assert_true(pool_free_step(pool, 0));
}

static bool no_pages;

/* The linker's --wrap sends malloc and mmap to the first, and the second is the real one. */
void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	return no_pages ? MAP_FAILED : __real_mmap(at, size, protection, flags, fd, offset);
}

void *__wrap_malloc(size_t size)
{
	return no_pages && size == POOL_FIRST ? NULL : __real_malloc(size);
}

static void test_out_of_memory(void **state)
{
	struct pool *pool = pool_new();

	(void)state;
	assert_non_null(pool);
	no_pages = true;
	assert_null(pool_alloc(pool, 8));
	assert_int_equal(pool_used(pool), 0);
	assert_int_equal(pool_bytes(pool), 0);
	no_pages = false;
	char *one = pool_alloc(pool, 8);
	assert_non_null(one);
	no_pages = true;
	/* what the first chunk has left is still there */
	assert_non_null(pool_alloc(pool, POOL_SMALL_MAX));
	while (pool_alloc(pool, POOL_SMALL_MAX) != NULL)
		;
	assert_int_equal(pool_bytes(pool), POOL_FIRST);
	assert_true(pool_used(pool) > POOL_FIRST - 2 * POOL_SMALL_MAX);
	pool_release(pool, one, 8);
	assert_ptr_equal(pool_alloc(pool, 8), one);
	no_pages = false;
	assert_non_null(pool_alloc(pool, POOL_SMALL_MAX));
	pool_free(pool);
}

#define SLOTS 500

struct slot {
	unsigned char *at;
	size_t n;
	unsigned char mark;
};

static void slot_check(const struct slot *slot)
{
	for (size_t i = 0; i < slot->n; i++)
		assert_int_equal(slot->at[i], (unsigned char)(slot->mark + i));
}

static void slot_fill(struct slot *slot, struct pool *pool)
{
	slot->n = 1 + unit_random(unit_random(4) == 0 ? 20000 : 1100);
	slot->mark = (unsigned char)unit_random(256);
	slot->at = pool_alloc(pool, slot->n);
	assert_non_null(slot->at);
	assert_int_equal((uintptr_t)slot->at % 8, 0);
	for (size_t i = 0; i < slot->n; i++)
		slot->at[i] = (unsigned char)(slot->mark + i);
}

/* Nobody writes into what another one holds, and the sum is kept. */
static void test_random(void **state)
{
	struct pool *pool = pool_new();
	struct slot slots[SLOTS];
	size_t used = 0;

	(void)state;
	assert_non_null(pool);
	memset(slots, 0, sizeof(slots));
	for (int i = 0; i < 20000; i++) {
		struct slot *slot = &slots[unit_random(SLOTS)];
		if (slot->at == NULL) {
			slot_fill(slot, pool);
			used += pool_size(slot->n);
		} else {
			slot_check(slot);
			pool_release(pool, slot->at, slot->n);
			used -= pool_size(slot->n);
			slot->at = NULL;
		}
		assert_int_equal(pool_used(pool), used);
		assert_true(pool_bytes(pool) >= used);
	}
	for (size_t i = 0; i < SLOTS; i++) {
		if (slots[i].at != NULL) {
			slot_check(&slots[i]);
			pool_release(pool, slots[i].at, slots[i].n);
		}
	}
	assert_int_equal(pool_used(pool), 0);
	while (!pool_free_step(pool, 1 + unit_random(3)))
		;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_size_of_a_size),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_free_step),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_random),
	};

	unit_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
