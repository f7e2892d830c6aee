#include "sync/question.h"

#include "base/buf.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <inttypes.h>
#include <ldns/ldns.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UDP_SIZE 1232
#define TRIES	 2

struct question {
	struct event_base *base;
	struct sockaddr_storage address;
	socklen_t address_len;
	int fd;
	struct event *event;
	struct bufferevent *tcp; /* NULL while it is asked over UDP */
	ldns_buffer *wire;
	ldns_rr_list *expected;
	ldns_rdf *name;
	ldns_rr_type type;
	uint16_t id;
	int tries;
	int64_t until_ms; /* of this try */
	question_fn fn;
	void *arg;
};

void question_free(struct question *question)
{
	if (question == NULL)
		return;
	if (question->event != NULL)
		event_free(question->event);
	if (question->fd >= 0)
		(void)close(question->fd);
	if (question->tcp != NULL)
		bufferevent_free(question->tcp);
	ldns_buffer_free(question->wire);
	ldns_rr_list_deep_free(question->expected);
	ldns_rdf_deep_free(question->name);
	free(question);
}

static void finish(struct question *question, enum question_result result, const char *got)
{
	question->fn(question->arg, result, got);
	question_free(question);
}

static bool is_in(const ldns_rr *rr, const ldns_rr_list *list)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *other = ldns_rr_list_rr(list, i);
		if (ldns_rr_compare(rr, other) == 0 && ldns_rr_ttl(rr) == ldns_rr_ttl(other))
			return true;
	}
	return false;
}

/* Records of the type, "300 192.0.2.1, ...", for people. */
static void add_records(struct buf *out, const ldns_pkt *answer, ldns_rr_type type)
{
	const ldns_rr_list *list = ldns_pkt_answer(answer);
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);

	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);
		char *text = ldns_rr_get_type(rr) == type && ldns_rr_rd_count(rr) > 0
				     ? ldns_rdf2str(ldns_rr_rdf(rr, 0))
				     : NULL;
		if (text != NULL)
			buf_printf(out, "%s%" PRIu32 " %s", out->len > 0 ? ", " : "",
				ldns_rr_ttl(rr), text);
		free(text);
	}
	if (out->len == 0)
		buf_add_str(out, rcode == LDNS_RCODE_NXDOMAIN || rcode == LDNS_RCODE_NOERROR
					 ? "nothing"
				 : rcode == LDNS_RCODE_REFUSED ? "REFUSED"
							       : "an error");
	buf_add_char(out, '\0');
}

/* A name that is not there, and one without the type, are the same to us. */
static bool is_as_expected(const struct question *question, const ldns_pkt *answer)
{
	const ldns_rr_list *list = ldns_pkt_answer(answer);
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);
	size_t n = 0;

	if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN)
		return false;
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);
		if (ldns_rr_get_type(rr) != question->type)
			continue;
		n++;
		if (!is_in(rr, question->expected))
			return false;
	}
	return n == ldns_rr_list_rr_count(question->expected);
}

static void judge(struct question *question, const ldns_pkt *answer)
{
	struct buf got;

	if (is_as_expected(question, answer)) {
		finish(question, QUESTION_RIGHT, NULL);
		return;
	}
	buf_init(&got);
	add_records(&got, answer, question->type);
	finish(question, QUESTION_WRONG, buf_failed(&got) ? "something else" : got.data);
	buf_fini(&got);
}

static bool is_ours(const struct question *question, const ldns_pkt *answer)
{
	const ldns_rr_list *asked = ldns_pkt_question(answer);

	return ldns_pkt_id(answer) == question->id && ldns_pkt_qr(answer) &&
	       ldns_rr_list_rr_count(asked) == 1 &&
	       ldns_rr_get_type(ldns_rr_list_rr(asked, 0)) == question->type &&
	       ldns_dname_compare(ldns_rr_owner(ldns_rr_list_rr(asked, 0)), question->name) == 0;
}

/* ---- TCP ---- */

static void on_tcp_end(struct bufferevent *tcp, short what, void *arg)
{
	(void)tcp;
	if ((what & BEV_EVENT_CONNECTED) == 0)
		finish(arg, QUESTION_UNANSWERED, "no answer: truncated over UDP, none over TCP");
}

/* A message is its length in two octets, and itself. */
static void on_tcp_read(struct bufferevent *tcp, void *arg)
{
	struct question *question = arg;
	struct evbuffer *input = bufferevent_get_input(tcp);
	uint8_t head[2];
	ldns_pkt *answer = NULL;

	if (evbuffer_copyout(input, head, sizeof(head)) < (ev_ssize_t)sizeof(head))
		return;
	size_t size = ldns_read_uint16(head);
	if (evbuffer_get_length(input) < sizeof(head) + size)
		return;
	const uint8_t *message = evbuffer_pullup(input, (ev_ssize_t)(sizeof(head) + size));
	if (message != NULL &&
		ldns_wire2pkt(&answer, message + sizeof(head), size) == LDNS_STATUS_OK &&
		is_ours(question, answer) && !ldns_pkt_tc(answer))
		judge(question, answer);
	else
		finish(question, QUESTION_UNANSWERED,
			"no answer: truncated over UDP, something else over TCP");
	ldns_pkt_free(answer);
}

/* The event goes on as the timer: however slowly the answer comes, its time is over then. */
static void ask_over_tcp(struct question *question)
{
	struct timeval wait = clock_timeval(QUESTION_MS);
	size_t size = ldns_buffer_position(question->wire);
	uint8_t head[2];

	ldns_write_uint16(head, (uint16_t)size);
	question->tries = TRIES;
	question->until_ms = clock_ms() + QUESTION_MS;
	(void)event_add(question->event, &wait);
	question->tcp = bufferevent_socket_new(question->base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (question->tcp != NULL) {
		bufferevent_setcb(question->tcp, on_tcp_read, NULL, on_tcp_end, question);
		if (bufferevent_write(question->tcp, head, sizeof(head)) == 0 &&
			bufferevent_write(question->tcp, ldns_buffer_begin(question->wire), size) ==
				0 &&
			bufferevent_enable(question->tcp, EV_READ) == 0 &&
			bufferevent_socket_connect(question->tcp,
				(struct sockaddr *)&question->address,
				(int)question->address_len) == 0)
			return;
	}
	finish(question, QUESTION_UNANSWERED,
		"no answer: truncated over UDP, no way to ask over TCP");
}

/* ---- UDP ---- */

static void send_out(struct question *question)
{
	struct timeval wait = clock_timeval(QUESTION_MS);

	question->tries++;
	question->until_ms = clock_ms() + QUESTION_MS;
	/* what is not sent is not answered */
	(void)!send(question->fd, ldns_buffer_begin(question->wire),
		ldns_buffer_position(question->wire), 0);
	(void)event_add(question->event, &wait);
}

/* What came was somebody else's: the time goes on. */
static void wait_on(struct question *question)
{
	int64_t left = question->until_ms - clock_ms();
	struct timeval wait = clock_timeval(left > 0 ? left : 0);

	(void)event_add(question->event, &wait);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	struct question *question = arg;
	uint8_t message[4096];
	ldns_pkt *answer = NULL;

	if ((what & EV_TIMEOUT) != 0) {
		if (question->tries < TRIES)
			send_out(question);
		else
			finish(question, QUESTION_UNANSWERED,
				question->tcp == NULL
					? "no answer"
					: "no answer: truncated over UDP, none in time over TCP");
		return;
	}
	ssize_t n = recv(fd, message, sizeof(message), 0);
	if (n < 0 && errno == ECONNREFUSED && question->tcp == NULL) {
		finish(question, QUESTION_UNANSWERED, "no answer: connection refused");
		return;
	}
	if (n <= 0 || question->tcp != NULL ||
		ldns_wire2pkt(&answer, message, (size_t)n) != LDNS_STATUS_OK ||
		!is_ours(question, answer))
		wait_on(question);
	else if (ldns_pkt_tc(answer))
		ask_over_tcp(question);
	else
		judge(question, answer);
	ldns_pkt_free(answer);
}

/* False where a record is none that ldns knows. */
static bool add_expected(struct question *question, const struct question_about *about)
{
	ldns_rdf *root = ldns_dname_new_frm_str(".");
	bool is_good = root != NULL;

	for (size_t i = 0; is_good && i < json_array_size(about->records); i++) {
		const json_t *record = json_array_get(about->records, i);
		const char *content = json_string_value(json_object_get(record, "content"));
		json_int_t ttl = json_integer_value(json_object_get(record, "ttl"));
		ldns_rr *rr = NULL;
		char *line = NULL;
		is_good = content != NULL &&
			  asprintf(&line, "%s. %" JSON_INTEGER_FORMAT " IN %s %s", about->name, ttl,
				  about->type, content) > 0 &&
			  ldns_rr_new_frm_str(&rr, line, 0, root, NULL) == LDNS_STATUS_OK &&
			  ldns_rr_list_push_rr(question->expected, rr);
		free(line);
	}
	ldns_rdf_deep_free(root);
	return is_good;
}

static bool make_message(struct question *question)
{
	ldns_pkt *query = ldns_pkt_query_new(
		ldns_rdf_clone(question->name), question->type, LDNS_RR_CLASS_IN, 0);

	if (query == NULL)
		return false;
	ldns_pkt_set_random_id(query);
	ldns_pkt_set_edns_udp_size(query, UDP_SIZE);
	question->id = ldns_pkt_id(query);
	bool is_good = ldns_pkt2buffer_wire(question->wire, query) == LDNS_STATUS_OK;
	ldns_pkt_free(query);
	return is_good;
}

static bool set_address(struct question *question, const char *server, int port)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

	if (inet_pton(AF_INET, server, &in4.sin_addr) == 1) {
		memcpy(&question->address, &in4, sizeof(in4));
		question->address_len = sizeof(in4);
		return true;
	}
	memcpy(&question->address, &in6, sizeof(in6));
	question->address_len = sizeof(in6);
	return inet_pton(AF_INET6, server,
		       &((struct sockaddr_in6 *)&question->address)->sin6_addr) == 1;
}

static bool open_udp(struct question *question)
{
	question->fd =
		socket(question->address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (question->fd < 0 || connect(question->fd, (struct sockaddr *)&question->address,
					question->address_len) < 0)
		return false;
	question->event = event_new(question->base, question->fd, EV_READ, on_event, question);
	return question->event != NULL;
}

struct question *question_new(struct event_base *base, const struct question_about *about,
	question_fn fn, void *arg, const char **why)
{
	struct question *question = calloc(1, sizeof(*question));

	*why = "out of memory";
	if (question == NULL)
		return NULL;
	*question = (struct question){
		.base = base,
		.fd = -1,
		.wire = ldns_buffer_new(LDNS_MIN_BUFLEN),
		.expected = ldns_rr_list_new(),
		.name = ldns_dname_new_frm_str(about->name),
		.type = ldns_get_rr_type_by_name(about->type),
		.fn = fn,
		.arg = arg,
	};
	if (question->wire == NULL || question->expected == NULL || question->name == NULL ||
		!add_expected(question, about) || !make_message(question)) {
		*why = "it cannot be asked for";
		question_free(question);
		return NULL;
	}
	if (!set_address(question, about->server, about->port) || !open_udp(question)) {
		*why = "no way to the server";
		question_free(question);
		return NULL;
	}
	send_out(question);
	return question;
}
