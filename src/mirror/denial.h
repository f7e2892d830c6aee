/*
 * denial: the order of a zone's names, or of their hashes, that the denial of existence needs
 * (NSEC, RFC 4034; NSEC3, RFC 5155). A zone has it when it has keys or is signed already, unless
 * its hashes are made up on the spot (NSEC3NARROW). Part of the zone.
 *
 * In the order are the names that may be part of the chain as far as their own records and what is
 * below them say, and while a change set is open those that it will show. What is said about them
 * by delegations above is looked at when somebody asks. So a commit changes no order. Names below a
 * delegation lie together in the order of names, and are jumped over. Hashes of theirs lie
 * anywhere, and with opt-out may be nearly all that there are: they are in the order only while the
 * delegation is in an open change set.
 */
#ifndef CSDNS_MIRROR_DENIAL_H
#define CSDNS_MIRROR_DENIAL_H

#include "dns/nsec3.h"
#include "mirror/order.h"
#include "mirror/zone.h"

struct denial {
	bool has_hashes;   /* ordered by hash, else by name */
	bool is_presigned; /* the zone came signed: its RRSIGs say what has an NSEC3 */
	struct nsec3_params params;
	struct order order; /* of nodes; node->is_ordered says which */
};

/* Behind its name a node of a zone with hashes has this, unaligned. */
struct node_tail {
	uint8_t hash[NSEC3_HASH_SIZE];
	struct node *child;	  /* the first one, existing or not */
	struct node *prev, *next; /* of the same parent */
} __attribute__((packed));

static inline bool zone_has_hashes(const struct zone *zone)
{
	return zone->denial != NULL && zone->denial->has_hashes;
}

/* The zone has hashes. */
static inline struct node_tail *node_tail(struct node *node)
{
	return (struct node_tail *)(node->name + node->name_len);
}

static inline const struct node_tail *node_tail_const(const struct node *node)
{
	return (const struct node_tail *)(node->name + node->name_len);
}

/* Decides, when keys and metadata are there and no records are. -1: no memory. */
int denial_begin(struct zone *zone) __attribute__((warn_unused_result));
/* Gives back up to *budget blocks; true when all is freed. */
bool denial_free_step(struct zone *zone, size_t *budget);

/* Writes the tail of a new node, where nodes have one. -1: no memory. */
int denial_node_made(const struct zone *zone, struct node *node)
	__attribute__((warn_unused_result));
/* It has got its parent. */
void denial_node_joined(const struct zone *zone, struct node *node);
/* The node goes. */
void denial_node_gone(struct zone *zone, struct node *node);

/* Records will be shown at this node, by a change set or in a zone that is being filled: from now
 * on whatever that may put into the chain is in the order. -1: no memory. */
int denial_expect(struct zone *zone, struct node *node) __attribute__((warn_unused_result));
/* A change set touches this node, whatever it will have. -1: no memory. */
int denial_touch(struct zone *zone, struct node *node) __attribute__((warn_unused_result));
/* That is over: what is not needed leaves the order. */
void denial_settle(struct zone *zone, struct node *node);

/* Is an empty non-terminal authoritative? With opt-out only where it is in the chain: PowerDNS
 * takes it for the closest provable encloser then. */
bool zone_empty_is_authoritative(const struct zone *zone, const struct node *node);

struct neighbours {
	const struct node *before; /* the greatest in the chain that is not greater */
	const struct node *after;  /* the next greater one */
};

/* Of a relative name, in a zone ordered by names; of a hash, in the other kind. Both wrap around.
 * False when the zone has no such order, or nothing is in the chain. */
bool zone_name_neighbours(
	const struct zone *zone, const uint8_t *name, size_t len, struct neighbours *neighbours);
bool zone_hash_neighbours(const struct zone *zone, const uint8_t hash[NSEC3_HASH_SIZE],
	struct neighbours *neighbours);

#endif
