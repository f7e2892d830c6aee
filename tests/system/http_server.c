/*
 * http_server: a server over src/http for tests/system/http.t.
 *
 *   http_server MAX_CONNECTIONS TIMEOUT_MS IDLE_MS CERT|- LISTEN...
 *
 * /ping, /echo (the body's length), /later?ms=N, /chunks?n=N (64 KiB each), /query?…, /status.
 * SIGHUP reads the certificate again, SIGTERM drains.
 */
#include "base/clock.h"
#include "http/http.h"
#include "http/reply.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define CHUNK 65536

static struct event_base *base;
static struct http *http;
static struct http_settings settings;

static void reply_text(struct evhttp_request *request, int status, const char *text)
{
	struct buf body;

	buf_init(&body);
	buf_add_str(&body, text);
	reply_send(request, status, "text/plain; charset=utf-8", &body);
	buf_fini(&body);
}

static long number(struct evhttp_request *request, const char *name)
{
	struct evkeyvalq query;
	long value = 0;

	if (request_query(request, &query)) {
		const char *text = evhttp_find_header(&query, name);
		value = text == NULL ? 0 : strtol(text, NULL, 10);
		evhttp_clear_headers(&query);
	}
	return value;
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	reply_text(arg, 200, "later\n");
}

static void route_later(struct evhttp_request *request)
{
	struct timeval when = clock_timeval(number(request, "ms"));

	(void)event_base_once(base, -1, EV_TIMEOUT, on_later, request, &when);
}

struct chunks {
	struct evhttp_request *request;
	long left;
};

static void on_chunks_gone(struct evhttp_connection *connection, void *arg)
{
	struct chunks *chunks = arg;

	(void)connection;
	(void)fprintf(stderr, "gone with %ld chunks left\n", chunks->left);
	http_abandon(chunks->request);
	free(chunks);
}

static void chunks_step(struct evhttp_connection *connection, void *arg)
{
	struct chunks *chunks = arg;
	static char octets[CHUNK];

	if (chunks->left-- == 0) {
		evhttp_connection_set_closecb(connection, NULL, NULL);
		evhttp_send_reply_end(chunks->request);
		free(chunks);
		return;
	}
	struct evbuffer *chunk = evbuffer_new();
	(void)evbuffer_add(chunk, octets, sizeof(octets));
	evhttp_send_reply_chunk_with_cb(chunks->request, chunk, chunks_step, chunks);
	evbuffer_free(chunk);
}

static void route_chunks(struct evhttp_request *request)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	struct chunks *chunks = calloc(1, sizeof(*chunks));

	chunks->request = request;
	chunks->left = number(request, "n");
	evhttp_connection_set_closecb(connection, on_chunks_gone, chunks);
	evhttp_send_reply_start(request, 200, "OK");
	chunks_step(connection, chunks);
}

static void route_echo(struct evhttp_request *request)
{
	char text[32];

	if (evhttp_request_get_command(request) != EVHTTP_REQ_POST) {
		reply_not_allowed(request, "POST");
		return;
	}
	(void)snprintf(text, sizeof(text), "%zu\n",
		evbuffer_get_length(evhttp_request_get_input_buffer(request)));
	reply_text(request, 200, text);
}

static void route_query(struct evhttp_request *request)
{
	struct evkeyvalq query;
	struct buf body;

	if (!request_query(request, &query)) {
		reply_error(request, 400, "the query is not \"name=value&…\"");
		return;
	}
	buf_init(&body);
	for (struct evkeyval *item = query.tqh_first; item != NULL; item = item->next.tqe_next)
		buf_printf(&body, "%s is <%s>\n", item->key, item->value);
	reply_send(request, 200, "text/plain", &body);
	buf_fini(&body);
	evhttp_clear_headers(&query);
}

static void route_status(struct evhttp_request *request)
{
	struct http_status status;
	char text[256];

	http_get_status(http, &status);
	(void)snprintf(text, sizeof(text),
		"connections %u\naccepted %" PRIu64 "\nrefused %" PRIu64 "\ntimed_out %" PRIu64
		"\nrequests %" PRIu64 "\n",
		status.connections, status.accepted, status.refused, status.timed_out,
		status.requests);
	reply_text(request, 200, text);
}

static const struct {
	const char *path;
	void (*fn)(struct evhttp_request *request);
} routes[] = {
	{"/echo", route_echo},
	{"/later", route_later},
	{"/chunks", route_chunks},
	{"/query", route_query},
	{"/status", route_status},
};

static void on_request(void *arg, struct evhttp_request *request)
{
	const char *path = request_path(request);

	(void)arg;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(path, routes[i].path) == 0) {
			routes[i].fn(request);
			return;
		}
	}
	if (strcmp(path, "/ping") == 0)
		reply_text(request, 200, "pong\n");
	else
		reply_error(request, 404, "there is nothing at this address");
}

static void on_reload(evutil_socket_t signal, short what, void *arg)
{
	char error[512];

	(void)signal;
	(void)what;
	(void)arg;
	if (http_set_tls(http, &settings.tls, error, sizeof(error)) < 0)
		(void)fprintf(stderr, "reload refused: %s\n", error);
	else
		(void)fprintf(stderr, "reloaded\n");
}

static void on_drained(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (http_is_drained(http))
		(void)event_base_loopbreak(base);
}

static void on_stop(evutil_socket_t signal, short what, void *arg)
{
	struct timeval often = clock_timeval(5);

	(void)signal;
	(void)what;
	http_drain(http);
	(void)event_add(arg, &often);
}

int main(int argc, char **argv)
{
	struct option_list listen;
	char error[512];

	if (argc < 6)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	listen.items = argv + 5;
	listen.n = (size_t)argc - 5;
	settings.listen = &listen;
	settings.max_body = 100000;
	settings.max_connections = (unsigned)strtoul(argv[1], NULL, 10);
	settings.timeout_ms = strtol(argv[2], NULL, 10);
	settings.idle_ms = strtol(argv[3], NULL, 10);
	settings.tls.cert = strcmp(argv[4], "-") == 0 ? NULL : argv[4];
	base = event_base_new();
	http = http_new(base, &settings, on_request, NULL, error, sizeof(error));
	if (http == NULL) {
		(void)fprintf(stderr, "%s\n", error);
		event_base_free(base);
		return 1;
	}
	struct event *drained = event_new(base, -1, EV_PERSIST, on_drained, NULL);
	struct event *stop = evsignal_new(base, SIGTERM, on_stop, drained);
	struct event *reload = evsignal_new(base, SIGHUP, on_reload, NULL);
	(void)event_add(stop, NULL);
	(void)event_add(reload, NULL);
	(void)event_base_dispatch(base);
	http_free(http);
	event_free(stop);
	event_free(reload);
	event_free(drained);
	event_base_free(base);
	return 0;
}
