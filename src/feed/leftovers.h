/*
 * leftovers: what is no longer served, freed in slices, a slice a turn: mirrors whose place another
 * took, zones that went, what a change set replaced or never became. Private to src/feed.
 */
#ifndef CSDNS_FEED_LEFTOVERS_H
#define CSDNS_FEED_LEFTOVERS_H

#include "mirror/change.h"

#include <event2/event.h>
#include <stdbool.h>

struct leftovers {
	struct event *turn;
	struct mirror *served;	/* some of whose zones may have gone; borrowed, or NULL */
	struct mirror *dropped; /* list */
	struct change
		*change; /* committed or aborted; or NULL. No other may begin before it is gone */
	void (*on_change_gone)(void *arg);
	void *arg;
};

/* on_change_gone is called from the loop when a change set is gone that was not with the first
 * step. False when memory is out; leftovers_fini in both cases. */
bool leftovers_init(struct leftovers *leftovers, struct event_base *base,
	void (*on_change_gone)(void *arg), void *arg) __attribute__((warn_unused_result));
/* Frees all that is left at once. */
void leftovers_fini(struct leftovers *leftovers);

/* Gives the owner's reference to the mirror back, which may be NULL. */
void leftovers_add_mirror(struct leftovers *leftovers, struct mirror *mirror);
/* There is none yet. NULL is nothing. Nothing is freed before the first step. */
void leftovers_add_change(struct leftovers *leftovers, struct change *change);
/* Frees a slice now, and more in the next turn. */
void leftovers_step(struct leftovers *leftovers);
/* The next turn looks: a listing that has ended may have left something. */
void leftovers_look(struct leftovers *leftovers);

#endif
