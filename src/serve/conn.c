#include "serve/conn.h"

#include "base/clock.h"
#include "pg/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Read at once; also what an idle connection keeps. */
#define READ_CHUNK 4096
/* Requests of one peer that are answered in one turn. */
#define TURN_REQUESTS 8
/* All input buffers together. */
#define INPUT_TOTAL_MAX ((size_t)64 * 1024 * 1024)

enum conn_state {
	CONN_READING, /* for a request, or the rest of one */
	CONN_WRITING, /* a reply; more of it may come from the listing */
	CONN_WAITING, /* for the exchange */
};

struct conn {
	struct conn *next, **at; /* in shared->conns */
	struct conn_shared *shared;
	int fd;
	enum conn_state state;
	struct event *readable;
	struct event *writable;
	struct event *turn; /* go on with what has been read already */
	struct buf in;
	size_t scanned; /* octets of in that hold no newline */
	struct exchange exchange;
	size_t sent;	  /* octets of exchange.out */
	bool is_in_batch; /* at batch_place */
	unsigned batch_place;
	bool is_reading; /* readable is added */
	bool has_stall;	 /* and has a deadline */
	char peer[64];
};

struct conn *conn_next(const struct conn *conn)
{
	return conn->next;
}

/* Between requests a peer may be silent for as long as it likes. Adding an event that is there
 * costs no system call, and most of the time it is. */
static void wait_readable(struct conn *conn)
{
	struct timeval stall = clock_timeval(CONN_STALL_MS);

	if (conn->in.len > 0) {
		(void)event_add(conn->readable, &stall);
		conn->has_stall = true;
		conn->is_reading = true;
		return;
	}
	if (conn->has_stall)
		(void)event_remove_timer(conn->readable);
	conn->has_stall = false;
	if (!conn->is_reading)
		(void)event_add(conn->readable, NULL);
	conn->is_reading = true;
}

/* No more is read while a reply is under way. */
static void stop_reading(struct conn *conn)
{
	(void)event_del(conn->readable);
	conn->is_reading = false;
	conn->has_stall = false;
}

static void wait_writable(struct conn *conn)
{
	struct timeval stall = clock_timeval(CONN_STALL_MS);

	stop_reading(conn);
	(void)event_add(conn->writable, &stall);
}

/* Octets that may be a part of a key, from the front of what has been read. */
static void input_wipe(struct conn *conn, size_t n)
{
	if (n > 0)
		explicit_bzero(conn->in.data, n);
}

/* Keeps the sum of all input buffers. */
static void input_changed(struct conn *conn, size_t before)
{
	conn->shared->input_bytes += conn->in.cap - before;
}

static void input_consume(struct conn *conn, size_t n)
{
	size_t before = conn->in.cap;

	buf_consume(&conn->in, n);
	conn->scanned = 0;
	if (conn->in.len == 0)
		buf_reset(&conn->in, READ_CHUNK);
	input_changed(conn, before);
}

void conn_free(struct conn *conn)
{
	size_t before = conn->in.cap;

	*conn->at = conn->next;
	if (conn->next != NULL)
		conn->next->at = conn->at;
	conn->shared->all.status.connections--;
	if (conn->is_in_batch)
		batch_remove(&conn->shared->batch, conn->batch_place);
	exchange_fini(&conn->exchange);
	input_wipe(conn, conn->in.len);
	buf_fini(&conn->in);
	input_changed(conn, before);
	event_drop(conn->readable);
	event_drop(conn->writable);
	event_drop(conn->turn);
	(void)close(conn->fd);
	free(conn);
}

/* ---- replies ---- */

static void conn_go_on(struct conn *conn);

/* Whether the peer has sent nothing that waits for an answer, and no transaction of its is open:
 * PowerDNS 4.7 ends itself when its connection is lost inside one. */
static bool is_idle(const struct conn *conn)
{
	char octet;

	return conn->in.len == 0 && conn->exchange.transaction == NULL &&
	       recv(conn->fd, &octet, 1, MSG_PEEK) <= 0;
}

/* The reply is written: the next request, or the end. False when the connection is gone. */
static bool reply_done(struct conn *conn)
{
	conn->state = CONN_READING;
	if (conn->exchange.is_last || (conn->shared->is_draining && is_idle(conn))) {
		conn_free(conn);
		return false;
	}
	return true;
}

/* One part is written: one a turn, others want to be served as well. Returns as reply_write. */
static bool part_done(struct conn *conn)
{
	int more = exchange_sent(&conn->exchange);

	conn->sent = 0;
	if (more == 0)
		return reply_done(conn);
	if (more > 0)
		wait_writable(conn);
	else
		conn_free(conn);
	return false;
}

/* Writes what there is. True when the whole reply is written and the connection is reading again.
 */
static bool reply_write(struct conn *conn)
{
	const struct buf *out = &conn->exchange.out;

	conn->state = CONN_WRITING;
	for (;;) {
		if (conn->sent == out->len)
			return part_done(conn);
		ssize_t n =
			send(conn->fd, out->data + conn->sent, out->len - conn->sent, MSG_NOSIGNAL);
		if (n >= 0) {
			conn->sent += (size_t)n;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			wait_writable(conn);
			return false;
		} else if (errno != EINTR) {
			exchange_log(&conn->exchange, LOG_LEVEL_INFO,
				"the peer went before it had its reply");
			conn_free(conn);
			return false;
		}
	}
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;

	(void)fd;
	if ((what & EV_TIMEOUT) != 0) {
		exchange_log(&conn->exchange, LOG_LEVEL_WARNING,
			"the peer does not take its reply: cut off");
		conn_free(conn);
		return;
	}
	if (reply_write(conn))
		conn_go_on(conn);
}

static void on_reply(void *arg)
{
	struct conn *conn = arg;

	if (reply_write(conn))
		conn_go_on(conn);
}

/* ---- requests ---- */

/* Answers one request. True when the next may be read. */
static bool conn_answer(struct conn *conn, size_t len)
{
	bool is_now = exchange_answer(&conn->exchange, conn->in.data, len);

	if (conn->exchange.wipe_request)
		input_wipe(conn, len);
	input_consume(conn, len + 1);
	if (is_now)
		return reply_write(conn);
	conn->state = CONN_WAITING;
	stop_reading(conn);
	return false;
}

/* A request that grows beyond its bounds. */
static void refuse_long(struct conn *conn, const char *problem)
{
	input_wipe(conn, conn->in.len);
	input_consume(conn, conn->in.len);
	exchange_refuse(&conn->exchange, problem);
	(void)reply_write(conn);
}

/* Answers what has been read, up to TURN_REQUESTS; then waits for more. */
static void conn_go_on(struct conn *conn)
{
	static const struct timeval at_once = {0, 0};

	for (int i = 0; i < TURN_REQUESTS; i++) {
		char *newline = conn->in.len == conn->scanned
					? NULL
					: memchr(conn->in.data + conn->scanned, '\n',
						  conn->in.len - conn->scanned);
		if (newline == NULL) {
			conn->scanned = conn->in.len;
			if (conn->in.len >= conn->shared->settings.max_request)
				refuse_long(conn, "request refused: it is over the size limit");
			else
				wait_readable(conn);
			return;
		}
		if (!conn_answer(conn, (size_t)(newline - conn->in.data)))
			return;
	}
	stop_reading(conn);
	(void)evtimer_add(conn->turn, &at_once);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conn_go_on(arg);
}

/* Room to read into; NULL when a bound is reached. */
static char *input_room(struct conn *conn, size_t *room)
{
	struct conn_shared *shared = conn->shared;
	size_t before = conn->in.cap;

	*room = shared->settings.max_request - conn->in.len;
	if (*room > READ_CHUNK)
		*room = READ_CHUNK;
	if (conn->in.len > 0 && shared->input_bytes > INPUT_TOTAL_MAX)
		return NULL;
	char *at = buf_reserve(&conn->in, *room);
	input_changed(conn, before);
	return at;
}

struct text conn_read_text(const struct conn *conn)
{
	return (struct text){conn->in.data, conn->in.len};
}

unsigned conn_answer_read(struct conn *conn)
{
	const struct conn_shared *shared = conn->shared;
	uint64_t before = shared->all.status.requests;

	conn->is_in_batch = false;
	conn_go_on(conn); /* which may be its end */
	return (unsigned)(shared->all.status.requests - before);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;
	size_t room;

	if ((what & EV_TIMEOUT) != 0) {
		exchange_log(&conn->exchange, LOG_LEVEL_WARNING,
			"the peer stopped inside a request: cut off");
		conn_free(conn);
		return;
	}
	char *at = input_room(conn, &room);
	if (at == NULL) {
		refuse_long(conn, "request refused: no memory for more of it");
		return;
	}
	ssize_t n = recv(fd, at, room, 0);
	if (n > 0) {
		buf_added(&conn->in, (size_t)n);
		conn->is_in_batch = true;
		conn->batch_place = batch_add(&conn->shared->batch, conn);
	} else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		wait_readable(conn);
	} else {
		if (conn->in.len > 0)
			exchange_log(
				&conn->exchange, LOG_LEVEL_INFO, "the peer went inside a request");
		conn_free(conn);
	}
}

struct conn *conn_new(struct conn_shared *shared, int fd, const char *peer)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL) {
		(void)close(fd);
		return NULL;
	}
	conn->shared = shared;
	conn->fd = fd;
	buf_init(&conn->in);
	(void)snprintf(conn->peer, sizeof(conn->peer), "%s", peer);
	conn->readable = event_new(shared->all.base, fd, EV_READ | EV_PERSIST, on_readable, conn);
	conn->writable = event_new(shared->all.base, fd, EV_WRITE, on_writable, conn);
	conn->turn = evtimer_new(shared->all.base, on_turn, conn);
	conn->at = &shared->conns;
	conn->next = shared->conns;
	if (conn->next != NULL)
		conn->next->at = &conn->next;
	shared->conns = conn;
	shared->all.status.connections++;
	bool has_exchange =
		exchange_init(&conn->exchange, &shared->all, conn->peer, on_reply, conn);
	if (!has_exchange || conn->readable == NULL || conn->writable == NULL ||
		conn->turn == NULL) {
		conn_free(conn);
		return NULL;
	}
	wait_readable(conn);
	return conn;
}

void conn_drain(struct conn *conn)
{
	if (conn->state == CONN_READING && is_idle(conn))
		conn_free(conn);
}
