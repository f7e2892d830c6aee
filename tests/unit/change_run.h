/*
 * change_run: a mirror that follows a model of the store with change sets, as the feed does it,
 * with listings, lookups and cleaning up between any two steps.
 */
#ifndef CSDNS_TESTS_CHANGE_RUN_H
#define CSDNS_TESTS_CHANGE_RUN_H

#include "listing.h"
#include "mirror/change.h"

#define LISTINGS 6

struct run {
	struct mirror *mirror;
	struct mirror *dropped; /* list */
	struct model model;	/* what the mirror shows */
	struct listing listings[LISTINGS];
	uint64_t version;
	bool is_still; /* nothing happens between the steps of the feed */
};

struct run *run_new(void);
/* With run_check_memory. */
void run_free(struct run *run);
/* One change set of some transactions. */
void run_step(struct run *run);
/* No more memory is taken than what can be reached, and that is what a mirror has that was filled
 * with the same data. Without listings. */
void run_check_memory(struct run *run);

/* Parts of a step: 0, or -1 when memory ran out, as the feed does it. */
int run_touch(struct run *run, struct change *change, const struct journal *journal);
/* The rows of all zones, touched or not: the change set takes what is touched. */
int run_feed(struct run *run, struct change *change, const struct model *model);

#endif
