/*
 * reference: which names point at a name: with CNAME, ALIAS, DNAME, MX, SRV, NS, SVCB, HTTPS,
 * NAPTR. An answer for the one that points may hold records of the other.
 *
 * There is one for each pair of a node and a name that its enabled records point at, ordered by the
 * latter, so that those which point below a name are found as well. Those that stay in their zone
 * are kept with the zone, the others and DNAMEs with the mirror. Records of other types cost
 * nothing.
 *
 * A signaling zone (RFC 9615) points at every zone: PowerDNS 5 makes its records from their keys.
 * There are few of them, in a list.
 *
 * While a change set is open there are those of its new records as well; once it is cleaned up they
 * are exactly those of the zones' records. So a commit changes none. Memory comes from the mirror's
 * pool.
 */
#ifndef CSDNS_MIRROR_REFERENCE_H
#define CSDNS_MIRROR_REFERENCE_H

#include "base/pool.h"
#include "dns/name.h"
#include "mirror/order.h"
#include "mirror/rrs.h"

struct mirror;
struct node;
struct zone;

/* Of a mirror. */
struct references {
	struct order across;	/* their names complete */
	struct order dnames;	/* the same, and not in another order */
	struct zone *signaling; /* list; zones that nobody sees yet, or any more, may be in it */
};

struct reference {
	struct zone *zone; /* of the node */
	struct node *node;
	bool is_old; /* an open change set found it */
	bool is_new; /* its new records need it */
	uint8_t target_len;
	uint8_t target[]; /* relative to the zone where it is in the zone's order */
};

void references_init(struct references *references, struct pool *pool);
/* Of a zone. */
void references_init_zone(struct zone *zone);

/* The zone's metadata are complete: where they say that it is a signaling zone it joins the list.
 */
void references_join(struct zone *zone);
/* The zone goes; it may not be in the list. */
void references_leave(struct zone *zone);

/* What an enabled record points at; false when it points at nothing. is_escaped: the content is
 * escaped for JSON, as in struct rrs. */
bool reference_target(const struct rr *rr, bool is_escaped, struct name *target);

/* A zone that is being filled got a record, as in its rrs. -1: no memory. */
int references_add(struct zone *zone, struct node *node, const struct rr *rr, bool is_escaped)
	__attribute__((warn_unused_result));
/* The records of the node go together with the zone. */
void references_remove(struct zone *zone, struct node *node);

/* What a change set has to settle for a node. */
struct reference_note {
	struct reference_note *next;
	struct order *order; /* in which it is */
	struct reference *reference;
};
/* The records of the node will change; the notes come from `pool`. -1: no memory. */
int references_touch(struct zone *zone, struct node *node, struct pool *pool,
	struct reference_note **notes) __attribute__((warn_unused_result));
/* This record, in plain text, will be among the new ones. -1: no memory. */
int references_expect(struct zone *zone, struct node *node, const struct rr *rr, struct pool *pool,
	struct reference_note **notes) __attribute__((warn_unused_result));
/* The change is done, or will not be done: what is not needed goes. */
void references_settle(const struct reference_note *notes, bool is_done);

/* is_inside: it stays in its zone. Returns false when it does not need to see more of the kind. */
typedef bool (*reference_fn)(
	void *arg, const struct zone *zone, const struct node *node, bool is_inside);
/* Calls fn for each that points at the complete name or, is_suffix, below it, and for each DNAME
 * whose target is the name or above it. Those that stay in a zone at or below the suffix are left
 * out. */
void references_each(const struct mirror *mirror, const uint8_t *wire, size_t len, bool is_suffix,
	reference_fn fn, void *arg);

#endif
