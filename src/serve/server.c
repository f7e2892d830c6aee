#include "serve/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "pg/events.h"
#include "serve/conn.h"
#include "serve/web.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections that are accepted in one turn. */
#define TURN_ACCEPTS 64
/* A listing of no more than so many items is answered in one turn. */
#define LISTING_FIRST 500
/* When the process is out of descriptors. */
#define ACCEPT_PAUSE_MS 100

struct server {
	struct conn_shared shared;
	struct web *web; /* NULL: no HTTP */
	struct event *accepting;
	struct event *pause;
};

static bool peer_is_allowed(const struct server_settings *settings, uid_t uid)
{
	for (size_t i = 0; i < settings->n_allowed; i++)
		if (settings->allowed[i] == uid)
			return true;
	return settings->n_allowed == 0;
}

static void refuse(struct server *server, int fd, const char *peer, const char *why)
{
	struct log_about about = {.peer = peer};

	server->shared.all.status.refused++;
	if (exchange_log_is_allowed(&server->shared.all))
		log_line(LOG_LEVEL_WARNING, &about, "connection refused: %s", why);
	(void)close(fd);
}

static void take(struct server *server, int fd)
{
	struct ucred peer = {.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
	socklen_t size = sizeof(peer);
	char text[64];

	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
	(void)snprintf(text, sizeof(text), "pid %ld uid %ld", (long)peer.pid, (long)peer.uid);
	if (!peer_is_allowed(&server->shared.settings, peer.uid)) {
		refuse(server, fd, text, "its user is not allowed");
		return;
	}
	if (server->shared.all.status.connections >= server->shared.settings.max_connections) {
		refuse(server, fd, text, "there are too many");
		return;
	}
	server->shared.all.status.accepted++;
	if (conn_new(&server->shared, fd, text) == NULL)
		log_error("connection refused: out of memory");
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;

	(void)what;
	for (int i = 0; i < TURN_ACCEPTS; i++) {
		int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (peer >= 0) {
			take(server, peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			struct timeval pause = clock_timeval(ACCEPT_PAUSE_MS);
			log_error("could not accept a connection: %s", strerror(errno));
			(void)event_del(server->accepting);
			(void)evtimer_add(server->pause, &pause);
		}
		return;
	}
}

static void on_pause(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;

	(void)fd;
	(void)what;
	(void)event_add(server->accepting, NULL);
}

struct server *server_new(struct event_base *base, const struct server_settings *settings,
	int listen_fd, const struct server_writers *writers)
{
	struct server *server = calloc(1, sizeof(*server));

	if (server == NULL)
		return NULL;
	server->shared.all.base = base;
	server->shared.settings = *settings;
	server->shared.all.writer = writers->writer;
	server->shared.all.transactions = writers->transactions;
	server->shared.all.protocol.listing_first = LISTING_FIRST;
	server->accepting = event_new(base, listen_fd, EV_READ | EV_PERSIST, on_accept, server);
	server->pause = evtimer_new(base, on_pause, server);
	if (!batch_init(&server->shared.batch, base, &server->shared.all.protocol,
		    &server->shared.all.numbers.answering) ||
		server->accepting == NULL || server->pause == NULL ||
		event_add(server->accepting, NULL) < 0) {
		server_free(server);
		return NULL;
	}
	return server;
}

int server_listen_http(
	struct server *server, const struct option_list *listen, char *error, size_t size)
{
	server->web = web_new(
		&server->shared.all, listen, server->shared.settings.max_request, error, size);
	return server->web == NULL ? -1 : 0;
}

void server_free(struct server *server)
{
	if (server == NULL)
		return;
	while (server->shared.conns != NULL)
		conn_free(server->shared.conns);
	web_free(server->web);
	batch_fini(&server->shared.batch);
	event_drop(server->accepting);
	event_drop(server->pause);
	free(server);
}

struct protocol *server_protocol(struct server *server)
{
	return &server->shared.all.protocol;
}

void server_set_mirror(struct server *server, struct mirror *mirror)
{
	server->shared.all.protocol.mirror = mirror;
}

void server_reached(struct server *server, uint64_t version)
{
	struct exchange *next;

	server->shared.all.version = version;
	for (struct exchange *exchange = server->shared.all.first; exchange != NULL;
		exchange = next) {
		next = exchange->next; /* this one may go, and no other */
		exchange_on_version(exchange);
	}
}

void server_drain(struct server *server)
{
	struct conn *next;

	server->shared.is_draining = true;
	(void)event_del(server->accepting);
	(void)evtimer_del(server->pause);
	if (server->web != NULL)
		web_drain(server->web);
	for (struct conn *conn = server->shared.conns; conn != NULL; conn = next) {
		next = conn_next(conn); /* this one may go, and no other */
		conn_drain(conn);
	}
}

bool server_is_drained(const struct server *server)
{
	return server->shared.conns == NULL && (server->web == NULL || web_is_drained(server->web));
}

const struct server_numbers *server_numbers(const struct server *server)
{
	return &server->shared.all.numbers;
}

void server_get_memory(const struct server *server, struct server_memory *memory)
{
	const struct exchange *exchange = server->shared.all.first;

	memory->requests = server->shared.input_bytes;
	for (memory->replies = 0; exchange != NULL; exchange = exchange->next)
		memory->replies += exchange->out.cap;
}

void server_get_status(const struct server *server, struct server_status *status)
{
	*status = server->shared.all.status;
	status->http_connections = server->web == NULL ? 0 : web_connections(server->web);
	status->transactions = transactions_open(server->shared.all.transactions);
}
