/*
 * pg: one PostgreSQL connection on the event loop, never blocking.
 *
 * The owner starts it, sends statements and gets their results through its handlers. Losing the
 * connection is an event like others: on_down, and the owner starts again when it likes. A handler
 * may call any function here but pg_free and pg_start; the connection closes at the end of the
 * turn. Work for each turn is bounded by PG_TURN_ROWS rows and about PG_TURN_MS; what is left goes
 * on in the next turn.
 */
#ifndef CSDNS_PG_PG_H
#define CSDNS_PG_PG_H

#include "pg/connect.h"

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#define PG_TURN_ROWS 2000
#define PG_TURN_MS   4

struct pg;

struct pg_handlers {
	/* Connected and ready for statements. */
	void (*on_up)(void *arg);
	/* Could not connect, or lost; why is one line. Nothing that was sent will be answered. */
	void (*on_down)(void *arg, const char *why);
	/* One result, borrowed, in the order of the statements: PGRES_SINGLE_TUPLE for each row of
	 * a pipeline, then PGRES_TUPLES_OK; PGRES_COMMAND_OK; PGRES_FATAL_ERROR; PGRES_COPY_OUT;
	 * PGRES_COPY_IN, after which pg_copy_put may be called until pg_copy_end;
	 * PGRES_PIPELINE_ABORTED for what followed an error. */
	void (*on_result)(void *arg, const PGresult *result);
	/* All results of the statement, or of the pipeline, have come: the next may be sent. */
	void (*on_done)(void *arg);
	/* One row of COPY … TO STDOUT, borrowed; may be changed in place. This and on_notify may be
	 * NULL for a connection without such. */
	void (*on_copy_row)(void *arg, char *row, int len);
	void (*on_notify)(void *arg, const char *channel, const char *payload);
	/* All that pg_has_unsent told of has been sent. May be NULL. */
	void (*on_sent)(void *arg);
};

/* handlers and arg are borrowed. NULL when memory is out. */
struct pg *pg_new(struct event_base *base, const struct pg_handlers *handlers, void *arg);
void pg_free(struct pg *pg);

/* Starts connecting; the outcome comes as on_up or on_down, never from inside this call. Not to be
 * called from a handler but on_down. */
void pg_start(struct pg *pg, const struct pg_target *target);
/* Closes without calling on_down. */
void pg_stop(struct pg *pg);
bool pg_is_up(const struct pg *pg);

/* Sends one statement; outside a pipeline the next only after on_done. A failure to send counts as
 * a lost connection. */
void pg_send(struct pg *pg, const char *sql);
void pg_send_params(struct pg *pg, const char *sql, int n, const char *const *values);
void pg_prepare(struct pg *pg, const char *name, const char *sql);
void pg_send_prepared(struct pg *pg, const char *name, int n, const char *const *values);

/* A pipeline: statements without waiting in between, pg_pipeline_sync at the end. Their rows come
 * one at a time, so a large result needs no memory of its own. */
void pg_pipeline_begin(struct pg *pg);
void pg_pipeline_sync(struct pg *pg);

/* COPY … FROM STDIN: rows, and their end; with a reason, the server forgets them and fails. What an
 * error of the server says comes after the end. Rows are buffered where the server does not take
 * them: while pg_has_unsent, more had better wait. */
void pg_copy_put(struct pg *pg, const char *rows, size_t len);
void pg_copy_end(struct pg *pg, const char *reason);
bool pg_has_unsent(const struct pg *pg);

/* How rows have come since pg_reading_reset. What comes in one piece stops everybody else. */
struct pg_reading {
	uint64_t rows;
	uint64_t turns; /* of the loop, in which some came */
	uint64_t most;	/* in one turn */
};
void pg_reading_reset(struct pg *pg);
/* Borrowed; it goes on changing. */
const struct pg_reading *pg_reading(const struct pg *pg);

/* For messages: the server's version, the database, and so on. NULL when it is not up. */
PGconn *pg_conn(const struct pg *pg);

/* An error result as one line: message, detail, SQLSTATE. */
void pg_error_line(const PGresult *result, char *line, size_t size);
/* Without the detail, which may show a row with all that is in it. */
void pg_error_short(const PGresult *result, char *line, size_t size);

#endif
