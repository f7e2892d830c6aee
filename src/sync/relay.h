/*
 * relay: takes messages of an event bus into the intake, and tells for each stream how far all is
 * done, so that no message is acknowledged before an earlier one is durable.
 *
 * A stream is what the bus keeps in order: a partition, a channel. A message is done when its event
 * is durable, or when there is nothing to do about it, or when it is poison: what cannot be
 * decoded, or what the database refuses for good. Poison is counted, logged once with its position,
 * and passed by. While the database takes nothing the relay holds what it has and tries again; its
 * owner takes no more from the bus then.
 */
#ifndef CSDNS_SYNC_RELAY_H
#define CSDNS_SYNC_RELAY_H

#include "sync/intake.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#define RELAY_MAX    1000 /* messages that are not done, of all streams */
#define RELAY_OCTETS ((size_t)16 * 1024 * 1024)

struct relay;
struct relay_stream;

struct relay_handlers {
	/* relay_done has moved. Never from inside relay_take. */
	void (*on_done)(void *arg, struct relay_stream *stream);
	/* relay_has_room or relay_is_held has changed; not from inside relay_take either. */
	void (*on_room)(void *arg);
};

struct relay_settings {
	const char *source;   /* literal, as intake.h has it; also in metrics and logs */
	const char *position; /* literal: what a message's number is called: "offset" */
};

/* handlers are borrowed. NULL when memory is out. */
struct relay *relay_new(struct event_base *base, struct intake *intake,
	const struct relay_settings *settings, const struct relay_handlers *handlers, void *arg);
/* With its streams. The intake must not answer any more, or nothing may be on its way. */
void relay_free(struct relay *relay);

/* name is copied, for logs: "cloudstack, partition 3". NULL when memory is out. */
struct relay_stream *relay_open(struct relay *relay, const char *name, void *owner);
/* What is on its way may still become durable, but nobody hears of it. May be called from on_done
 * for that stream. */
void relay_close(struct relay_stream *stream);
void *relay_owner(const struct relay_stream *stream);

/* The next message; positions rise. body is borrowed. -1 when memory is out: the message has not
 * been taken, and the stream must be read again from there. */
int relay_take(struct relay_stream *stream, int64_t position, const char *body, size_t len)
	__attribute__((warn_unused_result));
/* One that is not even read: why is one line. The same. */
int relay_pass(struct relay_stream *stream, int64_t position, const char *why)
	__attribute__((warn_unused_result));
/* The position up to which all is done; false while there is none. */
bool relay_done(const struct relay_stream *stream, int64_t *position);

/* False: as many messages wait as may. */
bool relay_has_room(const struct relay *relay);
/* The database takes nothing: some messages wait to be tried again. */
bool relay_is_held(const struct relay *relay);
/* Nothing waits for a database that works, apart from what closed streams left behind, and all that
 * is done has been told: what a bus that stops waits for. */
bool relay_is_idle(const struct relay *relay);

/* Of a source of events that comes over a bus. */
struct bus_status {
	bool is_connected;
	bool is_held;	       /* the database takes nothing */
	uint64_t in_flight;    /* received and not done */
	uint64_t received;     /* messages, again and again where they are delivered again */
	uint64_t durable;      /* events that went into the queue */
	uint64_t passed;       /* nothing to do about them; the tally has why */
	uint64_t poison;       /* could not be taken */
	uint64_t retried;      /* events that the database did not take the first time */
	uint64_t disconnected; /* connections that were lost or could not be made */
};
/* Its own part: not is_connected and disconnected. */
void relay_get_status(const struct relay *relay, struct bus_status *status);

#endif
