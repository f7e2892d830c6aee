#include "serve/conn.h"

#include "base/clock.h"
#include "base/log.h"
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
/* A reply of a listing is made in parts of about this many names. */
#define LISTING_BUDGET 500
/* Requests of one peer that are answered in one turn. */
#define TURN_REQUESTS 8
/* Lines in the log about what peers do, in one second. */
#define LOG_LINES_MAX 50
/* For the mirror to show a write that is committed. PowerDNS waits for two seconds by default. */
#define SHOW_MS 1000
/* All input buffers together. */
#define INPUT_TOTAL_MAX ((size_t)64 * 1024 * 1024)

enum conn_state {
	CONN_READING, /* for a request, or the rest of one */
	CONN_WRITING, /* a reply; more of it may come from the listing */
	CONN_WAITING, /* for a write, or for the mirror to show it */
};

struct conn {
	struct conn *next, **at; /* in shared->conns */
	struct conn_shared *shared;
	int fd;
	enum conn_state state;
	struct event *readable;
	struct event *writable;
	struct event *turn; /* go on with what has been read already, or wait no longer */
	struct buf in;
	size_t scanned; /* octets of in that hold no newline */
	struct buf out;
	size_t sent;		    /* octets of out */
	struct listing *listing;    /* CONN_WRITING */
	struct write_job *job;	    /* CONN_WAITING, first part; of a transaction there is none */
	enum write_kind write_kind; /* CONN_WAITING */
	struct transaction *transaction; /* NULL while none is open */
	struct open_transaction open;	 /* what the protocol knows of it */
	uint64_t awaited;		 /* CONN_WAITING, second part: version */
	const char *method;		 /* of the request in hand, for the log */
	bool is_in_batch;		 /* at batch_place */
	unsigned batch_place;
	bool is_reading; /* readable is added */
	bool has_stall;	 /* and has a deadline */
	bool is_last;	 /* close when the reply is written */
	bool is_secret;	 /* the reply has keys in it */
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

bool conn_log_is_allowed(struct conn_shared *shared)
{
	int64_t second = clock_ms() / 1000;

	if (second != shared->log_second) {
		if (shared->log_lines > LOG_LINES_MAX)
			log_warning("%u more lines about peers were not written",
				shared->log_lines - LOG_LINES_MAX);
		shared->log_second = second;
		shared->log_lines = 0;
	}
	return ++shared->log_lines <= LOG_LINES_MAX;
}

static void log_problem(const struct conn *conn, enum log_level level, const char *problem)
{
	struct log_about about = {.peer = conn->peer};

	if (log_is_on(level) && conn_log_is_allowed(conn->shared))
		log_line(level, &about, "%s", problem);
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
	conn->shared->status.connections--;
	if (conn->is_in_batch)
		batch_remove(&conn->shared->batch, conn->batch_place);
	listing_free(conn->listing);
	if (conn->job != NULL)
		write_job_forget(conn->job);
	transaction_free(conn->transaction);
	buf_fini(&conn->in);
	input_changed(conn, before);
	buf_fini(&conn->out);
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

	return conn->in.len == 0 && conn->transaction == NULL &&
	       recv(conn->fd, &octet, 1, MSG_PEEK) <= 0;
}

/* The reply is written: the next request, or the end. False when the connection is gone. */
static bool reply_done(struct conn *conn)
{
	if (conn->is_secret)
		explicit_bzero(conn->out.data, conn->out.len);
	conn->is_secret = false;
	buf_reset(&conn->out, READ_CHUNK);
	conn->sent = 0;
	conn->state = CONN_READING;
	if (conn->is_last || (conn->shared->is_draining && is_idle(conn))) {
		conn_free(conn);
		return false;
	}
	return true;
}

/* More of a listing. False when the connection is gone. */
static bool listing_more(struct conn *conn)
{
	buf_reset(&conn->out, SIZE_MAX);
	conn->sent = 0;
	int done = listing_step(conn->listing, LISTING_BUDGET, &conn->out);
	if (done < 0) {
		log_problem(conn, LOG_LEVEL_ERROR, "list: out of memory, connection closed");
		conn_free(conn);
		return false;
	}
	if (done == 1) {
		listing_free(conn->listing);
		conn->listing = NULL;
	}
	return true;
}

/* Writes what there is. True when the whole reply is written and the connection is reading again.
 */
static bool reply_write(struct conn *conn)
{
	conn->state = CONN_WRITING;
	for (;;) {
		if (conn->sent == conn->out.len) {
			if (conn->listing == NULL)
				return reply_done(conn);
			/* One part a turn: others want to be served as well. */
			if (!listing_more(conn))
				return false;
			wait_writable(conn);
			return false;
		}
		ssize_t n = send(conn->fd, conn->out.data + conn->sent, conn->out.len - conn->sent,
			MSG_NOSIGNAL);
		if (n >= 0) {
			conn->sent += (size_t)n;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			wait_writable(conn);
			return false;
		} else if (errno != EINTR) {
			log_problem(conn, LOG_LEVEL_INFO, "the peer went before it had its reply");
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
		log_problem(conn, LOG_LEVEL_WARNING, "the peer does not take its reply: cut off");
		conn_free(conn);
		return;
	}
	if (reply_write(conn))
		conn_go_on(conn);
}

/* ---- writes ---- */

static void reply_problem(struct conn *conn, const char *problem)
{
	char line[PROTOCOL_PROBLEM_MAX];

	(void)snprintf(line, sizeof(line), "%s: %s", conn->method, problem);
	log_problem(conn, LOG_LEVEL_WARNING, line);
	conn->shared->status.failed++;
	reply_false(&conn->out, line);
}

/* The reply is in conn->out. */
static void write_finish(struct conn *conn)
{
	conn->awaited = 0;
	(void)evtimer_del(conn->turn);
	if (reply_write(conn))
		conn_go_on(conn);
}

static void transaction_end(struct conn *conn)
{
	transaction_free(conn->transaction);
	conn->transaction = NULL;
}

static void on_write_done(void *arg, const struct write_done *done)
{
	struct conn *conn = arg;
	struct timeval patience = clock_timeval(SHOW_MS);
	uint64_t version = done->version;

	conn->job = NULL;
	conn->is_secret = conn->write_kind == WRITE_READ_KEYS;
	if (done->problem != NULL)
		reply_problem(conn, done->problem);
	else if (done->result != NULL)
		reply_result(&conn->out, done->result, done->result_len);
	else
		reply_true(&conn->out);
	if (conn->write_kind == WRITE_COMMIT ||
		(conn->write_kind == WRITE_BEGIN && done->problem != NULL))
		transaction_end(conn);
	if (version <= conn->shared->version) {
		write_finish(conn);
		return;
	}
	conn->awaited = version;
	(void)evtimer_add(conn->turn, &patience);
}

void conn_on_version(struct conn *conn)
{
	if (conn->awaited > 0 && conn->awaited <= conn->shared->version)
		write_finish(conn);
}

/* Waits for on_write_done, without reading more. */
static bool write_wait(struct conn *conn)
{
	conn->state = CONN_WAITING;
	stop_reading(conn);
	return false;
}

/* PowerDNS knows one transaction at a time: when it begins another, it has forgotten the first. */
static bool transaction_start(struct conn *conn, struct write *write)
{
	if (conn->transaction != NULL)
		log_problem(conn, LOG_LEVEL_WARNING,
			"a transaction begins: the one before was not ended, and is rolled back");
	transaction_end(conn);
	conn->open.zone_id = write->zone_id;
	conn->transaction =
		transaction_begin(conn->shared->transactions, write, on_write_done, conn);
	if (conn->transaction != NULL)
		return write_wait(conn);
	write_fini(write);
	reply_problem(conn, "out of memory");
	return reply_write(conn);
}

static bool transaction_go_on(struct conn *conn, struct write *write)
{
	enum transaction_outcome outcome = TRANSACTION_DONE;
	bool is_end = write->kind == WRITE_COMMIT || write->kind == WRITE_ABORT;

	if (write->kind == WRITE_ABORT)
		write_fini(write);
	else
		outcome = transaction_do(conn->transaction, write, on_write_done, conn);
	if (outcome == TRANSACTION_LATER)
		return write_wait(conn);
	if (outcome == TRANSACTION_DONE)
		reply_true(&conn->out);
	else
		reply_problem(conn, transaction_problem(conn->transaction));
	if (is_end)
		transaction_end(conn);
	return reply_write(conn);
}

static bool write_begin(struct conn *conn, struct answer *answer)
{
	struct write *write = &answer->write;

	conn->method = answer->method;
	conn->write_kind = write->kind;
	if (write->kind == WRITE_BEGIN)
		return transaction_start(conn, write);
	if (conn->transaction != NULL)
		return transaction_go_on(conn, write);
	conn->job = writer_start(conn->shared->writer, write, on_write_done, conn);
	if (conn->job != NULL)
		return write_wait(conn);
	write_fini(write);
	reply_problem(conn, "out of memory");
	return reply_write(conn);
}

/* What the protocol answers from: as for everyone, but for an open transaction. */
static void conn_ask(struct conn *conn, size_t len, struct answer *answer)
{
	struct protocol protocol;

	if (conn->transaction == NULL) {
		protocol_answer(&conn->shared->protocol, conn->in.data, len, &conn->out, answer);
		return;
	}
	protocol = conn->shared->protocol;
	protocol.transaction = &conn->open;
	conn->open.has_failed = transaction_problem(conn->transaction) != NULL;
	protocol_answer(&protocol, conn->in.data, len, &conn->out, answer);
	if (answer->is_write && answer->problem[0] != '\0')
		transaction_doom(conn->transaction, answer->problem);
}

/* ---- requests ---- */

/* Answers one request. True when the next may be read. */
static bool conn_answer(struct conn *conn, size_t len)
{
	struct answer answer;

	conn->shared->status.requests++;
	conn_ask(conn, len, &answer);
	conn->is_secret = answer.is_secret;
	input_consume(conn, len + 1);
	if (buf_failed(&conn->out)) {
		buf_fini(&conn->out);
		listing_free(answer.listing);
		if (answer.kind == ANSWER_WRITE)
			write_fini(&answer.write);
		reply_false(&conn->out, "out of memory");
		(void)snprintf(
			answer.problem, sizeof(answer.problem), "%s: out of memory", answer.method);
		answer.kind = ANSWER_REPLY;
	}
	if (answer.problem[0] != '\0') {
		conn->shared->status.failed++;
		log_problem(conn, answer.is_malformed ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE,
			answer.problem);
		conn->is_last = answer.is_malformed;
	}
	if (answer.kind == ANSWER_WRITE)
		return write_begin(conn, &answer);
	if (answer.kind == ANSWER_LISTING)
		conn->listing = answer.listing;
	return reply_write(conn);
}

/* A request that grows beyond its bounds. */
static void refuse_long(struct conn *conn, const char *problem)
{
	conn->shared->status.failed++;
	log_problem(conn, LOG_LEVEL_WARNING, problem);
	input_consume(conn, conn->in.len);
	conn->is_last = true;
	reply_false(&conn->out, problem);
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
	struct conn *conn = arg;

	(void)fd;
	(void)what;
	if (conn->awaited > 0)
		write_finish(conn); /* it is committed, and the mirror will show it */
	else
		conn_go_on(conn);
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

void conn_answer_read(struct conn *conn)
{
	conn->is_in_batch = false;
	conn_go_on(conn);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;
	size_t room;

	if ((what & EV_TIMEOUT) != 0) {
		log_problem(conn, LOG_LEVEL_WARNING, "the peer stopped inside a request: cut off");
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
			log_problem(conn, LOG_LEVEL_INFO, "the peer went inside a request");
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
	conn->method = "?";
	buf_init(&conn->in);
	buf_init(&conn->out);
	(void)snprintf(conn->peer, sizeof(conn->peer), "%s", peer);
	conn->readable = event_new(shared->base, fd, EV_READ | EV_PERSIST, on_readable, conn);
	conn->writable = event_new(shared->base, fd, EV_WRITE, on_writable, conn);
	conn->turn = evtimer_new(shared->base, on_turn, conn);
	conn->at = &shared->conns;
	conn->next = shared->conns;
	if (conn->next != NULL)
		conn->next->at = &conn->next;
	shared->conns = conn;
	shared->status.connections++;
	if (conn->readable == NULL || conn->writable == NULL || conn->turn == NULL) {
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
