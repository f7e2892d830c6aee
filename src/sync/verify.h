/*
 * verify: after an instance has changed, asks the DNS servers of csdns.verify_server whether they
 * answer as the store says, again with growing pauses, and notes an event when they still do not,
 * and another one when they do at last. Off while that table is empty.
 *
 * What is to be asked again is kept in memory alone: what one csdns-sync had in hand when it ended
 * is asked for with the instance's next change.
 */
#ifndef CSDNS_SYNC_VERIFY_H
#define CSDNS_SYNC_VERIFY_H

#include <event2/event.h>

struct verify_settings {
	const char *db;
	long after_ms; /* first question, this long after the change; the pauses double from it on
			*/
	long tries;    /* answers that differ, before it is an event */
};

struct verify;
/* NULL when memory is out. */
struct verify *verify_new(struct event_base *base, const struct verify_settings *settings);
void verify_free(struct verify *verify);
void verify_set_db(struct verify *verify, const char *db);
/* An instance has changed. verify may be NULL. */
void verify_instance(struct verify *verify, const char *uuid);

#endif
