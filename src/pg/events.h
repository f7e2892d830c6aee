/*
 * events: ending events of libevent that may never have been made, which is where memory ran out;
 * signals of a daemon.
 */
#ifndef CSDNS_PG_EVENTS_H
#define CSDNS_PG_EVENTS_H

#include <event2/event.h>
#include <stdbool.h>

static inline void event_drop(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

struct event_signal {
	int number; /* 0 ends an array */
	event_callback_fn fn;
};

/* For as long as the process lives. False when memory is out. */
static inline bool event_on_signals(
	struct event_base *base, const struct event_signal *signals, void *arg)
{
	for (; signals->number != 0; signals++) {
		struct event *event = evsignal_new(base, signals->number, signals->fn, arg);
		if (event == NULL || event_add(event, NULL) < 0)
			return false;
	}
	return true;
}

#endif
