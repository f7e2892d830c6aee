/*
 * pool: memory for very many small objects that are freed one by one, or all at once.
 *
 * Objects of one size class come from chunks of up to POOL_CHUNK bytes and go back to the class's
 * free list; the caller remembers each object's size. Objects over POOL_SMALL_MAX are allocated
 * singly. Freeing a pool returns its chunks to the system, so that a generation of data that was
 * built aside and dropped leaves no holes behind.
 */
#ifndef CSDNS_BASE_POOL_H
#define CSDNS_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#define POOL_SMALL_MAX 4096
/* A huge page: lookups go all over the memory, and each would cost a miss of the TLB more. The
 * first chunks are smaller. */
#define POOL_CHUNK ((size_t)2 * 1024 * 1024)
#define POOL_FIRST ((size_t)64 * 1024)

struct pool;

/* NULL when memory is out. */
struct pool *pool_new(void);
/* Frees up to `chunks` chunks or single objects; true when nothing is left and the pool itself is
 * gone. Between the first call and the last the pool must not be used. */
bool pool_free_step(struct pool *pool, size_t chunks);
void pool_free(struct pool *pool);

/* n bytes aligned to 8, not cleared; NULL when memory is out. */
void *pool_alloc(struct pool *pool, size_t n) __attribute__((warn_unused_result));
/* object may be NULL; n as it was allocated. */
void pool_release(struct pool *pool, void *object, size_t n);
/* The size that pool_alloc(n) really gives, so that an object can grow in place up to it. Grows by
 * a quarter above POOL_SMALL_MAX. */
size_t pool_size(size_t n);
/* Bytes taken from the system. */
size_t pool_bytes(const struct pool *pool);
/* Bytes handed out and not released. */
size_t pool_used(const struct pool *pool);

#endif
