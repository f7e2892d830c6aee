/*
 * catch_up: reads what happened while nobody listened from the cloud's own list of events
 * (listEvents), and puts it into the intake like events that came.
 *
 * It begins where the last one ended, some minutes earlier because of clocks: at the start, when
 * the database was away, and on a timer, for events that the cloud could not deliver. How far it
 * has read stands in the database, and moves only when all of it is durable in the queue. Events
 * that a webhook brought are not taken again. What names no entity (CloudStack before 4.17 names
 * none) is left to a reconcile, and so is everything when the list cannot be read after a time in
 * which nobody may have listened.
 */
#ifndef CSDNS_SYNC_CATCH_UP_H
#define CSDNS_SYNC_CATCH_UP_H

#include "sync/api.h"
#include "sync/intake.h"

#include <event2/event.h>
#include <stdint.h>

/* CloudStack's clock and the database's, which are as far apart as its API lets them be
 * (API_EXPIRES_S); and jobs that commit late. */
#define CATCH_UP_OVERLAP_S (API_EXPIRES_S + 300)

struct catch_up_settings {
	const char *db;
	struct api *api;
	struct intake *intake;
	long every_ms; /* 0: only at the start, and when the database was away */
	long pause_ms; /* between pages */
	long page_size;
	void (*on_unsure)(void *arg); /* the list does not tell what was missed; may be NULL */
	void *arg;
};

struct catch_up;
/* Begins as soon as the database is there. NULL when memory is out. */
struct catch_up *catch_up_new(struct event_base *base, const struct catch_up_settings *settings);
/* After the api and the intake: nothing is answered any more. May be NULL. */
void catch_up_free(struct catch_up *catch_up);
void catch_up_set_db(struct catch_up *catch_up, const char *db);

struct catch_up_status {
	uint64_t complete, failed;
	uint64_t rows;	 /* of listEvents, that were read */
	int64_t last_us; /* when the last complete one began, since 1970; 0: there was none */
};
void catch_up_get_status(const struct catch_up *catch_up, struct catch_up_status *status);

#endif
