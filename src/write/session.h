/*
 * session: one PostgreSQL connection that runs transactions, one after the other, an operation at a
 * time. Private to src/write; transaction.c gives it to one and another.
 */
#ifndef CSDNS_WRITE_SESSION_H
#define CSDNS_WRITE_SESSION_H

#include "write/statement.h"
#include "write/writer.h"

#include <event2/event.h>

enum session_state {
	SESSION_CLOSED, /* not connected */
	SESSION_FREE,	/* connected, in no transaction */
	SESSION_OPEN,	/* in a transaction, no operation under way */
	SESSION_BUSY,	/* an operation is under way; the first one may be connecting */
	SESSION_ENDING, /* rolling back for nobody */
};

struct session;

struct session_handlers {
	/* The operation has ended; owner is session_begin's. After WRITE_COMMIT the session is
	 * free.
	 */
	void (*on_done)(void *owner, const struct write_done *done);
	/* It may be closed or free now, and be given to somebody. */
	void (*on_free)(void *arg, struct session *session);
};

/* NULL when memory is out. All is borrowed. */
struct session *session_new(
	struct event_base *base, const struct session_handlers *handlers, void *arg);
void session_free(struct session *session);
enum session_state session_state(const struct session *session);

/* The first operation, WRITE_BEGIN, of a session that is closed or free; connects where it has to,
 * and anew when it is connected to another database or has been free for long. The write is taken.
 * Not from a handler of a connection. */
void session_begin(
	struct session *session, const char *db, int64_t idle_ms, struct write *begin, void *owner);
/* The next operation of an open one. True when it is done already, without a call: rows that are
 * fed. The write is taken. */
bool session_do(struct session *session, struct write *write);
/* Why the transaction cannot be committed any more; NULL while it can. */
const char *session_problem(const struct session *session);
/* The owner has gone: rolls back, or closes what cannot be rolled back at once. */
void session_abandon(struct session *session);
/* Closes it at once; nobody is told. */
void session_close(struct session *session);

#endif
