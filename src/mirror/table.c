#include "mirror/table.h"

#include <string.h>

/*
 * Linear hashing: of 2^k buckets the first `buckets - 2^k` are already split in two, their second
 * halves lie behind. A hash is reduced by the larger mask, and by the smaller one where that bucket
 * is not there yet.
 */

static uint64_t hash_seed = 0x9e3779b97f4a7c15u;

void table_seed(uint64_t seed)
{
	hash_seed = seed | 1;
}

/* Multiply and fold, eight octets at a time. */
static uint64_t hash_mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint32_t table_hash(const void *bytes, size_t n)
{
	const unsigned char *at = bytes;
	uint64_t hash = hash_seed ^ n;
	uint64_t word;

	for (; n >= 8; n -= 8, at += 8) {
		memcpy(&word, at, 8);
		hash = hash_mix(hash ^ word, 0xa0761d6478bd642fu);
	}
	word = 0;
	memcpy(&word, at, n);
	hash = hash_mix(hash ^ word, 0xe7037ed1a0b428dbu);
	return (uint32_t)(hash ^ (hash >> 32));
}

uint32_t table_hash_address(const void *address)
{
	uintptr_t number = (uintptr_t)address;

	return table_hash(&number, sizeof(number));
}

void table_init(struct table *table, struct pool *pool)
{
	memset(table, 0, sizeof(*table));
	table->pool = pool;
}

static size_t segment_bytes(const struct table *table, uint32_t segment)
{
	uint32_t buckets = segment == 0 ? table->first_cap : TABLE_SEGMENT;

	return buckets * sizeof(struct table_entry *);
}

void table_fini(struct table *table)
{
	for (uint32_t i = 0; i < table->segment_cap; i++)
		pool_release(table->pool, table->segments[i], segment_bytes(table, i));
	pool_release(table->pool, table->segments, table->segment_cap * sizeof(*table->segments));
	table_init(table, table->pool);
}

static struct table_entry **bucket_at(const struct table *table, uint32_t bucket)
{
	return &table->segments[bucket / TABLE_SEGMENT][bucket % TABLE_SEGMENT];
}

/* The largest power of two not above n; n is not 0. */
static uint32_t power_below(uint32_t n)
{
	return (uint32_t)1 << (31 - __builtin_clz(n));
}

static uint32_t bucket_of(const struct table *table, uint32_t hash)
{
	uint32_t low = power_below(table->buckets);
	uint32_t bucket = hash & (low * 2 - 1);

	return bucket < table->buckets ? bucket : hash & (low - 1);
}

void table_fetch(const struct table *table, uint32_t hash)
{
	if (table->buckets > 0)
		__builtin_prefetch(bucket_at(table, bucket_of(table, hash)));
}

struct table_entry *table_first(const struct table *table, uint32_t hash)
{
	return table->buckets == 0 ? NULL : *bucket_at(table, bucket_of(table, hash));
}

struct table_entry *table_find(
	const struct table *table, uint32_t hash, table_equal_fn equal, const void *key)
{
	if (table->buckets == 0)
		return NULL;
	for (struct table_entry *entry = *bucket_at(table, bucket_of(table, hash)); entry != NULL;
		entry = entry->next) {
		if (entry->hash == hash && equal(entry, key))
			return entry;
	}
	return NULL;
}

/* Replaces an array by a larger one, its new part cleared. */
static void *array_grow(struct pool *pool, void *old, size_t old_bytes, size_t bytes)
{
	char *array = pool_alloc(pool, bytes);

	if (array == NULL)
		return NULL;
	if (old_bytes > 0)
		memcpy(array, old, old_bytes);
	memset(array + old_bytes, 0, bytes - old_bytes);
	pool_release(pool, old, old_bytes);
	return array;
}

static int first_segment_grow(struct table *table)
{
	uint32_t cap = table->first_cap == 0 ? 4 : table->first_cap * 2;
	void *segment = array_grow(table->pool, table->segments[0], segment_bytes(table, 0),
		cap * sizeof(struct table_entry *));

	if (segment == NULL)
		return -1;
	table->segments[0] = segment;
	table->first_cap = cap;
	return 0;
}

/* Makes sure that the bucket has memory; it is empty when it is new. */
static int bucket_make(struct table *table, uint32_t bucket)
{
	uint32_t segment = bucket / TABLE_SEGMENT;

	if (segment >= table->segment_cap) {
		uint32_t cap = table->segment_cap == 0 ? 1 : table->segment_cap * 2;
		void *segments = array_grow(table->pool, table->segments,
			table->segment_cap * sizeof(*table->segments),
			cap * sizeof(*table->segments));
		if (segments == NULL)
			return -1;
		table->segments = segments;
		table->segment_cap = cap;
	}
	if (segment == 0) {
		while (bucket >= table->first_cap)
			if (first_segment_grow(table) < 0)
				return -1;
	} else if (table->segments[segment] == NULL) {
		table->segments[segment] =
			array_grow(table->pool, NULL, 0, segment_bytes(table, segment));
		if (table->segments[segment] == NULL)
			return -1;
	}
	return 0;
}

/* Splits the next bucket: its entries whose hash has the new bit move to the new bucket. */
static int table_split(struct table *table)
{
	uint32_t fresh = table->buckets;

	if (bucket_make(table, fresh) < 0)
		return -1;
	if (fresh == 0) {
		table->buckets = 1;
		return 0;
	}
	uint32_t low = power_below(fresh);
	struct table_entry **from = bucket_at(table, fresh - low);
	struct table_entry **to = bucket_at(table, fresh);
	while (*from != NULL) {
		struct table_entry *entry = *from;
		if ((entry->hash & low) != 0) {
			*from = entry->next;
			entry->next = *to;
			*to = entry;
		} else {
			from = &entry->next;
		}
	}
	table->buckets = fresh + 1;
	return 0;
}

/* Puts the last bucket back onto the one that it was split from. */
static void table_merge(struct table *table)
{
	uint32_t last = table->buckets - 1;
	struct table_entry **from = bucket_at(table, last);
	struct table_entry **to = bucket_at(table, last - power_below(last));

	while (*to != NULL)
		to = &(*to)->next;
	*to = *from;
	*from = NULL;
	table->buckets = last;
	if (last % TABLE_SEGMENT == 0) {
		uint32_t segment = last / TABLE_SEGMENT;
		pool_release(table->pool, table->segments[segment], segment_bytes(table, segment));
		table->segments[segment] = NULL;
	}
}

int table_prepare(struct table *table)
{
	return table->buckets == 0 ? table_split(table) : 0;
}

int table_add(struct table *table, struct table_entry *entry)
{
	if (table_prepare(table) < 0)
		return -1;
	/* Two buckets for an entry, so that most of them are found at once. Three splits at the
	 * most, to catch up after a hold. Where a split finds no memory the buckets only grow
	 * longer. */
	for (int i = 0; i < 3 && table->holds == 0 && table->entries >= table->buckets / 2; i++)
		if (table_split(table) < 0)
			break;
	struct table_entry **bucket = bucket_at(table, bucket_of(table, entry->hash));
	entry->next = *bucket;
	*bucket = entry;
	table->entries++;
	return 0;
}

void table_remove(struct table *table, struct table_entry *entry)
{
	struct table_entry **at = bucket_at(table, bucket_of(table, entry->hash));

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	table->entries--;
	/* Four keep pace with the entries, six catch up after a hold. */
	for (int i = 0; i < 6; i++)
		if (table->holds == 0 && table->buckets > 4 && table->entries < table->buckets / 4)
			table_merge(table);
}

struct table_entry *table_bucket(const struct table *table, uint32_t bucket)
{
	return *bucket_at(table, bucket);
}

void table_hold(struct table *table)
{
	table->holds++;
}

void table_unhold(struct table *table)
{
	table->holds--;
}
