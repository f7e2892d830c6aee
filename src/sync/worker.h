/*
 * worker: takes entities from the queue, asks the cloud's API what they look like now, and stores
 * that. What comes from the API while the database is busy is stored together.
 *
 * Several workers, on several hosts, share the queue: each claims tasks for a time and renews its
 * claim; those of a worker that died are taken over. A task that fails waits and is kept.
 *
 * Without an API it stores what the events themselves tell, which only AsyncJobEvents do.
 */
#ifndef CSDNS_SYNC_WORKER_H
#define CSDNS_SYNC_WORKER_H

#include "sync/api.h"

#include <event2/event.h>
#include <stdint.h>

#define WORKER_NAME_SIZE 128
#define WORKER_LEASE_S	 30

struct worker_settings {
	const char *db;
	const char *name;	    /* of this process, among all that share the queue; borrowed */
	unsigned max_tasks;	    /* in hand at once */
	long poll_ms;		    /* looks for tasks though nobody notifies */
	struct api *api;	    /* NULL: there is none */
	void (*on_wish)(void *arg); /* somebody asks for a reconcile; may be NULL */
	void (*on_done)(
		void *arg, const char *kind, const char *uuid); /* stored, or gone; may be NULL */
	void *arg;
};

struct worker;
struct worker *worker_new(struct event_base *base, const struct worker_settings *settings);
void worker_free(struct worker *worker);
void worker_set_db(struct worker *worker, const char *db);
/* Takes no more tasks. */
void worker_drain(struct worker *worker);
bool worker_is_drained(const struct worker *worker);

struct worker_status {
	bool is_up;
	unsigned in_hand;
	uint64_t claimed, stored, gone, failed, lost;
};
void worker_get_status(const struct worker *worker, struct worker_status *status);
const char *worker_problem(const struct worker *worker);

#endif
