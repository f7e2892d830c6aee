/*
 * reconcile: lists the whole cloud through its API, one kind after the other, page by page with a
 * pause in between, and has the database compare it with the facts.
 *
 * A pass counts only when it is complete: every page came, as many rows as the API counts. Nothing
 * is removed here: what a complete pass has not listed becomes a task, and the API is asked for it
 * by itself. What broke off is repeated after a growing pause, but for what the API refuses: it
 * will the next time. Of several csdns-sync that share a store one at a time does this, and what
 * the others wanted meanwhile is done with it, if it began after that and listed all kinds.
 */
#ifndef CSDNS_SYNC_RECONCILE_H
#define CSDNS_SYNC_RECONCILE_H

#include "sync/api.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct reconcile_settings {
	const char *db;
	const char *worker; /* borrowed */
	struct api *api;
	long every_ms; /* 0: only when somebody asks */
	long pause_ms; /* from an answer to the next question; storing counts */
	long page_size;
};

struct reconcile;
/* Begins as soon as the database is there, unless every_ms is 0. NULL when memory is out. */
struct reconcile *reconcile_new(struct event_base *base, const struct reconcile_settings *settings);
/* After the api: nothing is answered any more. */
void reconcile_free(struct reconcile *reconcile);
void reconcile_set_db(struct reconcile *reconcile, const char *db);
/* Now, or when what is under way has ended. */
void reconcile_now(struct reconcile *reconcile);
/* The same, unless one is under way already, or about to begin. */
void reconcile_ensure(struct reconcile *reconcile);
/* Looks whether somebody asked for one in the database. */
void reconcile_look(struct reconcile *reconcile);

struct reconcile_status {
	bool is_running;
	uint64_t complete, failed; /* passes of one kind */
	uint64_t listed, changed, faulty, missing;
	int64_t last_complete_us; /* when the last that listed all kinds began, since 1970; 0: never
				   */
	double last_seconds;	  /* that it took */
};
void reconcile_get_status(const struct reconcile *reconcile, struct reconcile_status *status);

#endif
