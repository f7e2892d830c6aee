/*
 * purge_target: one PowerDNS that caches: what it has to forget and was not told yet, and telling
 * it.
 *
 * One command is under way; what comes meanwhile goes with the next. What was not answered is told
 * again, with growing pauses, for as long as it takes; it is bounded as purge_set is. Nobody ever
 * waits for a PowerDNS.
 */
#ifndef CSDNS_SERVE_PURGE_TARGET_H
#define CSDNS_SERVE_PURGE_TARGET_H

#include "serve/purge_set.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct purge_target;

/* Counters are since the target was made. */
struct purge_target_status {
	const char *control;   /* borrowed from the target */
	bool is_lost;	       /* the last command was not answered */
	uint64_t commands;     /* PURGE commands that were answered */
	uint64_t names;	       /* in them, suffixes among them */
	uint64_t alls;	       /* PURGE commands for everything */
	uint64_t removed;      /* entries that PowerDNS removed from its caches */
	uint64_t failed;       /* commands that were not answered, or not as expected */
	uint64_t overflows;    /* too many names: became everything */
	uint64_t rediscovers;  /* lists of zones read again by PowerDNS */
	int64_t rediscover_ms; /* how long the last one took */
	size_t pending;	       /* names that are to be told */
	bool is_all_pending;
	size_t zones_pending; /* zones that came or went, and PowerDNS has not heard of */
	bool has_api;
	bool is_api_lost;      /* the last request was not answered as it should be */
	uint64_t flushes;      /* zones that PowerDNS looked at through its web server */
	uint64_t flush_failed; /* requests to it that failed */
};

struct purge_target_settings {
	const char *control; /* path of the control socket */
	const char *api;     /* URL of the web server, or NULL */
	const char *api_key; /* or NULL */
};

/* Names that were purged again because the list of zones has changed, for whoever repeats purges.
 */
typedef void (*purge_target_fn)(void *arg, const struct purge_set *names);

/* The settings have been checked, and are copied. NULL when memory is out. */
struct purge_target *purge_target_new(struct event_base *base,
	const struct purge_target_settings *settings, purge_target_fn fn, void *arg);
void purge_target_free(struct purge_target *target);
const char *purge_target_control(const struct purge_target *target);
/* Another web server or key, or none; its work is done by reading all zones. False when memory is
 * out. */
bool purge_target_set_api(struct purge_target *target, const char *api, const char *api_key);

/* Both take effect with purge_target_send. Zones came or went; with is_all PowerDNS' list of zones
 * is wrong in an unknown way. `names` are what changed with them, the zones as suffixes among them:
 * these are purged once more when the list is right, because until then PowerDNS answers wrongly
 * and keeps the answers. */
void purge_target_add(struct purge_target *target, const struct purge_set *names);
void purge_target_add_zones(
	struct purge_target *target, const struct purge_set *zones, const struct purge_set *names);
/* Tells PowerDNS now, unless it is still busy with something or is not there. */
void purge_target_send(struct purge_target *target);

void purge_target_get_status(const struct purge_target *target, struct purge_target_status *status);

#endif
