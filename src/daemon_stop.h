/*
 * daemon_stop: how csdnsd and csdns-sync end on SIGTERM and SIGINT: they take nothing new, finish
 * what is in hand, for at most 5 s, and leave the loop. A second signal ends them at once.
 */
#ifndef CSDNS_DAEMON_STOP_H
#define CSDNS_DAEMON_STOP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct daemon_stop_handlers {
	void (*drain)(void *arg);      /* takes nothing new from now on */
	bool (*is_drained)(void *arg); /* is nothing in hand? Asked often, after drain */
};

struct daemon_stop {
	struct event_base *base;
	const struct daemon_stop_handlers *handlers;
	void *arg;
	struct event *look; /* whether it is drained */
	int64_t until_ms;   /* 0: no signal has come */
};

/* Waits for the signals. False when memory is out; daemon_stop_fini in both cases. */
bool daemon_stop_init(struct daemon_stop *stop, struct event_base *base,
	const struct daemon_stop_handlers *handlers, void *arg) __attribute__((warn_unused_result));
void daemon_stop_fini(struct daemon_stop *stop);

#endif
