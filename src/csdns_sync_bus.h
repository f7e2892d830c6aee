/*
 * csdns_sync_bus: the event buses of csdns-sync, each where it is configured.
 */
#ifndef CSDNS_CSDNS_SYNC_BUS_H
#define CSDNS_CSDNS_SYNC_BUS_H

#include "csdns_sync_settings.h"
#include "sync/relay.h"

#include <event2/event.h>

struct buses;

/* What can be checked without connecting: 0, or -1 with *error filled. */
int buses_check(const struct sync_settings *settings, struct option_error *error)
	__attribute__((warn_unused_result));
/* settings is borrowed as long as the buses live. NULL with *error filled. */
struct buses *buses_new(struct event_base *base, const struct sync_settings *settings,
	struct intake *intake, struct option_error *error);
/* After intake_free. */
void buses_free(struct buses *buses);
void buses_drain(struct buses *buses);
bool buses_are_drained(const struct buses *buses);

#define BUSES 2
/* Of the i-th: its name as in metrics, NULL when it is not configured. */
const char *buses_get_status(const void *buses, unsigned i, struct bus_status *status);

#endif
