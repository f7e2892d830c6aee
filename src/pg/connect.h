/*
 * connect: connects to PostgreSQL in a thread of its own. libpq looks host names up where it
 * connects, and a resolver that does not answer would stop everything else; and only its blocking
 * way goes on to the next host when one does not answer.
 *
 * This is the one place with a thread. It touches nothing but the attempt, and the attempt's
 * connection is the loop's only after it has ended.
 */
#ifndef CSDNS_PG_CONNECT_H
#define CSDNS_PG_CONNECT_H

#include <libpq-fe.h>
#include <stdbool.h>

/* What to connect to. */
struct pg_target {
	const char *db;	  /* libpq conninfo, URI or a database's name */
	const char *name; /* fallback_application_name */
	bool is_writable; /* only a server that takes writes */
};

struct connect;

/* Copies what it needs. NULL when memory, descriptors or threads are out. */
struct connect *connect_start(const struct pg_target *target);
/* Becomes readable when the attempt has ended. */
int connect_fd(const struct connect *connect);
/* After that: the connection, which is the caller's, good or bad, or NULL when memory was out. The
 * attempt is gone. */
PGconn *connect_take(struct connect *connect);
/* No longer wanted: the thread cleans up when it ends. */
void connect_abandon(struct connect *connect);

#endif
