/*
 * feed_internal: the feed's struct, for the files that are one part of it each: connection, task,
 * publish, and feed.c, which has the rest. Private to src/feed.
 */
#ifndef CSDNS_FEED_FEED_INTERNAL_H
#define CSDNS_FEED_FEED_INTERNAL_H

#include "feed/feed.h"
#include "feed/follow.h"
#include "feed/leftovers.h"
#include "feed/load.h"
#include "feed/task.h"
#include "pg/pg.h"

struct feed {
	struct feed_settings settings;
	const struct feed_handlers *handlers;
	void *arg;
	struct pg *pg;
	enum task task;
	struct mirror *mirror;	/* served; NULL before the first load */
	struct mirror *filling; /* TASK_LOAD */
	struct leftovers leftovers;
	struct load load;
	struct follow follow;
	struct left_out left_out;
	struct event *retry; /* connects again */
	struct event *poll;
	struct event *silence;
	int64_t silence_ms;	 /* of nothing said, and it counts as lost */
	int64_t pause_ms;	 /* before the next attempt to connect */
	int64_t heard_ms;	 /* when the database last said something */
	unsigned silent_follows; /* in a row, that were given up because it said nothing */
	bool is_listening;
	bool in_recovery; /* a hot standby: no LISTEN */
	bool is_refused;  /* LISTEN failed on this connection */
	bool wants_reload;
	bool wants_settle; /* the store owes serials, see csdns.serial_debt */
	bool wants_poll;   /* something is new, or may be */
	bool is_failed;	   /* the task's statement failed; problem says why */
	char problem[PROBLEM_MAX];
	struct feed_status status;
};

#endif
