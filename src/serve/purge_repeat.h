/*
 * purge_repeat: what was purged is purged once more a while later. A PowerDNS that had its answer
 * worked out before a change may put it into its cache after the purge.
 *
 * Names are gathered for as long as the delay before they wait for it, so there is one timer and
 * two sets however many changes come, and the repeat comes after one to two delays.
 */
#ifndef CSDNS_SERVE_PURGE_REPEAT_H
#define CSDNS_SERVE_PURGE_REPEAT_H

#include "serve/purge_set.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

/* The time has come for these; borrowed for the call. */
typedef void (*purge_repeat_fn)(void *arg, const struct purge_set *set);

struct purge_repeat {
	int64_t delay_ms;
	struct purge_set waiting;   /* goes when the timer is over */
	struct purge_set gathering; /* waits after that */
	struct event *timer;
	purge_repeat_fn fn;
	void *arg;
};

/* False when memory is out; purge_repeat_fini in both cases. */
bool purge_repeat_init(struct purge_repeat *repeat, struct event_base *base, int64_t delay_ms,
	purge_repeat_fn fn, void *arg) __attribute__((warn_unused_result));
void purge_repeat_fini(struct purge_repeat *repeat);
void purge_repeat_add(struct purge_repeat *repeat, const struct purge_set *set);

#endif
