/*
 * purge: tells each PowerDNS that caches what to forget after a change. Owns the targets and the
 * repeats of purges; what a change makes wrong is worked out in mirror/affected.h.
 */
#ifndef CSDNS_SERVE_PURGE_H
#define CSDNS_SERVE_PURGE_H

#include "base/options.h"
#include "mirror/affected.h"
#include "serve/purge_target.h"

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

#define PURGE_REPEATS_MAX 4

struct purge;

struct purge_settings {
	/* These are borrowed for the call. */
	const struct option_list *controls;    /* paths of control sockets */
	const struct option_list *apis;	       /* URLs of the web servers of the first of them */
	const char *api_key;		       /* theirs */
	int64_t repeats_ms[PURGE_REPEATS_MAX]; /* how long after a purge it is repeated */
	size_t n_repeats;
};

/* "15ms,1s", at most PURGE_REPEATS_MAX times of 1 ms to 1 min; "none": none. NULL, or what is
 * wrong. */
const char *purge_parse_repeats(const char *text, struct purge_settings *settings)
	__attribute__((warn_unused_result));
/* NULL, or what is wrong with the paths; with the URLs. */
const char *purge_check_controls(const struct option_list *controls)
	__attribute__((warn_unused_result));
const char *purge_check_apis(const struct option_list *apis, size_t n_controls)
	__attribute__((warn_unused_result));

/* The settings have been checked. NULL when memory is out. */
struct purge *purge_new(struct event_base *base, const struct purge_settings *settings);
void purge_free(struct purge *purge);
/* Other settings. A PowerDNS that stays keeps what it was not told yet; one that is new forgets
 * everything with the next change, and a full load is one. 0, or -1 when memory is out; it works
 * then, but not with all of the settings. */
int purge_reload(struct purge *purge, const struct purge_settings *settings)
	__attribute__((warn_unused_result));

/* Tells all of them, as far as their sockets take it now. */
void purge_affected(struct purge *purge, const struct affected *affected);

/* For 0 to purge_count() - 1, in the order of the settings. */
size_t purge_count(const struct purge *purge);
void purge_get_status(const struct purge *purge, size_t i, struct purge_target_status *status);
/* Purges that were repeated, as names. */
uint64_t purge_repeated(const struct purge *purge);

#endif
