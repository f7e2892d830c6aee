/*
 * server: accepts PowerDNS' connections and answers their requests. Owns the connections; knows
 * the mirror that is served, and who waits for which version of it.
 */
#ifndef CSDNS_SERVE_SERVER_H
#define CSDNS_SERVE_SERVER_H

#include "base/histogram.h"
#include "base/options.h"
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
	unsigned http_connections;
	uint64_t accepted;
	uint64_t refused; /* connections: too many, or of a user who is not allowed */
	uint64_t requests;
	uint64_t failed;       /* requests that were answered with false or an error */
	unsigned transactions; /* open */
};

/* What became of requests. */
enum server_result {
	RESULT_OK,
	RESULT_EMPTY, /* nothing was found */
	RESULT_FAILED,
	SERVER_RESULTS,
};

/* Numbers since the start. */
struct server_numbers {
	uint64_t results[PROTOCOL_METHODS_MAX][SERVER_RESULTS];
	/* From when requests were read to when the last reply of the same turn was written; a
	 * listing counts with its first part, a write not at all. */
	struct histogram answering;
	struct histogram writing; /* of a write, or of what is read in a transaction */
};

/* Who does the writes. Borrowed. */
struct server_writers {
	struct writer *writer;
	struct transactions *transactions;
};

/* listen_fd is borrowed until server_drain or server_free. NULL when memory is out. */
struct server *server_new(struct event_base *base, const struct server_settings *settings,
	int listen_fd, const struct server_writers *writers);
/* Takes PowerDNS' HTTP connector as well; once. 0, or -1 with the reason in error. listen is
 * borrowed for the call. */
int server_listen_http(struct server *server, const struct option_list *listen, char *error,
	size_t size) __attribute__((warn_unused_result));
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
/* Borrowed; they go on changing. */
const struct server_numbers *server_numbers(const struct server *server);
/* Octets of memory for requests and replies of all connections; counted by a walk over them. */
struct server_memory {
	size_t requests;
	size_t replies;
};
void server_get_memory(const struct server *server, struct server_memory *memory);

#endif
