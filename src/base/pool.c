#include "base/pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* AddressSanitizer knows nothing of objects in a chunk unless it is told. */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define NO_ACCESS(at, n) ASAN_POISON_MEMORY_REGION((at), (n))
#define ACCESS(at, n)	 ASAN_UNPOISON_MEMORY_REGION((at), (n))
#else
#define NO_ACCESS(at, n) ((void)0)
#define ACCESS(at, n)	 ((void)0)
#endif

#define POOL_ALIGN   8
#define POOL_CLASSES (POOL_SMALL_MAX / POOL_ALIGN)

/* A released object holds the link to the next one of its class. */
struct free_object {
	struct free_object *next;
};

/* In front of an object that is allocated singly. */
struct large {
	struct large *prev, *next;
};

struct chunk {
	struct chunk *next;
	size_t size;
};

struct pool {
	struct chunk *chunks;
	char *fresh; /* unused part of the newest chunk */
	size_t fresh_left;
	struct large large; /* ring; the pool's own member is its head */
	size_t bytes;
	size_t used;
	struct free_object *free_objects[POOL_CLASSES]; /* index: size / 8 - 1 */
};

struct pool *pool_new(void)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return NULL;
	pool->large.prev = pool->large.next = &pool->large;
	return pool;
}

size_t pool_size(size_t n)
{
	if (n == 0)
		n = 1;
	if (n <= POOL_SMALL_MAX)
		return (n + POOL_ALIGN - 1) & ~(size_t)(POOL_ALIGN - 1);

	/* An eighth of the power of two from n on, so that what a size is rounded up to has itself
	 * as its size: a caller may use all of it. */
	size_t step = POOL_SMALL_MAX / 4;
	while (step < n / 8 + (n % 8 != 0))
		step *= 2;
	if (n > SIZE_MAX - step)
		return n;
	return (n + step - 1) / step * step;
}

static void *large_alloc(struct pool *pool, size_t size)
{
	if (size > SIZE_MAX - sizeof(struct large))
		return NULL;
	struct large *large = malloc(sizeof(*large) + size);
	if (large == NULL)
		return NULL;
	large->prev = &pool->large;
	large->next = pool->large.next;
	large->next->prev = large;
	pool->large.next = large;
	pool->bytes += sizeof(*large) + size;
	return large + 1;
}

static void large_free(struct large *large)
{
	large->prev->next = large->next;
	large->next->prev = large->prev;
	free(large);
}

/* size bytes at a multiple of size, which is a power of two; NULL when memory is out. */
static void *map_aligned(size_t size)
{
	char *map =
		mmap(NULL, size * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return NULL;
	size_t before = (size - (uintptr_t)map % size) % size;
	if (before > 0)
		(void)munmap(map, before);
	(void)munmap(map + before + size, size - before);
	return map + before;
}

/* Many pools live for a moment and need one chunk: the first comes from the heap, which has it at
 * hand. */
static struct chunk *chunk_get(const struct pool *pool, size_t size)
{
	return pool->chunks == NULL ? malloc(size) : map_aligned(size);
}

static void chunk_put(struct chunk *chunk)
{
	ACCESS(chunk, chunk->size);
	if (chunk->next == NULL)
		free(chunk);
	else
		(void)munmap(chunk, chunk->size);
}

static bool chunk_add(struct pool *pool)
{
	size_t size = POOL_FIRST;

	while (size < POOL_CHUNK && size < pool->bytes)
		size *= 2;
	struct chunk *chunk = chunk_get(pool, size);
	if (chunk == NULL)
		return false;
	if (size == POOL_CHUNK)
		(void)madvise(chunk, size, MADV_HUGEPAGE);
	chunk->next = pool->chunks;
	chunk->size = size;
	pool->chunks = chunk;
	pool->fresh = (char *)(chunk + 1);
	pool->fresh_left = size - sizeof(*chunk);
	NO_ACCESS(pool->fresh, pool->fresh_left);
	pool->bytes += size;
	return true;
}

void *pool_alloc(struct pool *pool, size_t n)
{
	size_t size = pool_size(n);
	void *object;

	if (size > POOL_SMALL_MAX) {
		object = large_alloc(pool, size);
	} else {
		struct free_object **head = &pool->free_objects[size / POOL_ALIGN - 1];
		if (*head != NULL) {
			object = *head;
			ACCESS(object, size);
			*head = (*head)->next;
		} else {
			if (pool->fresh_left < size && !chunk_add(pool))
				return NULL;
			object = pool->fresh;
			ACCESS(object, size);
			pool->fresh += size;
			pool->fresh_left -= size;
		}
	}
	if (object != NULL)
		pool->used += size;
	return object;
}

void pool_release(struct pool *pool, void *object, size_t n)
{
	if (object == NULL)
		return;

	size_t size = pool_size(n);
	pool->used -= size;
	if (size > POOL_SMALL_MAX) {
		pool->bytes -= sizeof(struct large) + size;
		large_free((struct large *)object - 1);
		return;
	}
	struct free_object *free_object = object;
	struct free_object **head = &pool->free_objects[size / POOL_ALIGN - 1];
	free_object->next = *head;
	*head = free_object;
	NO_ACCESS(object, size);
}

bool pool_free_step(struct pool *pool, size_t chunks)
{
	while (chunks > 0 && pool->large.next != &pool->large) {
		struct large *first = pool->large.next;
		pool->large.next = first->next;
		first->next->prev = &pool->large;
		free(first);
		chunks--;
	}
	while (chunks > 0 && pool->chunks != NULL) {
		struct chunk *chunk = pool->chunks;
		pool->chunks = chunk->next;
		chunk_put(chunk);
		chunks--;
	}
	if (pool->large.next != &pool->large || pool->chunks != NULL)
		return false;
	free(pool);
	return true;
}

void pool_free(struct pool *pool)
{
	if (pool != NULL)
		(void)pool_free_step(pool, SIZE_MAX);
}

size_t pool_bytes(const struct pool *pool)
{
	return pool->bytes;
}

size_t pool_used(const struct pool *pool)
{
	return pool->used;
}
