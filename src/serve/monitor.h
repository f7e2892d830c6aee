/*
 * monitor: the HTTP listener for those who watch csdnsd: /metrics, /healthz, /livez, and
 * /api/v1/dns/records. Reads everything, changes nothing. PowerDNS' HTTP connector is another
 * listener.
 */
#ifndef CSDNS_SERVE_MONITOR_H
#define CSDNS_SERVE_MONITOR_H

#include "base/options.h"
#include "feed/feed.h"
#include "http/watch.h"
#include "serve/purge.h"
#include "serve/server.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct monitor;

/* What is shown. All of it is borrowed. */
struct monitor_parts {
	const struct feed *feed;
	struct server *server;
	const struct purge *purge;
	const struct watch_reloads *reloads;
};

/* listen: as http.h has it; borrowed for the call. max_age_ms: older data is not ready; 0: any age
 * is. NULL with the reason in error. */
struct monitor *monitor_new(struct event_base *base, const struct option_list *listen,
	long max_age_ms, const struct monitor_parts *parts, char *error, size_t size);
/* May be NULL. */
void monitor_free(struct monitor *monitor);
void monitor_set_max_age(struct monitor *monitor, long max_age_ms);
/* Takes no more connections; answers under way go on. Both may get NULL. */
void monitor_drain(struct monitor *monitor);
bool monitor_is_drained(const struct monitor *monitor);

#endif
