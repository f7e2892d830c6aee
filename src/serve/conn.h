/*
 * conn: one connection of PowerDNS: a request at a time is read, answered and its reply written.
 * Private to src/serve.
 *
 * Bounded: no more is read while a reply waits to be written; a listing is made in parts as the
 * peer takes them. A peer that stalls inside a request or a reply is cut off after CONN_STALL_MS.
 */
#ifndef CSDNS_SERVE_CONN_H
#define CSDNS_SERVE_CONN_H

#include "serve/batch.h"
#include "serve/server.h"
#include "write/transaction.h"

#include <stdbool.h>

#define CONN_STALL_MS 60000

struct conn;

/* What all connections share. */
struct conn_shared {
	struct event_base *base;
	struct protocol protocol;
	struct writer *writer;
	struct transactions *transactions;
	struct server_settings settings;
	struct server_status status;
	struct conn *conns; /* list of all */
	size_t input_bytes; /* memory of all input buffers */
	uint64_t version;   /* that the mirror has reached */
	bool is_draining;
	struct batch batch; /* who has read something in this turn */
	int64_t log_second; /* the second in which log_lines are counted */
	unsigned log_lines;
};

/* fd is taken. NULL when memory is out (fd is closed). */
struct conn *conn_new(struct conn_shared *shared, int fd, const char *peer);
void conn_free(struct conn *conn);
/* The mirror has reached shared->version. */
void conn_on_version(struct conn *conn);
/* Closes it now, or when what it has sent is answered. */
void conn_drain(struct conn *conn);
/* What peers can provoke, they can provoke without end: so many lines a second. */
bool conn_log_is_allowed(struct conn_shared *shared);
/* For the batch: what has been read and not answered, and answering it. */
struct text conn_read_text(const struct conn *conn);
void conn_answer_read(struct conn *conn);
struct conn *conn_next(const struct conn *conn);

#endif
