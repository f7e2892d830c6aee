#include "write/session.h"

#include "base/clock.h"
#include "mirror/hooks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows are sent in parts of about this size. */
#define COPY_PART 32768
/* As for single writes: see writer.c. */
#define LOCK_MS 5000
/* What PostgreSQL allows above what csdnsd does, should csdnsd hang. */
#define IDLE_MORE_MS 10000
/* A connection that has been free for longer may be dead, behind a firewall, and only who uses it
 * would find out, after minutes. Connecting anew takes milliseconds. */
#define REUSE_MS 30000

enum step {
	STEP_CONNECT,
	STEP_SETUP,
	STEP_BEGIN,
	STEP_COPY_END, /* of rows that came before; then STEP_MAIN */
	STEP_MAIN,
	STEP_VERSION, /* after COMMIT */
	STEP_ROLLBACK,
};

struct session {
	const struct session_handlers *handlers;
	void *arg;
	struct pg *pg;
	char *db; /* that it is connected to, or will be; NULL: nobody knows */
	enum session_state state;
	enum step step;	  /* SESSION_BUSY and SESSION_ENDING */
	void *owner;	  /* SESSION_OPEN, SESSION_BUSY */
	int64_t free_ms;  /* clock_ms() when it became SESSION_FREE */
	int64_t reuse_ms; /* see REUSE_MS */
	int64_t idle_ms;
	struct write op; /* SESSION_BUSY */
	struct statement statement;
	char problem[512]; /* of the transaction: it cannot be committed; "" while it can */
	bool has_failed;   /* the statement under way, where statement is not used */
	bool is_feeding;   /* a COPY is open */
	struct buf rows;   /* of it, to be sent */
	uint64_t version;
};

enum session_state session_state(const struct session *session)
{
	return session->state;
}

const char *session_problem(const struct session *session)
{
	return session->problem[0] == '\0' ? NULL : session->problem;
}

static void set_problem(struct session *session, const char *problem)
{
	if (session->problem[0] == '\0')
		(void)snprintf(session->problem, sizeof(session->problem), "%s", problem);
}

static void forget_rows(struct session *session)
{
	session->is_feeding = false;
	buf_reset(&session->rows, COPY_PART);
}

static void set_state(struct session *session, enum session_state state)
{
	session->state = state;
	if (state == SESSION_FREE)
		session->free_ms = clock_ms();
}

/* Tells the owner what became of the operation. */
static void finish(struct session *session, enum session_state state, const char *problem)
{
	const struct buf *result = &session->statement.result;
	bool has_result = problem == NULL && session->op.kind != WRITE_COMMIT && result->len > 0;
	struct write_done done = {.problem = problem,
		.version = session->version,
		.result = has_result ? result->data : NULL,
		.result_len = has_result ? result->len : 0};

	set_state(session, state);
	write_fini(&session->op);
	session->handlers->on_done(session->owner, &done);
	if (session->state == SESSION_CLOSED || session->state == SESSION_FREE)
		session->handlers->on_free(session->arg, session);
}

/* The transaction goes on, but can only be rolled back. */
static void finish_failed(struct session *session, const char *problem)
{
	set_problem(session, problem);
	finish(session, SESSION_OPEN, session->problem);
}

/* ---- operations ---- */

static void send_rows(struct session *session)
{
	pg_copy_put(session->pg, session->rows.data, session->rows.len);
	buf_reset(&session->rows, COPY_PART);
}

/* True when the next row may come. */
static bool feed(struct session *session)
{
	statement_copy_row(&session->rows, &session->op);
	if (buf_failed(&session->rows)) {
		set_problem(session, "out of memory");
		return true;
	}
	if (session->rows.len >= COPY_PART)
		send_rows(session);
	return !pg_has_unsent(session->pg);
}

static void send_op(struct session *session)
{
	session->step = STEP_MAIN;
	session->has_failed = false;
	switch (session->op.kind) {
	case WRITE_BEGIN:
		session->step = STEP_BEGIN;
		pg_send(session->pg, "BEGIN");
		break;
	case WRITE_COMMIT:
		pg_send(session->pg, "COMMIT");
		break;
	default:
		statement_send(&session->statement, session->pg, &session->op);
		break;
	}
}

static void end_copy(struct session *session, const char *reason)
{
	if (reason == NULL && session->rows.len > 0)
		send_rows(session);
	forget_rows(session);
	session->step = STEP_COPY_END;
	session->has_failed = false;
	pg_copy_end(session->pg, reason);
}

bool session_do(struct session *session, struct write *write)
{
	session->op = *write;
	if (session->is_feeding && write->kind == WRITE_FEED) {
		if (feed(session)) {
			write_fini(&session->op);
			return true;
		}
		session->state = SESSION_BUSY;
		session->step = STEP_MAIN;
		return false;
	}
	session->state = SESSION_BUSY;
	if (session->is_feeding)
		end_copy(session, NULL);
	else
		send_op(session);
	return false;
}

static void rollback(struct session *session)
{
	session->step = STEP_ROLLBACK;
	session->has_failed = false;
	pg_send(session->pg, "ROLLBACK");
}

void session_abandon(struct session *session)
{
	if (session->state == SESSION_BUSY || !pg_is_up(session->pg)) {
		session_close(session);
		return;
	}
	session->state = SESSION_ENDING;
	session->owner = NULL;
	if (session->is_feeding)
		end_copy(session, "rolled back");
	else
		rollback(session);
}

/* ---- what the connection says ---- */

static void setup(struct session *session)
{
	char sql[160];

	session->step = STEP_SETUP;
	(void)snprintf(sql, sizeof(sql),
		"SET lock_timeout = %d; SET idle_in_transaction_session_timeout = %" PRId64,
		LOCK_MS, session->idle_ms + IDLE_MORE_MS);
	pg_send(session->pg, sql);
}

static void on_up(void *arg)
{
	setup(arg);
}

static void on_down(void *arg, const char *why)
{
	struct session *session = arg;
	enum session_state state = session->state;

	forget_rows(session);
	session->state = SESSION_CLOSED;
	if (state == SESSION_BUSY && session->step == STEP_VERSION) {
		finish(session, SESSION_CLOSED, NULL); /* it is committed */
	} else if (state == SESSION_BUSY) {
		set_problem(session, why);
		finish(session, SESSION_CLOSED, session->problem);
	} else {
		set_problem(session, why);
		if (state == SESSION_ENDING)
			session->handlers->on_free(session->arg, session);
	}
}

/* COMMIT of a transaction that has failed says ROLLBACK, and is no error. */
static void take_commit(struct session *session, const PGresult *result)
{
	char line[sizeof(session->problem)];

	if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
		pg_error_line(result, line, sizeof(line));
		set_problem(session, line);
	} else if (strcmp(PQcmdStatus((PGresult *)result), "COMMIT") != 0) {
		set_problem(session, "the transaction had failed before");
	}
}

static void take_error(struct session *session, const PGresult *result)
{
	char line[sizeof(session->problem)];

	if (PQresultStatus(result) != PGRES_FATAL_ERROR)
		return;
	session->has_failed = true;
	pg_error_line(result, line, sizeof(line));
	set_problem(session, line);
}

static void take_copy(struct session *session)
{
	session->is_feeding = true;
	if (feed(session))
		finish(session, SESSION_OPEN, NULL);
}

static void on_result(void *arg, const PGresult *result)
{
	struct session *session = arg;

	if (session->step == STEP_VERSION) {
		if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
			session->version = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
	} else if (session->step != STEP_MAIN || session->op.kind == WRITE_BEGIN) {
		take_error(session, result);
	} else if (session->op.kind == WRITE_COMMIT) {
		take_commit(session, result);
	} else if (PQresultStatus(result) == PGRES_COPY_IN) {
		take_copy(session);
	} else {
		statement_take(&session->statement, result);
	}
}

static void begun(struct session *session)
{
	const char *zone = write_param(&session->op, 0);

	if (session->has_failed || zone == NULL) {
		finish(session, SESSION_OPEN, session_problem(session));
		return;
	}
	session->step = STEP_MAIN;
	pg_send_params(session->pg, "DELETE FROM records WHERE domain_id = $1::int", 1, &zone);
}

static void main_done(struct session *session)
{
	if (session->op.kind == WRITE_COMMIT) {
		if (session->problem[0] != '\0') {
			finish(session, SESSION_FREE, session->problem);
			return;
		}
		session->step = STEP_VERSION;
		pg_send(session->pg, "SELECT version FROM csdns.head()");
	} else if (session->op.kind == WRITE_BEGIN) {
		finish(session, SESSION_OPEN, session_problem(session));
	} else {
		statement_end(&session->statement);
		if (session->statement.problem[0] != '\0')
			finish_failed(session, session->statement.problem);
		else
			finish(session, SESSION_OPEN, NULL);
	}
}

/* The owner's operation comes after the rows, unless they have failed. */
static void copied(struct session *session)
{
	if (session->state == SESSION_ENDING)
		rollback(session);
	else if (session->problem[0] != '\0')
		finish(session, SESSION_OPEN, session->problem);
	else
		send_op(session);
}

static void on_done(void *arg)
{
	struct session *session = arg;

	switch (session->step) {
	case STEP_SETUP:
		send_op(session);
		break;
	case STEP_BEGIN:
		begun(session);
		break;
	case STEP_COPY_END:
		copied(session);
		break;
	case STEP_MAIN:
		main_done(session);
		break;
	case STEP_VERSION:
		finish(session, SESSION_FREE, NULL);
		break;
	default:
		set_state(session, SESSION_FREE);
		session->handlers->on_free(session->arg, session);
		break;
	}
}

static void on_sent(void *arg)
{
	struct session *session = arg;

	if (session->state == SESSION_BUSY && session->is_feeding)
		finish(session, SESSION_OPEN, session_problem(session));
}

static const struct pg_handlers pg_handlers = {
	.on_up = on_up,
	.on_down = on_down,
	.on_result = on_result,
	.on_done = on_done,
	.on_sent = on_sent,
};

/* ---- for transactions ---- */

struct session *session_new(
	struct event_base *base, const struct session_handlers *handlers, void *arg)
{
	struct session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return NULL;
	session->handlers = handlers;
	session->arg = arg;
	session->reuse_ms = hook_number("CSDNS_TEST_REUSE_MS", REUSE_MS);
	statement_init(&session->statement);
	buf_init(&session->rows);
	session->pg = pg_new(base, &pg_handlers, session);
	if (session->pg != NULL)
		return session;
	free(session);
	return NULL;
}

void session_free(struct session *session)
{
	if (session == NULL)
		return;
	if (session->state == SESSION_BUSY)
		write_fini(&session->op);
	pg_free(session->pg);
	statement_fini(&session->statement);
	buf_fini(&session->rows);
	free(session->db);
	free(session);
}

/* A reload may have named another database while a transaction was open. */
static bool is_reusable(const struct session *session, const char *db)
{
	return session->state == SESSION_FREE && pg_is_up(session->pg) &&
	       clock_ms() - session->free_ms < session->reuse_ms && session->db != NULL &&
	       strcmp(session->db, db) == 0;
}

void session_begin(
	struct session *session, const char *db, int64_t idle_ms, struct write *begin, void *owner)
{
	struct pg_target target = {.db = db, .name = "csdnsd transaction", .is_writable = true};

	session->owner = owner;
	session->op = *begin;
	session->problem[0] = '\0';
	session->version = 0;
	session->idle_ms = idle_ms;
	statement_forget(&session->statement);
	if (is_reusable(session, db)) {
		session->state = SESSION_BUSY;
		send_op(session);
		return;
	}
	free(session->db);
	session->db = strdup(db);
	session->state = SESSION_BUSY;
	session->step = STEP_CONNECT;
	pg_start(session->pg, &target);
}

void session_close(struct session *session)
{
	enum session_state state = session->state;

	if (state == SESSION_CLOSED)
		return;
	pg_stop(session->pg);
	forget_rows(session);
	if (state == SESSION_BUSY)
		write_fini(&session->op);
	session->state = SESSION_CLOSED;
	session->owner = NULL;
	session->handlers->on_free(session->arg, session);
}
