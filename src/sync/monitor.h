/*
 * monitor: the HTTP listener for those who watch csdns-sync: /metrics, /healthz, /livez. Reads
 * everything, changes nothing.
 *
 * /metrics asks the database, over a connection of its own, for what all csdns-sync share: the
 * queue, the last reconcile and what DNS servers answer wrongly. Without an answer in MONITOR_MS
 * these numbers are left out.
 */
#ifndef CSDNS_SYNC_MONITOR_H
#define CSDNS_SYNC_MONITOR_H

#include "base/options.h"
#include "http/http.h"
#include "http/watch.h"
#include "sync/api.h"
#include "sync/catch_up.h"
#include "sync/intake.h"
#include "sync/reconcile.h"
#include "sync/relay.h"
#include "sync/verify.h"
#include "sync/webhook.h"
#include "sync/worker.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MONITOR_MS 3000

struct monitor;

/* What is shown. All of it is borrowed; those that may be NULL are not there. */
struct monitor_parts {
	struct intake *intake;
	const struct worker *worker;
	const struct webhook *webhook;
	const struct http *http;	   /* of the webhooks; may be NULL */
	const struct api *api;		   /* may be NULL */
	const struct reconcile *reconcile; /* may be NULL */
	const struct catch_up *catch_up;   /* may be NULL */
	const struct verify *verify;	   /* may be NULL */
	const struct watch_reloads *reloads;
	/* Of the i-th of n_buses: its name as in metrics; NULL when it is not configured. */
	const char *(*get_bus)(const void *arg, unsigned i, struct bus_status *status);
	const void *bus_arg;
	unsigned n_buses;
};

/* What all csdns-sync of a store share. */
struct monitor_shared {
	bool is_known;
	uint64_t tasks, failing, working;
	int64_t oldest_ms;	  /* the oldest task waits for so long */
	int64_t last_event_us;	  /* since 1970; 0: never */
	int64_t last_complete_us; /* when the last reconcile of all kinds began; 0: never */
	uint64_t differences;	  /* that it found */
	uint64_t faults;	  /* answers of DNS servers that differ from the store */
};

/* listen: as http.h has it; borrowed for the call; db as long as it lives. NULL with the reason in
 * error. */
struct monitor *monitor_new(struct event_base *base, const struct option_list *listen,
	const char *db, const struct monitor_parts *parts, char *error, size_t size);
/* May be NULL. */
void monitor_free(struct monitor *monitor);
void monitor_set_db(struct monitor *monitor, const char *db);
/* Takes no more connections; answers under way go on. Both may get NULL. */
void monitor_drain(struct monitor *monitor);
bool monitor_is_drained(const struct monitor *monitor);

#endif
