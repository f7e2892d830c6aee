/*
 * store: a connection to the database that comes back by itself, one statement at a time.
 *
 * Lost connections are made again with growing pauses. A statement gets its answer exactly once:
 * its rows, an error, or that the connection was lost, which leaves open whether it was carried
 * out. A statement that takes longer than STORE_MS counts as a lost connection.
 */
#ifndef CSDNS_SYNC_STORE_H
#define CSDNS_SYNC_STORE_H

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>

#define STORE_MS 120000

struct store;

struct store_handlers {
	/* Connected, or done with a statement: the next may be sent. */
	void (*on_free)(void *arg);
	/* Lost, or could not be made; why is one line. May be NULL. */
	void (*on_down)(void *arg, const char *why);
	void (*on_notify)(void *arg, const char *payload); /* may be NULL */
};

/* rows is borrowed, NULL where the statement failed: then problem says why. is_lost: with the
 * connection. is_refused: because of its data (SQLSTATE class 22, 23 or 54), so that it will fail
 * again.
 */
struct store_answer {
	const PGresult *rows;
	const char *problem;
	bool is_lost, is_refused;
};
/* The next statement is to be sent from on_free, not from here. */
typedef void (*store_fn)(void *arg, const struct store_answer *answer);

struct store_settings {
	const char *db;	     /* conninfo, borrowed as long as the store lives */
	const char *name;    /* what PostgreSQL shows as application, literal */
	const char *channel; /* to LISTEN on, or NULL */
};

/* Begins to connect. NULL when memory is out. */
struct store *store_new(struct event_base *base, const struct store_settings *settings,
	const struct store_handlers *handlers, void *arg);
/* Answers nothing any more. */
void store_free(struct store *store);

bool store_is_up(const struct store *store);
/* Up, and without a statement. */
bool store_is_free(const struct store *store);
/* Only while it is free. sql and values are copied or sent before it returns. */
void store_ask(struct store *store, const char *sql, int n, const char *const *values, store_fn fn,
	void *arg);
/* Why it is down, "" while it never was. */
const char *store_problem(const struct store *store);
/* Connects anew. */
void store_set_db(struct store *store, const char *db);

#endif
