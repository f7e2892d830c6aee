#include "config.h"

#include "sync/rabbitmq.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "pg/events.h"
#include "sync/rabbitmq_connect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Frames a turn of the loop. */
#define TURN_MAX       500
#define PAUSE_FIRST_MS 200
#define PAUSE_MAX_MS   30000
/* A connection that ends before this did not work. */
#define STEADY_MS 10000
/* Looks for a silent end of the connection at least so often. */
#define LOOK_MAX_MS 5000

enum rabbitmq_state {
	RABBITMQ_DOWN, /* the timer connects */
	RABBITMQ_CONNECTING,
	RABBITMQ_UP,
	RABBITMQ_CLOSING, /* waits for the server's last word */
};

/* Of frames: a delivery, its header, its body. */
struct delivery {
	bool is_open;
	uint64_t tag;
	bool has_header;
	uint64_t size, got;
	struct buf body; /* empty where it is too long */
};

struct rabbitmq {
	struct event_base *base;
	struct rabbitmq_settings settings;
	struct relay *relay;
	struct event *timer, *io;
	enum rabbitmq_state state;
	struct rabbitmq_connect *connect;
	amqp_connection_state_t conn;
	amqp_channel_t channel;
	struct relay_stream *stream;
	struct delivery delivery;
	size_t next_uri;
	long pause_ms;
	int64_t up_ms;		      /* when it was connected */
	bool is_draining, has_failed; /* has_failed: that is in the log, it has not worked since */
	uint64_t disconnected;
};

static void wait_for(struct rabbitmq *rabbitmq, long ms)
{
	struct timeval wait = clock_timeval(ms);

	(void)evtimer_add(rabbitmq->timer, &wait);
}

/* The pause, and up to half of it less, so that those that lost it together do not come together.
 */
static long jitter(long ms)
{
	uint32_t random = 0;

	(void)getrandom(&random, sizeof(random), 0);
	return ms - (long)(random % (uint32_t)(ms / 2 + 1));
}

/* ---- the end of a connection ---- */

static void drop_connection(struct rabbitmq *rabbitmq)
{
	event_drop(rabbitmq->io);
	rabbitmq->io = NULL;
	if (rabbitmq->connect != NULL)
		rabbitmq_connect_abandon(rabbitmq->connect);
	rabbitmq->connect = NULL;
	if (rabbitmq->stream != NULL)
		relay_close(rabbitmq->stream);
	rabbitmq->stream = NULL;
	if (rabbitmq->conn != NULL)
		(void)amqp_destroy_connection(rabbitmq->conn);
	rabbitmq->conn = NULL;
	buf_reset(&rabbitmq->delivery.body, 0);
	rabbitmq->delivery.is_open = false;
	rabbitmq->state = RABBITMQ_DOWN;
}

static void lose(struct rabbitmq *rabbitmq, const char *why)
{
	bool was_up = rabbitmq->state == RABBITMQ_UP;

	if (was_up)
		log_error("lost RabbitMQ: %s", why);
	else if (rabbitmq->state == RABBITMQ_CONNECTING && !rabbitmq->has_failed)
		log_error("no connection to RabbitMQ: %s", why);
	else
		log_debug("rabbitmq: %s", why);
	rabbitmq->has_failed = true;
	rabbitmq->disconnected += rabbitmq->state != RABBITMQ_CLOSING;
	if (was_up && clock_ms() - rabbitmq->up_ms >= STEADY_MS)
		rabbitmq->pause_ms = PAUSE_FIRST_MS;
	drop_connection(rabbitmq);
	rabbitmq->next_uri++;
	wait_for(rabbitmq, jitter(rabbitmq->pause_ms));
	rabbitmq->pause_ms =
		rabbitmq->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : rabbitmq->pause_ms * 2;
}

/* ---- frames ---- */

/* Each of these answers NULL, or why the connection is of no more use. */

static const char *finish_delivery(struct rabbitmq *rabbitmq)
{
	struct delivery *delivery = &rabbitmq->delivery;
	const char *body = delivery->body.data == NULL ? "" : delivery->body.data;
	int rc = 0;

	delivery->is_open = false;
	if (buf_failed(&delivery->body))
		rc = -1;
	else if (rabbitmq->is_draining) /* is not acknowledged, and comes again */
		rc = 0;
	else if (delivery->size > EVENT_BODY_MAX)
		rc = relay_pass(rabbitmq->stream, (int64_t)delivery->tag, "it is too long");
	else
		rc = relay_take(rabbitmq->stream, (int64_t)delivery->tag, body, delivery->got);
	buf_reset(&delivery->body, 65536);
	return rc < 0 ? "out of memory" : NULL;
}

static const char *take_header(struct rabbitmq *rabbitmq, const amqp_frame_t *frame)
{
	struct delivery *delivery = &rabbitmq->delivery;

	if (!delivery->is_open || delivery->has_header)
		return "a header without a message";
	delivery->has_header = true;
	delivery->size = frame->payload.properties.body_size;
	return delivery->size == 0 ? finish_delivery(rabbitmq) : NULL;
}

static const char *take_body(struct rabbitmq *rabbitmq, const amqp_frame_t *frame)
{
	struct delivery *delivery = &rabbitmq->delivery;
	amqp_bytes_t part = frame->payload.body_fragment;

	if (!delivery->is_open || !delivery->has_header ||
		part.len > delivery->size - delivery->got)
		return "a body without a message";
	if (delivery->size <= EVENT_BODY_MAX)
		buf_add(&delivery->body, part.bytes, part.len);
	delivery->got += part.len;
	return delivery->got == delivery->size ? finish_delivery(rabbitmq) : NULL;
}

static const char *take_method(
	struct rabbitmq *rabbitmq, const amqp_method_t *method, char *why, size_t size)
{
	struct delivery *delivery = &rabbitmq->delivery;

	if (method->id == AMQP_BASIC_DELIVER_METHOD) {
		const amqp_basic_deliver_t *deliver = method->decoded;
		/* It would be acknowledged with those behind it. */
		if (delivery->is_open)
			return "a message within a message";
		delivery->is_open = true;
		delivery->tag = deliver->delivery_tag;
		delivery->has_header = false;
		delivery->size = delivery->got = 0;
		return NULL;
	}
	if (method->id == AMQP_BASIC_CANCEL_METHOD)
		return "the queue was deleted";
	if (method->id == AMQP_CONNECTION_CLOSE_OK_METHOD)
		return "closed";
	return rabbitmq_end_of(method, why, size) ? why : NULL;
}

static const char *take_frame(
	struct rabbitmq *rabbitmq, const amqp_frame_t *frame, char *why, size_t size)
{
	const char *fault = NULL;

	if (frame->frame_type == AMQP_FRAME_METHOD)
		fault = take_method(rabbitmq, &frame->payload.method, why, size);
	else if (frame->channel == rabbitmq->channel && frame->frame_type == AMQP_FRAME_HEADER)
		fault = take_header(rabbitmq, frame);
	else if (frame->channel == rabbitmq->channel && frame->frame_type == AMQP_FRAME_BODY)
		fault = take_body(rabbitmq, frame);
	/* Nothing in the frame is needed any more; a message may be longer than memory. */
	amqp_maybe_release_buffers_on_channel(rabbitmq->conn, frame->channel);
	return fault;
}

/* Reads what is there; sends a heartbeat where one is due, and finds out that the server's did not
 * come. */
static void read_frames(struct rabbitmq *rabbitmq)
{
	struct timeval no_time = {0, 0};
	amqp_frame_t frame;
	char text[300];
	const char *why = NULL;

	for (int n = 0; why == NULL; n++) {
		if (n == TURN_MAX) { /* the library may have more in its buffer */
			event_active(rabbitmq->io, EV_READ, 0);
			return;
		}
		int rc = amqp_simple_wait_frame_noblock(rabbitmq->conn, &frame, &no_time);
		if (rc == AMQP_STATUS_TIMEOUT)
			return;
		why = rc != AMQP_STATUS_OK ? amqp_error_string2(rc)
					   : take_frame(rabbitmq, &frame, text, sizeof(text));
	}
	lose(rabbitmq, why);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_frames(arg);
}

/* ---- acknowledging ---- */

/* The server answers, or the connection ends anyhow. */
static void begin_close(struct rabbitmq *rabbitmq)
{
	amqp_connection_close_t close = {
		.reply_code = AMQP_REPLY_SUCCESS, .reply_text = amqp_cstring_bytes("stopping")};
	int rc = amqp_send_method(rabbitmq->conn, 0, AMQP_CONNECTION_CLOSE_METHOD, &close);

	rabbitmq->state = RABBITMQ_CLOSING;
	if (rc != AMQP_STATUS_OK)
		lose(rabbitmq, amqp_error_string2(rc));
}

static void on_done(void *arg, struct relay_stream *stream)
{
	struct rabbitmq *rabbitmq = arg;
	int64_t tag;
	int rc;

	if (rabbitmq->state != RABBITMQ_UP || !relay_done(stream, &tag))
		return;
	rc = amqp_basic_ack(rabbitmq->conn, rabbitmq->channel, (uint64_t)tag, 1);
	if (rc != AMQP_STATUS_OK)
		lose(rabbitmq, amqp_error_string2(rc));
	else if (rabbitmq->is_draining)
		wait_for(rabbitmq, 0);
}

/* The prefetch count bounds what comes, whether the database takes it or not. */
static void on_room(void *arg)
{
	(void)arg;
}

static const struct relay_handlers handlers = {.on_done = on_done, .on_room = on_room};

/* ---- connecting ---- */

static bool watch(struct rabbitmq *rabbitmq, int fd, event_callback_fn fn)
{
	event_drop(rabbitmq->io);
	rabbitmq->io = event_new(rabbitmq->base, fd, EV_READ | EV_PERSIST, fn, rabbitmq);
	return rabbitmq->io != NULL && event_add(rabbitmq->io, NULL) == 0;
}

static void look_later(struct rabbitmq *rabbitmq)
{
	long ms = (long)rabbitmq->settings.heartbeat_s * 1000 / 3;

	wait_for(rabbitmq, ms == 0 || ms > LOOK_MAX_MS ? LOOK_MAX_MS : ms);
}

static void on_connected(evutil_socket_t fd, short what, void *arg)
{
	struct rabbitmq *rabbitmq = arg;
	char name[300];
	char why[512];

	(void)fd;
	(void)what;
	rabbitmq->conn =
		rabbitmq_connect_take(rabbitmq->connect, &rabbitmq->channel, why, sizeof(why));
	rabbitmq->connect = NULL;
	if (rabbitmq->conn == NULL) {
		lose(rabbitmq, why);
		return;
	}
	(void)snprintf(name, sizeof(name), "queue %s", rabbitmq->settings.queue);
	rabbitmq->stream = relay_open(rabbitmq->relay, name, rabbitmq);
	if (rabbitmq->stream == NULL ||
		!watch(rabbitmq, amqp_get_sockfd(rabbitmq->conn), on_readable)) {
		lose(rabbitmq, "out of memory");
		return;
	}
	rabbitmq->state = RABBITMQ_UP;
	rabbitmq->has_failed = false;
	rabbitmq->up_ms = clock_ms();
	log_notice("connected to RabbitMQ");
	look_later(rabbitmq);
	/* Deliveries may have come with the answers. */
	read_frames(rabbitmq);
}

static void start(struct rabbitmq *rabbitmq)
{
	const struct option_list *uris = rabbitmq->settings.uris;

	rabbitmq->state = RABBITMQ_CONNECTING;
	rabbitmq->connect = rabbitmq_connect_start(
		&rabbitmq->settings, uris->items[rabbitmq->next_uri % uris->n]);
	if (rabbitmq->connect == NULL ||
		!watch(rabbitmq, rabbitmq_connect_fd(rabbitmq->connect), on_connected))
		lose(rabbitmq, "could not start a thread to connect");
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct rabbitmq *rabbitmq = arg;

	(void)fd;
	(void)what;
	if (rabbitmq->state == RABBITMQ_DOWN && !rabbitmq->is_draining)
		start(rabbitmq);
	if (rabbitmq->state < RABBITMQ_UP)
		return;
	look_later(rabbitmq);
	if (rabbitmq->state == RABBITMQ_UP && rabbitmq->is_draining &&
		relay_is_idle(rabbitmq->relay))
		begin_close(rabbitmq);
	if (rabbitmq->state >= RABBITMQ_UP)
		read_frames(rabbitmq);
}

/* ---- life ---- */

struct rabbitmq *rabbitmq_new(
	struct event_base *base, const struct rabbitmq_settings *settings, struct intake *intake)
{
	struct relay_settings relay = {.source = "rabbitmq", .position = "delivery"};
	struct rabbitmq *rabbitmq = calloc(1, sizeof(*rabbitmq));

	if (rabbitmq == NULL)
		return NULL;
	rabbitmq->base = base;
	rabbitmq->settings = *settings;
	rabbitmq->pause_ms = PAUSE_FIRST_MS;
	buf_init(&rabbitmq->delivery.body);
	rabbitmq->relay = relay_new(base, intake, &relay, &handlers, rabbitmq);
	rabbitmq->timer = evtimer_new(base, on_timer, rabbitmq);
	if (rabbitmq->relay == NULL || rabbitmq->timer == NULL) {
		rabbitmq_free(rabbitmq);
		return NULL;
	}
	wait_for(rabbitmq, 0);
	return rabbitmq;
}

void rabbitmq_free(struct rabbitmq *rabbitmq)
{
	if (rabbitmq == NULL)
		return;
	drop_connection(rabbitmq);
	relay_free(rabbitmq->relay);
	event_drop(rabbitmq->timer);
	buf_fini(&rabbitmq->delivery.body);
	free(rabbitmq);
}

void rabbitmq_drain(struct rabbitmq *rabbitmq)
{
	rabbitmq->is_draining = true;
	if (rabbitmq->state == RABBITMQ_CONNECTING)
		drop_connection(rabbitmq);
	wait_for(rabbitmq, 0);
}

bool rabbitmq_is_drained(const struct rabbitmq *rabbitmq)
{
	return rabbitmq->state == RABBITMQ_DOWN;
}

void rabbitmq_get_status(const struct rabbitmq *rabbitmq, struct bus_status *status)
{
	relay_get_status(rabbitmq->relay, status);
	status->is_connected = rabbitmq->state == RABBITMQ_UP;
	status->disconnected = rabbitmq->disconnected;
}
