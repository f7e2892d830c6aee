/*
 * conn: one connection of PowerDNS to the Unix socket: a request at a time is read, answered by
 * its exchange, and the reply written.
 * Private to src/serve.
 *
 * Bounded: no more is read while a reply waits to be written; a listing is made in parts as the
 * peer takes them. A peer that stalls inside a request or a reply is cut off after CONN_STALL_MS.
 */
#ifndef CSDNS_SERVE_CONN_H
#define CSDNS_SERVE_CONN_H

#include "serve/batch.h"
#include "serve/exchange.h"
#include "serve/server.h"

#include <stdbool.h>

#define CONN_STALL_MS 60000

struct conn;

/* What all connections share. */
struct conn_shared {
	struct exchanges all;
	struct server_settings settings;
	struct conn *conns; /* list of all */
	size_t input_bytes; /* memory of all input buffers */
	bool is_draining;
	struct batch batch; /* who has read something in this turn */
};

/* fd is taken. NULL when memory is out (fd is closed). */
struct conn *conn_new(struct conn_shared *shared, int fd, const char *peer);
void conn_free(struct conn *conn);
/* Closes it now, or when what it has sent is answered. */
void conn_drain(struct conn *conn);
/* For the batch: what has been read and not answered, and answering it; how many requests that
 * were. */
struct text conn_read_text(const struct conn *conn);
unsigned conn_answer_read(struct conn *conn);
struct conn *conn_next(const struct conn *conn);

#endif
