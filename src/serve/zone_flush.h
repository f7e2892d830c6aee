/*
 * zone_flush: PowerDNS' web server, asked to look at zones again one by one. It adds a zone that
 * came to its list of zones and takes out one that went, without reading the list.
 *
 * One request is under way at a time; nothing here waits. The URL's host is this machine, because
 * the key goes over the line as it is.
 */
#ifndef CSDNS_SERVE_ZONE_FLUSH_H
#define CSDNS_SERVE_ZONE_FLUSH_H

#include "serve/purge_set.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct zone_flush;

#define ZONE_FLUSH_KEY_MAX 256

struct zone_flush_handlers {
	/* PowerDNS has looked at this zone; borrowed for the call. */
	void (*on_flushed)(void *arg, const uint8_t *wire, size_t len);
	/* These it has not, problem says why; borrowed for the call. */
	void (*on_failed)(void *arg, const struct purge_set *zones, const char *problem);
};

/* NULL, or what is wrong with the URL: "http://127.0.0.1:8081", with nothing behind it. */
const char *zone_flush_check(const char *url) __attribute__((warn_unused_result));
/* Reads a key from a file: one line of printing characters. NULL, or why it could not. */
const char *zone_flush_read_key(const char *path, char key[ZONE_FLUSH_KEY_MAX])
	__attribute__((warn_unused_result));

/* The URL has been checked; both are copied. NULL when memory is out. */
struct zone_flush *zone_flush_new(struct event_base *base, const char *url, const char *key,
	const struct zone_flush_handlers *handlers, void *arg);
/* What is under way is given up, without a call. */
void zone_flush_free(struct zone_flush *flush);

/* Names, not "everything". */
void zone_flush_add(struct zone_flush *flush, const struct purge_set *zones);
/* Adds those that PowerDNS has not looked at yet to zones, before it is freed. */
void zone_flush_take(const struct zone_flush *flush, struct purge_set *zones);
/* Zones that PowerDNS has not looked at yet. */
size_t zone_flush_pending(const struct zone_flush *flush);

#endif
