#include "http/http.h"

#include "base/clock.h"
#include "http/address.h"
#include "http/tls.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Between looks at who has gone or stalls. */
#define TICK_MS 500
/* What is read beyond headers and body before more is taken from the socket. */
#define READ_MORE 16384
/* Connections over the limit that wait to be closed; then no more are accepted for a tick. */
#define REFUSED_MAX 64
#define METHODS                                                                                    \
	(EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | \
		EVHTTP_REQ_PATCH | EVHTTP_REQ_OPTIONS)

/* evhttp tells nobody when it accepts or closes a connection, but asks for the bufferevent of a new
 * one. A reference to that is kept here: evhttp has freed it when its callbacks are gone. */
struct conn {
	struct conn *next, **at; /* in http->conns */
	struct http *http;
	struct bufferevent *bev;
	int64_t since_ms; /* the first octet of the request, or the end of the last reply */
	bool is_idle;	  /* between requests */
	bool is_busy;	  /* the owner has a request of it */
	bool is_refused;
	bool is_over; /* evhttp has freed it */
};

struct http {
	struct event_base *base;
	struct evhttp *evhttp;
	http_request_fn fn;
	void (*on_too_long)(void *arg, const char *peer);
	void *arg;
	SSL_CTX *ctx; /* NULL: no TLS */
	size_t max_read;
	unsigned max_connections;
	long timeout_ms;
	long idle_ms;
	struct conn *conns;  /* list of all */
	struct conn **by_fd; /* those that have sent something */
	size_t n_by_fd;
	struct event *tick;
	struct conn *spare; /* for the next connection; NULL: memory ran out, none is taken */
	struct evhttp_bound_socket **bound;
	size_t n_bound;
	bool is_draining;
	struct http_status status;
};

/* ---- connections ---- */

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg);
static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg);

static void conn_free(struct conn *conn)
{
	evutil_socket_t fd = bufferevent_getfd(conn->bev);
	struct http *http = conn->http;

	if (fd >= 0 && (size_t)fd < http->n_by_fd && http->by_fd[fd] == conn)
		http->by_fd[fd] = NULL;
	*conn->at = conn->next;
	if (conn->next != NULL)
		conn->next->at = conn->at;
	http->status.connections--;
	(void)evbuffer_remove_cb(bufferevent_get_input(conn->bev), on_input, conn);
	(void)evbuffer_remove_cb(bufferevent_get_output(conn->bev), on_output, conn);
	(void)bufferevent_decref(conn->bev);
	free(conn);
}

static bool conn_is_over(const struct conn *conn)
{
	bufferevent_event_cb event;

	bufferevent_getcb(conn->bev, NULL, NULL, &event, NULL);
	return event == NULL;
}

/* evhttp sees the end of the connection, and closes it. */
static void conn_shut(const struct conn *conn)
{
	evutil_socket_t fd = bufferevent_getfd(conn->bev);

	if (fd >= 0)
		(void)shutdown(fd, SHUT_RDWR);
}

/* Grows to hold fd. */
static bool by_fd_reserve(struct http *http, size_t fd)
{
	size_t n = http->n_by_fd == 0 ? 64 : http->n_by_fd;

	if (fd < http->n_by_fd)
		return true;
	while (n <= fd)
		n *= 2;
	struct conn **by_fd = realloc(http->by_fd, n * sizeof(struct conn *));
	if (by_fd == NULL)
		return false;
	memset(by_fd + http->n_by_fd, 0, (n - http->n_by_fd) * sizeof(struct conn *));
	http->by_fd = by_fd;
	http->n_by_fd = n;
	return true;
}

/* A connection that cannot be registered would have no bounds. */
static void conn_register(struct conn *conn)
{
	evutil_socket_t fd = bufferevent_getfd(conn->bev);
	int yes = 1;

	if (fd < 0 || !by_fd_reserve(conn->http, (size_t)fd)) {
		conn_shut(conn);
		return;
	}
	if (conn->http->by_fd[fd] == conn)
		return;
	conn->http->by_fd[fd] = conn;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
	struct conn *conn = arg;

	(void)input;
	if (info->n_added == 0)
		return;
	conn_register(conn);
	if (conn->is_idle) {
		conn->is_idle = false;
		conn->since_ms = clock_ms();
	}
}

static void tell_too_long(const struct conn *conn)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	char host[NI_MAXHOST] = "";

	if (getpeername(bufferevent_getfd(conn->bev), (struct sockaddr *)&address, &len) == 0)
		(void)getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), NULL, 0,
			NI_NUMERICHOST);
	conn->http->on_too_long(conn->http->arg, host[0] == '\0' ? NULL : host);
}

/* The octets from there on, in however many pieces they lie; false where there are not so many.
 * evbuffer_copyout refuses: bufferevents freeze the front of what they send. */
static bool peek(struct evbuffer *buffer, size_t from, char *octets, size_t len)
{
	struct evbuffer_iovec parts[16];
	struct evbuffer_ptr start;
	size_t got = 0;

	if (evbuffer_ptr_set(buffer, &start, from, EVBUFFER_PTR_SET) < 0)
		return false;
	int n = evbuffer_peek(buffer, (ev_ssize_t)len, &start, parts, 16);
	for (int i = 0; i < n && i < 16 && got < len; i++) {
		size_t part = parts[i].iov_len < len - got ? parts[i].iov_len : len - got;
		memcpy(octets + got, parts[i].iov_base, part);
		got += part;
	}
	return got == len;
}

/* evhttp answers a body that is too long by itself, and up to 2.1 calls nobody: what it writes
 * while the owner has no request begins with the status line. */
static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg)
{
	const struct conn *conn = arg;
	char line[sizeof("HTTP/1.1 413 ") - 1];

	if (conn->is_busy || conn->http->on_too_long == NULL)
		return;
	if (peek(output, info->orig_size, line, sizeof(line)) && memcmp(line, "HTTP/", 5) == 0 &&
		memcmp(line + 8, " 413 ", 5) == 0)
		tell_too_long(conn);
}

static struct conn *conn_of(const struct http *http, struct evhttp_request *request)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	evutil_socket_t fd = bufferevent_getfd(evhttp_connection_get_bufferevent(connection));

	return fd >= 0 && (size_t)fd < http->n_by_fd ? http->by_fd[fd] : NULL;
}

/* Frees what is over; what has ended only now stays for a tick, so that its peer can read the
 * last reply even if it has sent more than was read. */
static void sweep(struct http *http, bool at_once)
{
	struct conn *next;

	for (struct conn *conn = http->conns; conn != NULL; conn = next) {
		bool was_over = conn->is_over;
		next = conn->next;
		conn->is_over = conn_is_over(conn);
		if (conn->is_over && (was_over || at_once))
			conn_free(conn);
	}
}

static void check_stalled(struct http *http)
{
	int64_t now = clock_ms();

	for (struct conn *conn = http->conns; conn != NULL; conn = conn->next) {
		long limit = conn->is_idle ? http->idle_ms : http->timeout_ms;
		if (conn->is_over || conn->is_busy)
			continue;
		if (conn->is_refused || (conn->is_idle && http->is_draining)) {
			conn_shut(conn);
		} else if (now - conn->since_ms >= limit) {
			http->status.timed_out += !conn->is_idle;
			conn_shut(conn);
		}
	}
}

/* ---- accepting ---- */

static void conn_add(struct http *http, struct conn *conn)
{
	conn->since_ms = clock_ms();
	conn->at = &http->conns;
	conn->next = http->conns;
	if (conn->next != NULL)
		conn->next->at = &conn->next;
	http->conns = conn;
	http->status.connections++;
}

static struct bufferevent *make_bufferevent(const struct http *http)
{
	const int options = BEV_OPT_CLOSE_ON_FREE;
	SSL *ssl;

	if (http->ctx == NULL)
		return bufferevent_socket_new(http->base, -1, options);
	ssl = SSL_new(http->ctx);
	if (ssl == NULL)
		return NULL;
	struct bufferevent *bev = bufferevent_openssl_socket_new(
		http->base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, options);
	if (bev != NULL)
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

static struct conn *conn_new(struct http *http)
{
	struct timeval stall = clock_timeval(http->timeout_ms);
	struct conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL)
		return NULL;
	conn->http = http;
	conn->bev = make_bufferevent(http);
	if (conn->bev == NULL ||
		evbuffer_add_cb(bufferevent_get_input(conn->bev), on_input, conn) == NULL ||
		evbuffer_add_cb(bufferevent_get_output(conn->bev), on_output, conn) == NULL) {
		if (conn->bev != NULL)
			bufferevent_free(conn->bev);
		free(conn);
		return NULL;
	}
	/* evhttp leaves reading on while it writes. */
	bufferevent_setwatermark(conn->bev, EV_READ, 0, http->max_read);
	(void)bufferevent_set_timeouts(conn->bev, NULL, &stall);
	return conn;
}

static void drop_spare(struct http *http)
{
	if (http->spare == NULL)
		return;
	bufferevent_free(http->spare->bev);
	free(http->spare);
	http->spare = NULL;
}

static void pause_accepting(struct http *http)
{
	for (size_t i = 0; i < http->n_bound; i++)
		(void)evconnlistener_disable(evhttp_bound_socket_get_listener(http->bound[i]));
}

static void go_on_accepting(struct http *http)
{
	if (http->spare == NULL)
		http->spare = conn_new(http);
	if (http->spare == NULL || http->status.connections >= http->max_connections + REFUSED_MAX)
		return;
	for (size_t i = 0; i < http->n_bound; i++)
		(void)evconnlistener_enable(evhttp_bound_socket_get_listener(http->bound[i]));
}

/* Out of descriptors: the next tick tries again. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	(void)arg; /* evhttp's */
	(void)evconnlistener_disable(listener);
}

/* evhttp has accepted a connection, and asks what to use for it. */
static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
	struct http *http = arg;
	struct conn *conn = http->spare;

	(void)base;
	if (http->status.connections >= http->max_connections)
		sweep(http, true);
	conn->is_refused = http->status.connections >= http->max_connections;
	if (conn->is_refused) {
		http->status.refused++;
		event_active(http->tick, EV_TIMEOUT, 0);
	} else {
		http->status.accepted++;
	}
	conn_add(http, conn);
	bufferevent_incref(conn->bev);
	/* evhttp would take something unbounded and without TLS where it got nothing. */
	http->spare = conn_new(http);
	if (http->spare == NULL || http->status.connections >= http->max_connections + REFUSED_MAX)
		pause_accepting(http);
	return conn->bev;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct http *http = arg;

	(void)fd;
	(void)what;
	sweep(http, http->status.connections >= http->max_connections);
	check_stalled(http);
	go_on_accepting(http);
}

/* ---- requests ---- */

static void on_complete(struct evhttp_request *request, void *arg)
{
	struct conn *conn = arg;

	(void)request;
	conn->is_busy = false;
	conn->is_idle = evbuffer_get_length(bufferevent_get_input(conn->bev)) == 0;
	conn->since_ms = clock_ms();
}

static void on_request(struct evhttp_request *request, void *arg)
{
	struct http *http = arg;
	struct conn *conn = conn_of(http, request);

	if (conn == NULL || conn->is_refused) {
		evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
		return;
	}
	http->status.requests++;
	conn->is_busy = true;
	evhttp_request_set_on_complete_cb(request, on_complete, conn);
	if (http->is_draining)
		(void)evhttp_add_header(
			evhttp_request_get_output_headers(request), "Connection", "close");
	http->fn(http->arg, request);
}

void http_abandon(struct evhttp_request *request)
{
	/* One that is still with its connection is freed with it. */
	if (evhttp_request_get_connection(request) == NULL)
		evhttp_request_free(request);
}

/* ---- the whole ---- */

static bool listen_on(struct http *http, const char *text, char *error, size_t size)
{
	int fd = address_listen(text, error, size);

	if (fd < 0)
		return false;
	struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(http->evhttp, fd);
	if (bound == NULL) {
		(void)snprintf(error, size, "could not listen on \"%s\": out of memory", text);
		(void)close(fd);
		return false;
	}
	evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(bound), on_accept_error);
	http->bound[http->n_bound++] = bound;
	return true;
}

static bool make_parts(struct http *http, const struct http_settings *settings)
{
	struct timeval tick = clock_timeval(TICK_MS);

	http->evhttp = evhttp_new(http->base);
	http->tick = event_new(http->base, -1, EV_PERSIST, on_tick, http);
	http->bound = calloc(settings->listen->n, sizeof(struct evhttp_bound_socket *));
	http->spare = conn_new(http);
	if (http->evhttp == NULL || http->tick == NULL || http->bound == NULL ||
		http->spare == NULL || event_add(http->tick, &tick) < 0)
		return false;
	evhttp_set_bevcb(http->evhttp, on_accept, http);
	evhttp_set_gencb(http->evhttp, on_request, http);
	evhttp_set_max_headers_size(http->evhttp, HTTP_HEADERS_MAX);
	evhttp_set_max_body_size(http->evhttp, (ev_ssize_t)settings->max_body);
	evhttp_set_allowed_methods(http->evhttp, METHODS);
	return true;
}

struct http *http_new(struct event_base *base, const struct http_settings *settings,
	http_request_fn fn, void *arg, char *error, size_t size)
{
	struct http *http = calloc(1, sizeof(*http));

	if (http == NULL) {
		(void)snprintf(error, size, "out of memory");
		return NULL;
	}
	http->base = base;
	http->fn = fn;
	http->on_too_long = settings->on_too_long;
	http->arg = arg;
	http->max_read = HTTP_HEADERS_MAX + settings->max_body + READ_MORE;
	http->max_connections = settings->max_connections;
	http->timeout_ms = settings->timeout_ms;
	http->idle_ms = settings->idle_ms;
	if (settings->tls.cert != NULL && http_set_tls(http, &settings->tls, error, size) < 0)
		goto fail;
	(void)snprintf(error, size, "out of memory");
	if (!make_parts(http, settings))
		goto fail;
	for (size_t i = 0; i < settings->listen->n; i++)
		if (!listen_on(http, settings->listen->items[i], error, size))
			goto fail;
	return http;
fail:
	http_free(http);
	return NULL;
}

void http_free(struct http *http)
{
	if (http == NULL)
		return;
	if (http->evhttp != NULL)
		evhttp_free(http->evhttp);
	sweep(http, true);
	drop_spare(http);
	if (http->tick != NULL)
		event_free(http->tick);
	SSL_CTX_free(http->ctx);
	free(http->bound);
	free(http->by_fd);
	free(http);
}

int http_set_tls(struct http *http, const struct http_tls *tls, char *error, size_t size)
{
	SSL_CTX *ctx = tls_load(tls, error, size);

	if (ctx == NULL)
		return -1;
	SSL_CTX_free(http->ctx); /* connections have their own references */
	http->ctx = ctx;
	drop_spare(http); /* it has the old one */
	if (http->evhttp != NULL)
		go_on_accepting(http);
	return 0;
}

/* Those that evhttp has freed wait only for the sweep. */
static unsigned connections_open(const struct http *http)
{
	unsigned n = 0;

	for (const struct conn *conn = http->conns; conn != NULL; conn = conn->next)
		n += !conn_is_over(conn);
	return n;
}

void http_drain(struct http *http)
{
	if (http == NULL)
		return;
	http->is_draining = true;
	for (size_t i = 0; i < http->n_bound; i++)
		evhttp_del_accept_socket(http->evhttp, http->bound[i]);
	http->n_bound = 0;
	check_stalled(http);
}

bool http_is_drained(const struct http *http)
{
	return http == NULL || connections_open(http) == 0;
}

void http_get_status(const struct http *http, struct http_status *status)
{
	*status = http->status;
	status->connections = connections_open(http);
}
