/*
 * verify: after an instance has changed, asks the DNS servers of csdns.verify_server whether they
 * answer as the store says, again with growing pauses, and notes an event when they still do not,
 * and another one when they do at last. Off while that table is empty.
 *
 * What differs and is an event already is in the database (csdns.verify_fault) and is asked for
 * again by every csdns-sync, from its start on and every VERIFY_FAULTS_MS. All else that is to be
 * asked is kept in memory alone: what one csdns-sync had in hand when it ended is asked for with
 * the instance's next change.
 */
#ifndef CSDNS_SYNC_VERIFY_H
#define CSDNS_SYNC_VERIFY_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

#define VERIFY_FAULTS_MS   600000
#define VERIFY_SERVERS_MAX 32 /* that are counted by themselves, the others as one */

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

/* Questions about a record set, to one server. */
struct verify_server {
	char name[64]; /* "192.0.2.1:53", or "other" */
	uint64_t asked, right, wrong, unanswered;
};
struct verify_status {
	const struct verify_server *servers; /* borrowed */
	size_t n_servers;
	size_t waiting;	   /* instances that have changed */
	size_t repeating;  /* record sets that are to be asked for again */
	uint64_t left_out; /* instances and questions that were not asked: too many, or no way to */
};
void verify_get_status(const struct verify *verify, struct verify_status *status);

#endif
