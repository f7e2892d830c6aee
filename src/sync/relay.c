#include "config.h"

#include "sync/relay.h"

#include "base/clock.h"
#include "base/log.h"
#include "pg/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS   2000
/* Poison that anybody may send is logged so often a second at most. */
#define LOG_PER_S 10

enum message_state {
	MESSAGE_HELD, /* to be put into the intake, again */
	MESSAGE_SENT, /* the intake has it */
	MESSAGE_DONE,
};

struct message {
	struct message *next;
	struct relay_stream *stream;
	enum message_state state;
	bool is_held; /* the intake did not take it, and has not since */
	int64_t position;
	size_t len;		  /* of its body, as an estimate of what it takes */
	struct cloud_event event; /* empty where it is poison */
};

struct relay_stream {
	struct relay_stream *next;
	struct relay *relay;
	void *owner;
	struct message *first; /* in order; the first is not done */
	struct message **last; /* where the next is put */
	size_t n_sent;
	int64_t done;
	bool has_done, is_told;
	bool is_closed; /* nobody hears of it; it goes with the last that the intake answers */
	char name[];
};

struct relay {
	struct intake *intake;
	struct relay_settings settings;
	const struct relay_handlers *handlers;
	void *arg;
	struct event *retry, *tell;
	struct relay_stream *streams; /* the closed ones too */
	size_t n, n_held, octets;
	bool had_room, was_held; /* as the owner was told */
	long pause_ms;
	int64_t second;
	unsigned n_logged;
	struct bus_status status;
};

/* ---- telling the owner, at the end of the turn ---- */

static void wants_to_tell(struct relay *relay)
{
	event_active(relay->tell, EV_TIMEOUT, 0);
}

static void tell_room(struct relay *relay)
{
	bool has_room = relay_has_room(relay);
	bool is_held = relay_is_held(relay);

	if (has_room == relay->had_room && is_held == relay->was_held)
		return;
	if (is_held && !relay->was_held)
		log_warning("%s: events wait for the database", relay->settings.source);
	else if (!is_held && relay->was_held)
		log_notice("%s: no event waits for the database any more", relay->settings.source);
	relay->had_room = has_room;
	relay->was_held = is_held;
	relay->handlers->on_room(relay->arg);
}

static void on_tell(evutil_socket_t fd, short what, void *arg)
{
	struct relay *relay = arg;
	struct relay_stream *stream;
	struct relay_stream *next;

	(void)fd;
	(void)what;
	for (stream = relay->streams; stream != NULL; stream = next) {
		next = stream->next;
		if (!stream->has_done || stream->is_told || stream->is_closed)
			continue;
		stream->is_told = true;
		relay->handlers->on_done(relay->arg, stream);
	}
	tell_room(relay);
}

/* ---- messages ---- */

static void message_free(struct message *message)
{
	struct relay *relay = message->stream->relay;

	relay->n--;
	relay->octets -= message->len;
	relay->n_held -= message->is_held;
	event_fini(&message->event);
	free(message);
}

static void stream_free(struct relay_stream *stream)
{
	struct relay_stream **at = &stream->relay->streams;
	struct message *next;

	for (struct message *message = stream->first; message != NULL; message = next) {
		next = message->next;
		message_free(message);
	}
	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
	free(stream);
}

/* Whatever is done at the front makes room. */
static void advance(struct relay_stream *stream)
{
	struct message *first;

	while ((first = stream->first) != NULL && first->state == MESSAGE_DONE) {
		stream->done = first->position;
		stream->has_done = true;
		stream->is_told = false;
		stream->first = first->next;
		message_free(first);
	}
	if (stream->first == NULL)
		stream->last = &stream->first;
	wants_to_tell(stream->relay);
}

static void set_done(struct message *message)
{
	message->state = MESSAGE_DONE;
	message->stream->relay->n_held -= message->is_held;
	message->is_held = false;
}

/* Frees it, and others, where it is at the front. */
static void finish(struct message *message)
{
	set_done(message);
	advance(message->stream);
}

static void hold(struct message *message)
{
	struct relay *relay = message->stream->relay;
	struct timeval wait = clock_timeval(relay->pause_ms);

	message->state = MESSAGE_HELD;
	relay->n_held += !message->is_held;
	message->is_held = true;
	relay->status.retried++;
	if (!evtimer_pending(relay->retry, NULL))
		(void)evtimer_add(relay->retry, &wait);
	wants_to_tell(relay);
}

static void count_poison(struct relay_stream *stream, int64_t position, const char *why)
{
	struct relay *relay = stream->relay;
	int64_t second = clock_ms() / 1000;

	relay->status.poison++;
	if (second != relay->second) {
		relay->second = second;
		relay->n_logged = 0;
	}
	if (relay->n_logged++ < LOG_PER_S)
		log_warning("%s: passed by %s, %s %" PRId64 ": %s", relay->settings.source,
			stream->name, relay->settings.position, position, why);
}

/* ---- the intake ---- */

static void on_durable(void *arg, enum intake_outcome outcome, const char *why)
{
	struct message *message = arg;
	struct relay_stream *stream = message->stream;
	struct relay *relay = stream->relay;

	stream->n_sent--;
	if (outcome == INTAKE_TAKEN || outcome == INTAKE_REPLAY) {
		relay->status.durable++;
		relay->pause_ms = RETRY_FIRST_MS;
	}
	if (stream->is_closed) {
		if (stream->n_sent == 0)
			stream_free(stream);
		wants_to_tell(relay);
	} else if (outcome == INTAKE_FAILED) {
		hold(message);
	} else {
		if (outcome == INTAKE_REFUSED) {
			count_poison(stream, message->position, why);
			event_fini(&message->event);
		}
		finish(message);
	}
}

static void put(struct message *message)
{
	struct relay_stream *stream = message->stream;
	const char *why;

	message->state = MESSAGE_SENT;
	stream->n_sent++;
	if (intake_put(stream->relay->intake, stream->relay->settings.source, NULL, &message->event,
		    on_durable, message, &why) < 0) {
		stream->n_sent--;
		hold(message);
	}
}

/* Later ones may be durable already: what this one tells must not undo what they told. */
static void forget_stale(struct message *message)
{
	for (const struct message *later = message->next; later != NULL; later = later->next)
		if (later->state == MESSAGE_DONE)
			event_forget_older(&message->event, &later->event);
	if (intake_is_believing(message->stream->relay->intake))
		event_keep_told(&message->event);
}

/* In the order in which they came; false: there is no place. */
static bool put_held(struct relay_stream *stream)
{
	struct message *message = stream->first;

	for (; message != NULL && intake_problem(stream->relay->intake) == NULL;
		message = message->next) {
		if (message->state != MESSAGE_HELD)
			continue;
		forget_stale(message);
		if (message->event.use == EVENT_HINTS)
			put(message);
		else
			set_done(message);
	}
	advance(stream);
	return message == NULL;
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct relay *relay = arg;
	struct relay_stream *stream;
	struct timeval wait;

	(void)fd;
	(void)what;
	relay->pause_ms = relay->pause_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : relay->pause_ms * 2;
	for (stream = relay->streams; stream != NULL; stream = stream->next)
		if (!stream->is_closed && !put_held(stream)) {
			wait = clock_timeval(relay->pause_ms);
			(void)evtimer_add(relay->retry, &wait);
			return;
		}
	wants_to_tell(relay);
}

/* ---- streams ---- */

struct relay_stream *relay_open(struct relay *relay, const char *name, void *owner)
{
	size_t size = strlen(name) + 1;
	struct relay_stream *stream = calloc(1, sizeof(*stream) + size);

	if (stream == NULL)
		return NULL;
	stream->relay = relay;
	stream->owner = owner;
	stream->last = &stream->first;
	memcpy(stream->name, name, size);
	stream->next = relay->streams;
	relay->streams = stream;
	return stream;
}

void relay_close(struct relay_stream *stream)
{
	struct relay *relay = stream->relay;

	stream->is_closed = true;
	for (struct message *message = stream->first; message != NULL; message = message->next) {
		relay->n_held -= message->is_held;
		message->is_held = false;
	}
	if (stream->n_sent == 0)
		stream_free(stream);
	wants_to_tell(relay);
}

void *relay_owner(const struct relay_stream *stream)
{
	return stream->owner;
}

/* At the end of the stream, counted; NULL when memory is out. */
static struct message *add_message(struct relay_stream *stream, int64_t position, size_t len)
{
	struct relay *relay = stream->relay;
	struct message *message = calloc(1, sizeof(*message));

	if (message == NULL)
		return NULL;
	message->stream = stream;
	message->position = position;
	message->len = len;
	*stream->last = message;
	stream->last = &message->next;
	relay->n++;
	relay->octets += len;
	relay->status.received++;
	return message;
}

int relay_take(struct relay_stream *stream, int64_t position, const char *body, size_t len)
{
	struct relay *relay = stream->relay;
	struct message *message = add_message(stream, position, len);
	char why[256];

	if (message == NULL)
		return -1;
	if (event_decode(body, len, &message->event, why, sizeof(why)) < 0) {
		tally_add(intake_tally(relay->intake), relay->settings.source, message->event.type,
			TALLY_MALFORMED);
		count_poison(stream, position, why);
		finish(message);
		return 0;
	}
	if (intake_is_believing(relay->intake))
		event_keep_told(&message->event);
	log_debug("%s: %s %s: %s", relay->settings.source, event_form_name(message->event.form),
		message->event.type, event_use_name(message->event.use));
	if (message->event.use == EVENT_HINTS) {
		put(message);
	} else {
		tally_pass(intake_tally(relay->intake), relay->settings.source, &message->event);
		relay->status.passed++;
		finish(message);
	}
	return 0;
}

int relay_pass(struct relay_stream *stream, int64_t position, const char *why)
{
	struct message *message = add_message(stream, position, 0);

	if (message == NULL)
		return -1;
	tally_add(intake_tally(stream->relay->intake), stream->relay->settings.source, "",
		TALLY_MALFORMED);
	count_poison(stream, position, why);
	finish(message);
	return 0;
}

bool relay_done(const struct relay_stream *stream, int64_t *position)
{
	*position = stream->done;
	return stream->has_done;
}

/* ---- the relay ---- */

bool relay_has_room(const struct relay *relay)
{
	return relay->n < RELAY_MAX && relay->octets < RELAY_OCTETS && relay->n_held == 0;
}

bool relay_is_held(const struct relay *relay)
{
	return relay->n_held > 0;
}

bool relay_is_idle(const struct relay *relay)
{
	if (event_pending(relay->tell, EV_TIMEOUT, NULL))
		return false;
	for (const struct relay_stream *stream = relay->streams; stream != NULL;
		stream = stream->next)
		if (!stream->is_closed && stream->n_sent > 0)
			return false;
	return true;
}

void relay_get_status(const struct relay *relay, struct bus_status *status)
{
	*status = relay->status;
	status->in_flight = relay->n;
	status->is_held = relay_is_held(relay);
}

struct relay *relay_new(struct event_base *base, struct intake *intake,
	const struct relay_settings *settings, const struct relay_handlers *handlers, void *arg)
{
	struct relay *relay = calloc(1, sizeof(*relay));

	if (relay == NULL)
		return NULL;
	*relay = (struct relay){.intake = intake,
		.settings = *settings,
		.handlers = handlers,
		.arg = arg,
		.had_room = true,
		.pause_ms = RETRY_FIRST_MS};
	relay->retry = evtimer_new(base, on_retry, relay);
	relay->tell = event_new(base, -1, 0, on_tell, relay);
	if (relay->retry == NULL || relay->tell == NULL) {
		relay_free(relay);
		return NULL;
	}
	return relay;
}

void relay_free(struct relay *relay)
{
	struct relay_stream *next;

	if (relay == NULL)
		return;
	for (struct relay_stream *stream = relay->streams; stream != NULL; stream = next) {
		next = stream->next;
		stream_free(stream);
	}
	event_drop(relay->retry);
	event_drop(relay->tell);
	free(relay);
}
