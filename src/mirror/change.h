/*
 * change: what one or more committed transactions mean for the mirror, built aside row by row and
 * switched in at once.
 *
 * Order of calls: change_new; change_touch_* for everything that the journal names, whole zones
 * first; then the rows that those things have now; then change_commit or change_abort, and
 * change_clean_step until it is done. What was touched and got no rows is gone after the commit.
 * Nothing is visible before the commit, which only switches pointers. One change set at a time.
 */
#ifndef CSDNS_MIRROR_CHANGE_H
#define CSDNS_MIRROR_CHANGE_H

#include "mirror/affected.h"
#include "mirror/mirror.h"

struct change;

/* The mirror is borrowed until the change set is gone. NULL when memory is out. */
struct change *change_new(struct mirror *mirror);

/* Each returns 0, or -1 when memory is out. Touching twice is harmless. */
int change_touch_zone(struct change *change, int32_t domain_id) __attribute__((warn_unused_result));
/* Only the row in domains changed. */
int change_touch_info(struct change *change, int32_t domain_id) __attribute__((warn_unused_result));
/* The records of one name. A name that does not parse, or is spelled otherwise than those that are
 * served, or of a zone that the mirror does not have, is not served and so ignored. */
int change_touch_name(struct change *change, int32_t domain_id, struct text name)
	__attribute__((warn_unused_result));

/* All TSIG keys. */
int change_touch_tsig_keys(struct change *change) __attribute__((warn_unused_result));

/* Rows of what was touched; others are ignored. why as in mirror_add_record. */
enum row_result change_add_domain(
	struct change *change, const struct domain_row *row, const char **why);
enum row_result change_add_record(
	struct change *change, const struct record_row *row, const char **why);
enum row_result change_add_metadata(
	struct change *change, const struct metadata_row *row, const char **why);

enum row_result change_add_key(struct change *change, const struct key_row *row, const char **why);
enum row_result change_add_tsig_key(
	struct change *change, const struct tsig_row *row, const char **why);

/* Names and zones that are staged. */
size_t change_size(const struct change *change);

/* Asks the commit to say whose answers it may make wrong. `affected` has been initialised, is
 * empty, and is borrowed until the commit. */
void change_watch(struct change *change, struct affected *affected);
/* Switches everything in; the mirror is at this version then. */
void change_commit(struct change *change, struct store_version version);
/* Nothing of it will be shown. */
void change_abort(struct change *change);
/* Frees up to `budget` of what the commit replaced, or of what was aborted; true when done, and the
 * change set is gone. */
bool change_clean_step(struct change *change, size_t budget);

#endif
