/*
 * order: items in their order, as a B+tree: neighbours of what is there or is not.
 *
 * An entry is an item's address and the first eight octets of what it is ordered by; only where
 * those are equal the item itself is looked at. The tree owns its blocks, which come from the
 * mirror's pool; items are the caller's, and stay where they are while they are in. Adding is the
 * only thing that takes memory, so what must not fail adds beforehand.
 */
#ifndef CSDNS_MIRROR_ORDER_H
#define CSDNS_MIRROR_ORDER_H

#include "base/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an item is ordered by. The prefixes are in the order of the wholes, or equal. */
struct order_key {
	uint64_t prefix;
	const uint8_t *octets;
	size_t len;
};

/* Compares wholes whose prefixes are equal: <0, 0, >0. */
typedef int (*order_compare_fn)(const struct order_key *key, const void *item);

struct order_entry {
	uint64_t prefix;
	const void *item;
};

/* Entries in order, at least one; all leaves are a list. Only a leaf that is alone may have a cap
 * under ORDER_FANOUT, so that small trees are small. */
struct order_leaf {
	struct order_leaf *prev, *next;
	uint16_t n;
	uint16_t cap;
	struct order_entry entries[];
};

/* A branch's entry is always the first of its subtree. */
struct order_branch {
	struct order_entry first;
	void *child;
};

#define ORDER_FANOUT 32
/* Each split leaves a block with half its entries at worst. */
#define ORDER_HEIGHT_MAX 16

struct order_inner {
	uint16_t n;
	struct order_branch branches[ORDER_FANOUT];
};

struct order {
	struct pool *pool;
	order_compare_fn compare;
	void *root;	 /* a leaf when height is 0; NULL when there are no entries */
	unsigned height; /* levels of inner blocks */
	uint32_t entries;
};

/* A place in the tree, good until it changes. */
struct order_place {
	const struct order_leaf *leaf;
	unsigned i;
};

void order_init(struct order *order, struct pool *pool, order_compare_fn compare);
/* Gives back up to *budget blocks; true when all are. Between the first call and the last the tree
 * must not be used. */
bool order_free_step(struct order *order, size_t *budget);

/* The item is not in it. 0, or -1 when memory is out. */
int order_add(struct order *order, const struct order_key *key, const void *item)
	__attribute__((warn_unused_result));
/* The item is in it. */
void order_remove(struct order *order, const struct order_key *key);

/* The greatest that is not greater than the key; false when all are greater. */
bool order_seek(const struct order *order, const struct order_key *key, struct order_place *place);
/* False when there are no entries. */
bool order_first(const struct order *order, struct order_place *place);
bool order_last(const struct order *order, struct order_place *place);
/* False, the place as it was, when there is none. */
bool order_next(struct order_place *place);
bool order_prev(struct order_place *place);

static inline const void *order_item(const struct order_place *place)
{
	return place->leaf->entries[place->i].item;
}

#endif
