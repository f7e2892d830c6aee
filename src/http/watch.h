/*
 * watch: a listener for those who watch a daemon: its routes, which read everything and change
 * nothing, beside /livez, which is here. Small requests, few connections.
 */
#ifndef CSDNS_HTTP_WATCH_H
#define CSDNS_HTTP_WATCH_H

#include "base/buf.h"
#include "base/options.h"

#include <event2/event.h>
#include <event2/http.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watch_route {
	const char *path; /* NULL: the end of the array */
	bool has_head;	  /* HEAD beside GET */
	void (*fn)(void *arg, struct evhttp_request *request);
};

struct watch;

/* listen: as http.h has it; borrowed for the call. routes are borrowed as long as it lives. NULL
 * with the reason in error. */
struct watch *watch_new(struct event_base *base, const struct option_list *listen,
	const struct watch_route *routes, void *arg, char *error, size_t size);
/* May be NULL. Frees requests that are not answered: their owners forget them before. */
void watch_free(struct watch *watch);
/* Takes no more connections; answers under way go on. */
void watch_drain(struct watch *watch);
bool watch_is_drained(const struct watch *watch);

/* Something that may be wrong, in words for people. */
struct watch_problem {
	bool is_there;
	const char *text; /* literal */
};
/* The beginning of a /healthz: {"problems":[…],"status":"ok", without the closing brace. status is
 * unready, degraded where there is a problem, or ok. */
void watch_write_health(
	struct buf *out, bool is_ready, const struct watch_problem *problems, size_t n);
/* Answers with the whole object: 200, or 503 when it is not ready. */
void watch_reply_health(struct evhttp_request *request, bool is_ready, const struct buf *text);

/* How often the configuration was read again, since the start. */
struct watch_reloads {
	uint64_t done, refused;
};
/* As a metric of that name. */
void watch_write_reloads(struct buf *out, const char *name, const struct watch_reloads *reloads);

#endif
