/*
 * load: fills a mirror with the whole store, in one snapshot. Private to src/feed.
 */
#ifndef CSDNS_FEED_LOAD_H
#define CSDNS_FEED_LOAD_H

#include "feed/left_out.h"
#include "mirror/mirror.h"
#include "pg/pg.h"

#define PROBLEM_MAX 512

enum run_state { RUN_GOES_ON, RUN_DONE, RUN_FAILED };

struct load {
	struct pg *pg;
	struct mirror *mirror;	     /* being filled; the feed's */
	const struct mirror *before; /* that is served meanwhile, or NULL */
	size_t known_zones;	     /* that are there as well */
	struct left_out *left_out;
	size_t step;
	char problem[PROBLEM_MAX]; /* why it failed; "" while it did not */
};

/* pg is idle; its results go to the functions below until the state is not RUN_GOES_ON. `before`
 * does not change meanwhile. */
void load_start(struct load *load, struct pg *pg, struct mirror *mirror,
	const struct mirror *before, struct left_out *left_out);
void load_on_result(struct load *load, const PGresult *result);
void load_on_copy_row(struct load *load, char *row, int len);
enum run_state load_on_done(struct load *load);
/* Once it is done: are the zones those of `before`, by number and name? */
bool load_found_same_zones(const struct load *load);

#endif
