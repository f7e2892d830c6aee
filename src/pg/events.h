/*
 * events: ending events of libevent that may never have been made, which is where memory ran out.
 */
#ifndef CSDNS_PG_EVENTS_H
#define CSDNS_PG_EVENTS_H

#include <event2/event.h>

static inline void event_drop(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

#endif
