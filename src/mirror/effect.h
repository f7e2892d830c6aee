/*
 * effect: which answers depend on what a change set does, rule by rule.
 *
 * Called by change.c around the switch, while the old records and the new ones are both there.
 * Cannot fail: without memory everything is affected.
 */
#ifndef CSDNS_MIRROR_EFFECT_H
#define CSDNS_MIRROR_EFFECT_H

#include "mirror/affected_set.h"
#include "mirror/mirror.h"

/* A node's records change from `before` to `after`; NULL for none. */
void effect_of_records(struct affected *affected, const struct zone *zone, const struct node *node,
	const struct rrs *before, const struct rrs *after);
/* Because of the node's records it and those above it came into or went out of existence, up to the
 * topmost. */
void effect_of_existence(struct affected *affected, const struct zone *zone,
	const struct node *node, const struct node *topmost);
/* A zone was replaced as a whole; NULL where there was none, or is none. */
void effect_of_zone(struct affected *affected, const struct zone *before, const struct zone *after);
/* After all of these: the names that point at what is affected, and those that point at them. The
 * set is complete then. */
void effect_finish(struct affected *affected, const struct mirror *mirror);

#endif
