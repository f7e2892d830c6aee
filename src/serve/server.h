/*
 * server: accepts PowerDNS' connections and answers their requests. Owns the connections; knows
 * the mirror that is served, and who waits for which version of it.
 */
#ifndef CSDNS_SERVE_SERVER_H
#define CSDNS_SERVE_SERVER_H

#include "protocol/protocol.h"
#include "write/transaction.h"
#include "write/writer.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct server;

struct server_settings {
	size_t max_request; /* octets of one request, with its newline */
	unsigned max_connections;
	const uid_t *allowed; /* peers' users; borrowed */
	size_t n_allowed;     /* 0: anyone who may open the socket */
};

struct server_status {
	unsigned connections;
	uint64_t accepted;
	uint64_t refused; /* connections: too many, or of a user who is not allowed */
	uint64_t requests;
	uint64_t failed;       /* requests that were answered with false */
	unsigned transactions; /* open */
};

/* Who does the writes. Borrowed. */
struct server_writers {
	struct writer *writer;
	struct transactions *transactions;
};

/* listen_fd is borrowed until server_drain or server_free. NULL when memory is out. */
struct server *server_new(struct event_base *base, const struct server_settings *settings,
	int listen_fd, const struct server_writers *writers);
/* Closes all connections. */
void server_free(struct server *server);

/* What requests are answered from; its mirror is set by server_set_mirror. */
struct protocol *server_protocol(struct server *server);
void server_set_mirror(struct server *server, struct mirror *mirror);
/* The mirror has reached this version: answers those who wait for it. */
void server_reached(struct server *server, uint64_t version);

/* Takes no more connections, closes those without a request in hand. */
void server_drain(struct server *server);
bool server_is_drained(const struct server *server);

void server_get_status(const struct server *server, struct server_status *status);

#endif
