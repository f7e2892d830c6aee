/*
 * table: a hash table that grows and shrinks a bucket at a time (linear hashing), so that no single
 * insertion ever takes long, however large the table is.
 *
 * Intrusive: an entry is a member of the caller's struct. The table owns only its buckets, which
 * come from the mirror's pool. While it is held (table_hold), buckets neither split nor merge, so
 * that a walk which goes on over many turns meets every entry once that stays in the table.
 */
#ifndef CSDNS_MIRROR_TABLE_H
#define CSDNS_MIRROR_TABLE_H

#include "base/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_entry {
	struct table_entry *next; /* in the bucket */
	uint32_t hash;
	uint32_t owner; /* room that alignment leaves, for the caller */
};

struct table {
	struct pool *pool;
	struct table_entry **
		*segments;    /* TABLE_SEGMENT buckets each, but the first may be smaller */
	uint32_t segment_cap; /* length of segments[] */
	uint32_t first_cap;   /* buckets allocated in segments[0] */
	uint32_t buckets;     /* in use; at least 1 once there is an entry */
	uint32_t entries;
	uint32_t holds;
};

#define TABLE_SEGMENT 512

typedef bool (*table_equal_fn)(const struct table_entry *entry, const void *key);

void table_init(struct table *table, struct pool *pool);
/* Gives the buckets back; the entries are the caller's. */
void table_fini(struct table *table);

/* Has the bucket fetched while the caller does something else. */
void table_fetch(const struct table *table, uint32_t hash);
/* The bucket's first entry, which most likely is the one, or NULL. */
struct table_entry *table_first(const struct table *table, uint32_t hash);
/* NULL when there is none. */
struct table_entry *table_find(
	const struct table *table, uint32_t hash, table_equal_fn equal, const void *key);
/* Takes the memory without which table_add could fail. */
int table_prepare(struct table *table) __attribute__((warn_unused_result));
/* entry->hash is set. 0, or -1 when memory is out. The caller has made sure that it is not there.
 */
int table_add(struct table *table, struct table_entry *entry) __attribute__((warn_unused_result));
/* The entry is in the table. */
void table_remove(struct table *table, struct table_entry *entry);
/* The first entry of a bucket below table->buckets. */
struct table_entry *table_bucket(const struct table *table, uint32_t bucket);

void table_hold(struct table *table);
void table_unhold(struct table *table);

/* A keyed hash is not needed for the names of one's own zones, but lookups for names that are not
 * there cost one walk of a bucket, so the seed is random for each process. */
uint32_t table_hash(const void *bytes, size_t n);
/* The hash of an address, for tables of what belongs to an object. */
uint32_t table_hash_address(const void *address);
void table_seed(uint64_t seed);

#endif
