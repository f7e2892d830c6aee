/*
 * follow: one step from the mirror's version to the store's, in one statement. Private to src/feed.
 */
#ifndef CSDNS_FEED_FOLLOW_H
#define CSDNS_FEED_FOLLOW_H

#include "feed/load.h"
#include "mirror/change.h"

enum follow_outcome {
	FOLLOW_NOTHING, /* the mirror is at the store's version */
	FOLLOW_CHANGES, /* follow->change is complete; to be committed as follow->version */
	FOLLOW_RELOAD,	/* the journal does not lead from the mirror's version to the store's */
	FOLLOW_FAILED,
};

struct follow {
	struct pg *pg;
	struct mirror *mirror;
	struct change *change; /* NULL when memory was out */
	struct left_out *left_out;
	struct store_version version; /* of the snapshot */
	bool has_version;
	bool needs_reload;
	bool is_all_touched; /* that is why: TRUNCATE */
	char problem[PROBLEM_MAX];
};

/* Prepares the statement that follow_start sends: called once a connection, inside a pipeline. */
void follow_prepare(struct pg *pg);
void follow_start(
	struct follow *follow, struct pg *pg, struct mirror *mirror, struct left_out *left_out);
void follow_on_result(struct follow *follow, const PGresult *result);
/* After FOLLOW_CHANGES the change set is the feed's; after any other outcome it is to be aborted.
 */
enum follow_outcome follow_on_done(struct follow *follow);
/* Also when the connection is lost. The change set is the feed's to clean up; may be NULL. */
struct change *follow_abort(struct follow *follow) __attribute__((warn_unused_result));

#endif
