#include "pipe/pipe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "pipe/link.h"
#include "pipe/request.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Read at once. */
#define CHUNK 65536
/* Of a reply, held back until it is complete: so much can be asked again. */
#define HOLD ((size_t)256 * 1024)
/* What an idle process keeps of a buffer. */
#define KEEP 65536
/* Of the kernel, for what PowerDNS has not read yet: it reads 4096 octets at a time, and with the
 * usual 64 kB the two would take turns within a long reply. */
#define OUT_PIPE (1024 * 1024)
/* Of one request. What is over csdnsd's limit, that answers. */
#define REQUEST_MAX ((size_t)64 * 1024 * 1024)
/* Between attempts to connect. */
#define PAUSE_FIRST_MS 5
#define PAUSE_LAST_MS  200

struct pipe {
	struct pipe_settings settings;
	int in_fd, out_fd;
	struct link link;
	struct buf in;	       /* from PowerDNS; the request in hand is at its front */
	size_t scanned;	       /* octets of in without a newline */
	struct buf out;	       /* to PowerDNS, held back */
	struct buf initialize; /* how every connection begins, with its newline; may be empty */
	bool in_transaction;   /* csdnsd has one open for us */
	bool is_broken;	       /* that was lost, and PowerDNS has not ended it yet */
	bool is_lost;	       /* the log says that csdnsd is away */
	int64_t give_up_ms;    /* when whoever waits for csdnsd is told; 0 while it is there */
};

enum outcome {
	ASK_DONE,    /* the reply is there, what is left of it in out */
	ASK_ERROR,   /* so it is, but csdnsd cannot do it yet */
	ASK_UNSENT,  /* csdnsd has seen nothing of it */
	ASK_LOST,    /* it may have done it, and PowerDNS has seen no reply */
	ASK_TIMEOUT, /* the same, and there still is a connection */
	ASK_CUT,     /* PowerDNS has seen a part of the reply */
	ASK_OVER,    /* PowerDNS takes no reply any more */
};

/* ---- PowerDNS' side ---- */

/* Keys pass through here. */
static void wipe(struct buf *buf)
{
	if (buf->len > 0)
		explicit_bzero(buf->data, buf->len);
	buf_reset(buf, KEEP);
}

static bool out_flush(struct pipe *pipe)
{
	size_t done = 0;

	while (done < pipe->out.len) {
		ssize_t n = write(pipe->out_fd, pipe->out.data + done, pipe->out.len - done);
		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno != EINTR)
			return false;
	}
	wipe(&pipe->out);
	return true;
}

static bool reply(struct pipe *pipe, const char *text)
{
	buf_reset(&pipe->out, KEEP);
	buf_add_str(&pipe->out, text);
	buf_add_char(&pipe->out, '\n');
	return !buf_failed(&pipe->out) && out_flush(pipe);
}

static bool reply_problem(
	struct pipe *pipe, const char *before, const char *method, const char *why)
{
	buf_reset(&pipe->out, KEEP);
	buf_printf(&pipe->out, "{%s\"log\":[\"csdns-pipe: %s: ", before, method);
	json_text_add(&pipe->out, why, strlen(why));
	buf_add_str(&pipe->out, "\"]}\n");
	return !buf_failed(&pipe->out) && out_flush(pipe);
}

/* One line into the front of in; *len is its length with the newline. False at end of file, and
 * where there is no reading on. */
static bool request_read(struct pipe *pipe, size_t *len)
{
	for (;;) {
		char *newline = pipe->in.len == pipe->scanned
					? NULL
					: memchr(pipe->in.data + pipe->scanned, '\n',
						  pipe->in.len - pipe->scanned);
		if (newline != NULL) {
			*len = (size_t)(newline - pipe->in.data) + 1;
			return true;
		}
		pipe->scanned = pipe->in.len;
		if (pipe->in.len > REQUEST_MAX) {
			log_error("request refused: it is over the size limit");
			return false;
		}
		char *room = buf_reserve(&pipe->in, CHUNK);
		if (room == NULL)
			return false;
		ssize_t n = read(pipe->in_fd, room, CHUNK);
		if (n > 0)
			buf_added(&pipe->in, (size_t)n);
		else if (n == 0 || errno != EINTR)
			return false;
	}
}

static void request_done(struct pipe *pipe, size_t len)
{
	explicit_bzero(pipe->in.data, len);
	buf_consume(&pipe->in, len);
	pipe->scanned = 0;
	if (pipe->in.len == 0)
		buf_reset(&pipe->in, KEEP);
}

/* ---- csdnsd's side ---- */

static enum outcome send_all(struct pipe *pipe, const char *octets, size_t len)
{
	size_t sent = 0;

	while (sent < len) {
		ssize_t n = link_send(&pipe->link, octets + sent, len - sent);
		if (n == LINK_TIMEOUT)
			return ASK_TIMEOUT;
		if (n == LINK_LOST)
			return sent == 0 ? ASK_UNSENT : ASK_LOST;
		sent += (size_t)n;
	}
	return ASK_DONE;
}

static bool begins(const struct buf *buf, const char *text)
{
	size_t len = strlen(text);

	return buf->len >= len && memcmp(buf->data, text, len) == 0;
}

/* Takes a reply into out. What is held back there is passed on by the caller; a long reply begins
 * before it is complete. */
static enum outcome receive_all(struct pipe *pipe)
{
	bool is_begun = false;

	buf_reset(&pipe->out, KEEP);
	for (;;) {
		char *room = buf_reserve(&pipe->out, CHUNK);
		ssize_t n = room == NULL ? LINK_LOST : link_receive(&pipe->link, room, CHUNK);
		if (n < 0) {
			wipe(&pipe->out);
			return is_begun ? ASK_CUT : n == LINK_LOST ? ASK_LOST : ASK_TIMEOUT;
		}
		buf_added(&pipe->out, (size_t)n);
		if (room[n - 1] == '\n')
			return !is_begun && begins(&pipe->out, "{\"log\"") ? ASK_ERROR : ASK_DONE;
		if (is_begun || pipe->out.len >= HOLD) {
			is_begun = true;
			if (!out_flush(pipe))
				return ASK_OVER;
		}
	}
}

static enum outcome send_and_receive(
	struct pipe *pipe, const char *octets, size_t len, long timeout_ms)
{
	link_set_timeout(&pipe->link, timeout_ms);
	enum outcome outcome = send_all(pipe, octets, len);
	/* csdnsd refuses a request that is too long before it has all of it. */
	if (outcome == ASK_DONE || outcome == ASK_LOST)
		outcome = receive_all(pipe);
	return outcome;
}

static void note_waiting(struct pipe *pipe)
{
	if (pipe->give_up_ms == 0)
		pipe->give_up_ms = clock_ms() + pipe->settings.timeout_ms;
}

static void note_lost(struct pipe *pipe)
{
	link_close(&pipe->link);
	pipe->is_broken |= pipe->in_transaction;
	pipe->in_transaction = false;
	note_waiting(pipe);
}

/* A connection that has begun as PowerDNS begins. */
static bool connect_once(struct pipe *pipe)
{
	long timeout_ms = pipe->settings.timeout_ms;

	if (pipe->link.fd >= 0)
		return true;
	if (!link_open(&pipe->link, pipe->settings.socket, timeout_ms))
		return false;
	if (pipe->initialize.len == 0)
		return true;
	enum outcome outcome =
		send_and_receive(pipe, pipe->initialize.data, pipe->initialize.len, timeout_ms);
	buf_reset(&pipe->out, KEEP);
	if (outcome != ASK_DONE)
		link_close(&pipe->link);
	return outcome == ASK_DONE;
}

static void note_found(struct pipe *pipe)
{
	if (pipe->is_lost)
		log_notice("csdnsd is there again");
	pipe->is_lost = false;
	pipe->give_up_ms = 0;
}

static enum outcome ask_once(struct pipe *pipe, size_t len, long timeout_ms)
{
	enum outcome outcome = ASK_UNSENT;

	if (connect_once(pipe))
		outcome = send_and_receive(pipe, pipe->in.data, len, timeout_ms);
	if (outcome == ASK_DONE)
		note_found(pipe);
	else if (outcome == ASK_ERROR)
		note_waiting(pipe);
	else
		note_lost(pipe);
	return outcome;
}

/* False when PowerDNS went meanwhile. */
static bool pause_for(const struct pipe *pipe, int ms)
{
	struct pollfd poll_fd = {.fd = pipe->in_fd};

	return poll(&poll_fd, 1, ms) <= 0 || (poll_fd.revents & (POLLHUP | POLLERR)) == 0;
}

static bool may_ask_again(const struct request *request, enum outcome outcome)
{
	return outcome == ASK_UNSENT || outcome == ASK_ERROR ||
	       (outcome == ASK_LOST &&
		       (request->kind == REQUEST_READ || request->kind == REQUEST_BEGIN));
}

/* Asks until there is a reply, or there can be none. */
static enum outcome ask(struct pipe *pipe, const struct request *request, size_t len)
{
	long timeout_ms = request->kind == REQUEST_READ && !pipe->in_transaction
				  ? pipe->settings.timeout_ms
				  : pipe->settings.write_timeout_ms;
	int pause_ms = PAUSE_FIRST_MS;

	for (;;) {
		enum outcome outcome = ask_once(pipe, len, timeout_ms);
		if (pipe->is_broken || !may_ask_again(request, outcome) ||
			clock_ms() + pause_ms > pipe->give_up_ms)
			return outcome;
		if (!pause_for(pipe, pause_ms))
			return ASK_OVER;
		pause_ms = pause_ms * 2 < PAUSE_LAST_MS ? pause_ms * 2 : PAUSE_LAST_MS;
	}
}

/* ---- the two together ---- */

static const char *why_failed(const struct pipe *pipe, enum outcome outcome)
{
	if (outcome == ASK_TIMEOUT)
		return "csdnsd does not answer";
	if (pipe->is_broken)
		return "the connection to csdnsd was lost, and the transaction with it";
	if (outcome == ASK_UNSENT)
		return "csdnsd is not there";
	if (outcome == ASK_CUT)
		return "the connection to csdnsd was lost within a long reply, which cannot be "
		       "mended: ending, for PowerDNS to start anew";
	return "the connection to csdnsd was lost; it may be done or not";
}

/*
 * There was no reply.
 *
 * To PowerDNS a lookup whose result is false has found nothing, and the name does not exist. A
 * reply without a result is an error to it, SERVFAIL for the client, and a new process instead of
 * this one. That is what a read gets. But inside of a transaction PowerDNS 4.7 does not survive
 * an error; there, as for every write, the result is false.
 */
static bool ask_failed(struct pipe *pipe, const struct request *request, enum outcome outcome)
{
	const char *why = why_failed(pipe, outcome);

	if (outcome == ASK_OVER)
		return false;
	if (!pipe->is_lost)
		log_warning("%s: %s: %s", request->method, why, pipe->link.lost);
	pipe->is_lost = true;
	if (outcome == ASK_CUT)
		return false;
	if (request->kind == REQUEST_ABORT && pipe->is_broken)
		return reply(pipe, "{\"result\":true}");
	if (request->kind == REQUEST_READ && !pipe->is_broken)
		return reply_problem(pipe, "", request->method, why);
	return reply_problem(pipe, "\"result\":false,", request->method, why);
}

/* The reply, which is in out, may open a transaction or end it. */
static void note_transaction(struct pipe *pipe, const struct request *request)
{
	if (request->kind == REQUEST_BEGIN)
		pipe->in_transaction = begins(&pipe->out, "{\"result\":true");
	else if (request->kind == REQUEST_COMMIT || request->kind == REQUEST_ABORT)
		pipe->in_transaction = false;
}

static bool forward(struct pipe *pipe, const struct request *request, size_t len)
{
	if (request->kind == REQUEST_BEGIN)
		pipe->is_broken = pipe->in_transaction = false;
	enum outcome outcome = pipe->is_broken ? ASK_LOST : ask(pipe, request, len);
	if (outcome == ASK_DONE || outcome == ASK_ERROR) {
		note_transaction(pipe, request);
		return out_flush(pipe);
	}
	bool is_well = ask_failed(pipe, request, outcome);
	if (request->kind == REQUEST_COMMIT || request->kind == REQUEST_ABORT)
		pipe->is_broken = false;
	return is_well;
}

/* True where PowerDNS can send the next. */
static bool answer(struct pipe *pipe, size_t len)
{
	struct request request = request_parse(pipe->in.data, len);

	if (request.kind != REQUEST_INITIALIZE)
		return forward(pipe, &request, len);
	buf_reset(&pipe->initialize, KEEP);
	buf_add(&pipe->initialize, pipe->in.data, len);
	link_close(&pipe->link);
	return reply(pipe, "{\"result\":true}");
}

int pipe_run(const struct pipe_settings *settings, int in_fd, int out_fd)
{
	struct pipe pipe = {.settings = *settings, .in_fd = in_fd, .out_fd = out_fd};
	bool is_well = true;
	size_t len;

	link_init(&pipe.link);
	/* Refused where a user has too many large pipes: slower, no more. */
	fcntl(out_fd, F_SETPIPE_SZ, OUT_PIPE);
	while (is_well && request_read(&pipe, &len)) {
		is_well = answer(&pipe, len);
		request_done(&pipe, len);
	}
	link_close(&pipe.link);
	buf_fini(&pipe.in);
	buf_fini(&pipe.out);
	buf_fini(&pipe.initialize);
	return is_well ? 0 : 1;
}
