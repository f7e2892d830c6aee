#include "serve/web.h"

#include "base/clock.h"
#include "http/address.h"
#include "http/http.h"
#include "http/reply.h"
#include "protocol/protocol.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One for each thread of PowerDNS, and of some that come and go. */
#define CONNECTIONS_MAX 256
/* For a request to arrive, and for a reply to be taken. */
#define STALL_MS 60000
/* PowerDNS connects again where it finds a connection closed. */
#define IDLE_MS 3600000
/* The form of post=1 writes an octet as up to three. */
#define FORM_FACTOR 3
#define METHOD_MAX  64

struct peer {
	struct peer *next, **at; /* in web->peers */
	struct web *web;
	struct evhttp_connection *connection;
	struct evhttp_request *request; /* in hand; NULL: none */
	struct exchange exchange;
	char name[64];
};

struct web {
	struct exchanges *all;
	struct http *http;
	struct peer *peers; /* list of all */
	size_t max_request;
};

/* ---- peers ---- */

static void peer_free(struct peer *peer)
{
	*peer->at = peer->next;
	if (peer->next != NULL)
		peer->next->at = peer->at;
	exchange_fini(&peer->exchange);
	free(peer);
}

static void on_gone(struct evhttp_connection *connection, void *arg)
{
	struct peer *peer = arg;
	struct evhttp_request *request = peer->request;

	evhttp_connection_set_closecb(connection, NULL, NULL);
	peer_free(peer);
	if (request != NULL)
		http_abandon(request);
}

static void reply_begin(struct peer *peer);

static void on_reply(void *arg)
{
	reply_begin(arg);
}

static struct peer *peer_new(struct web *web, struct evhttp_connection *connection)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	char *address;
	ev_uint16_t port;

	if (peer == NULL)
		return NULL;
	evhttp_connection_get_peer(connection, &address, &port);
	(void)snprintf(peer->name, sizeof(peer->name), "%s port %u", address, port);
	peer->web = web;
	peer->connection = connection;
	peer->at = &web->peers;
	peer->next = web->peers;
	if (peer->next != NULL)
		peer->next->at = &peer->next;
	web->peers = peer;
	if (!exchange_init(&peer->exchange, web->all, peer->name, on_reply, peer)) {
		peer_free(peer);
		return NULL;
	}
	evhttp_connection_set_closecb(connection, on_gone, peer);
	return peer;
}

static struct peer *peer_of(struct web *web, struct evhttp_connection *connection)
{
	for (struct peer *peer = web->peers; peer != NULL; peer = peer->next)
		if (peer->connection == connection)
			return peer;
	return peer_new(web, connection);
}

/* ---- replies ---- */

static void add_header(struct evhttp_request *request, const char *name, const char *value)
{
	(void)evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

/* The request is evhttp's again. */
static struct evhttp_request *peer_release(struct peer *peer)
{
	struct evhttp_request *request = peer->request;

	peer->request = NULL;
	return request;
}

/* A whole reply is in out. */
static void reply_whole(struct peer *peer)
{
	struct evhttp_request *request = peer_release(peer);
	struct exchange *exchange = &peer->exchange;

	if (exchange->is_last)
		add_header(request, "Connection", "close");
	reply_send(request, exchange->is_last ? HTTP_BADREQUEST : HTTP_OK, "application/json",
		&exchange->out);
	(void)exchange_sent(exchange);
}

/* The peer must not take what it has for the whole: the chunk that would say so does not come. */
static void reply_break(struct peer *peer)
{
	evhttp_connection_free(peer->connection); /* on_gone */
}

/* A part is in out, and on its way to a peer that has taken the one before. */
static void on_part_sent(struct evhttp_connection *connection, void *arg);

static void part_send(struct peer *peer)
{
	const struct buf *out = &peer->exchange.out;
	struct evbuffer *chunk = evbuffer_new();

	if (chunk == NULL || evbuffer_add(chunk, out->data, out->len) < 0)
		reply_break(peer);
	else
		evhttp_send_reply_chunk_with_cb(peer->request, chunk, on_part_sent, peer);
	if (chunk != NULL)
		evbuffer_free(chunk);
}

static void on_part_sent(struct evhttp_connection *connection, void *arg)
{
	struct peer *peer = arg;
	int more = exchange_sent(&peer->exchange);

	(void)connection;
	if (more == 1)
		part_send(peer);
	else if (more == 0)
		evhttp_send_reply_end(peer_release(peer));
	else
		reply_break(peer);
}

static void reply_begin(struct peer *peer)
{
	if (peer->exchange.listing == NULL) {
		reply_whole(peer);
		return;
	}
	add_header(peer->request, "Content-Type", "application/json");
	evhttp_send_reply_start(peer->request, HTTP_OK, NULL);
	part_send(peer);
}

/* ---- requests ---- */

/* post=1: the method is the last part of the path, in front of a suffix that may have been set. */
static bool method_of(const char *path, char *method, size_t size)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

	if (len == 0 || len >= size || (name[len] != '\0' && name[len] != '.'))
		return false;
	memcpy(method, name, len);
	method[len] = '\0';
	return true;
}

/* Makes of "parameters=…" what post_json=1 would have sent. body ends with a zero. */
static bool form_to_json(const char *path, const char *body, struct buf *json)
{
	char method[METHOD_MAX];
	struct evkeyvalq form;
	const char *parameters;

	if (!method_of(path, method, sizeof(method)) || evhttp_parse_query_str(body, &form) < 0)
		return false;
	parameters = evhttp_find_header(&form, "parameters");
	if (parameters != NULL)
		buf_printf(json, "{\"method\":\"%s\",\"parameters\":%s}", method, parameters);
	evhttp_clear_headers(&form);
	return parameters != NULL;
}

static bool is_form(struct evhttp_request *request)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *type =
		evhttp_find_header(evhttp_request_get_input_headers(request), "Content-Type");

	return type != NULL && evutil_ascii_strncasecmp(type, form, sizeof(form) - 1) == 0;
}

/* The request as JSON; false when it is none. */
static bool request_json(struct evhttp_request *request, struct buf *json)
{
	struct evbuffer *input = evhttp_request_get_input_buffer(request);
	size_t len = evbuffer_get_length(input);
	struct buf body;

	buf_init(&body);
	char *room = buf_reserve(&body, len + 1);
	if (room == NULL || evbuffer_remove(input, room, len) != (int)len) {
		buf_fini(&body);
		json->failed = true;
		return true;
	}
	room[len] = '\0';
	bool is_well = true;
	if (!is_form(request))
		buf_add(json, room, len);
	else
		is_well = memchr(room, '\0', len) == NULL &&
			  form_to_json(request_path(request), room, json);
	explicit_bzero(room, len);
	buf_fini(&body);
	return is_well;
}

static void peer_ask(struct peer *peer, struct evhttp_request *request)
{
	uint64_t began_ns = clock_ns();
	struct buf json;
	bool is_now = true;

	peer->request = request;
	buf_init(&json);
	if (!request_json(request, &json))
		exchange_refuse(&peer->exchange, "request refused: it is not as of post=1");
	else if (buf_failed(&json))
		exchange_refuse(&peer->exchange, "request refused: no memory for it");
	else if (json.len > peer->web->max_request)
		exchange_refuse(&peer->exchange, "request refused: it is over the size limit");
	else
		is_now = exchange_answer(&peer->exchange, json.data, json.len);
	if (json.len > 0)
		explicit_bzero(json.data, json.len);
	buf_fini(&json);
	if (!is_now)
		return;
	reply_begin(peer);
	histogram_add(&peer->web->all->numbers.answering, clock_ns() - began_ns, 1);
}

static void on_request(void *arg, struct evhttp_request *request)
{
	struct web *web = arg;
	struct evkeyvalq *headers = evhttp_request_get_input_headers(request);

	if (evhttp_request_get_command(request) != EVHTTP_REQ_POST) {
		reply_not_allowed(request, "POST");
		return;
	}
	/* What a page in somebody's browser on this host may send. */
	if (evhttp_find_header(headers, "Origin") != NULL) {
		reply_error(request, 403, "not for browsers");
		return;
	}
	struct peer *peer = peer_of(web, evhttp_request_get_connection(request));
	if (peer == NULL)
		reply_error(request, HTTP_INTERNAL, "out of memory");
	else
		peer_ask(peer, request);
}

/* ---- the whole ---- */

static bool is_loopback(const struct sockaddr_storage *storage)
{
	if (storage->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)storage)->sin6_addr);
	return ntohl(((const struct sockaddr_in *)storage)->sin_addr.s_addr) >> 24 == 127;
}

const char *web_check_listen(const struct option_list *listen)
{
	struct address address;

	for (size_t i = 0; i < listen->n; i++) {
		if (!address_parse(listen->items[i], &address))
			return "it is ADDRESS:PORT, with a number for each";
		if (!is_loopback(&address.storage))
			return "it has to be a loopback address: nobody is asked who he is";
	}
	return NULL;
}

struct web *web_new(struct exchanges *all, const struct option_list *listen, size_t max_request,
	char *error, size_t size)
{
	struct http_settings settings = {
		.listen = listen,
		.max_body = FORM_FACTOR * max_request,
		.max_connections = CONNECTIONS_MAX,
		.timeout_ms = STALL_MS,
		.idle_ms = IDLE_MS,
	};
	struct web *web = calloc(1, sizeof(*web));

	if (web == NULL) {
		(void)snprintf(error, size, "out of memory");
		return NULL;
	}
	web->all = all;
	web->max_request = max_request;
	web->http = http_new(all->base, &settings, on_request, web, error, size);
	if (web->http == NULL) {
		free(web);
		return NULL;
	}
	return web;
}

void web_free(struct web *web)
{
	if (web == NULL)
		return;
	struct peer *next;
	/* Requests go with their connections. */
	for (struct peer *peer = web->peers; peer != NULL; peer = next) {
		next = peer->next;
		evhttp_connection_set_closecb(peer->connection, NULL, NULL);
		peer_free(peer);
	}
	http_free(web->http);
	free(web);
}

void web_drain(struct web *web)
{
	http_drain(web->http);
}

bool web_is_drained(const struct web *web)
{
	return http_is_drained(web->http);
}

unsigned web_connections(const struct web *web)
{
	struct http_status status;

	http_get_status(web->http, &status);
	return status.connections;
}
