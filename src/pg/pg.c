#include "pg/pg.h"

#include "base/clock.h"
#include "pg/connect.h"
#include "pg/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum pg_state { PG_CLOSED, PG_CONNECTING, PG_UP };

struct pg {
	struct event_base *base;
	const struct pg_handlers *handlers;
	void *arg;
	struct connect *connect; /* PG_CONNECTING */
	PGconn *conn;		 /* PG_UP */
	enum pg_state state;
	struct event *io; /* on the connection's socket; made anew when that or the wish changes */
	int io_fd;
	short io_what;
	struct event *turn; /* a timer at once: work that is left, or a failure to be told */
	bool in_copy;	    /* COPY … TO STDOUT is under way */
	bool is_feeding;    /* COPY … FROM STDIN is */
	bool has_unsent;    /* and on_sent is to be told */
	bool in_pipeline;
	bool is_busy;	      /* something was sent whose results have not all come */
	bool is_failed;	      /* tell on_down in the next turn */
	char why[512];	      /* for on_down */
	char last_words[256]; /* of the server; "" where there are none */
	bool is_handling;     /* inside on_io or on_turn: closing waits for its end */
	bool is_stopped;      /* pg_stop was called while handling */
	uint64_t turn_rows;   /* that were read in this turn */
	struct pg_reading reading;
};

static void pg_work(struct pg *pg);

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pg_work(arg);
}

static void turn_again(struct pg *pg)
{
	static const struct timeval at_once = {0, 0};

	(void)evtimer_add(pg->turn, &at_once);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pg_work(arg);
}

struct pg *pg_new(struct event_base *base, const struct pg_handlers *handlers, void *arg)
{
	struct pg *pg = calloc(1, sizeof(*pg));

	if (pg == NULL)
		return NULL;
	pg->base = base;
	pg->handlers = handlers;
	pg->arg = arg;
	pg->io_fd = -1;
	pg->turn = evtimer_new(base, on_turn, pg);
	if (pg->turn == NULL) {
		free(pg);
		return NULL;
	}
	return pg;
}

static void io_drop(struct pg *pg)
{
	event_drop(pg->io);
	pg->io = NULL;
	pg->io_fd = -1;
}

static void pg_close(struct pg *pg)
{
	io_drop(pg);
	(void)evtimer_del(pg->turn);
	if (pg->connect != NULL)
		connect_abandon(pg->connect);
	pg->connect = NULL;
	PQfinish(pg->conn);
	pg->conn = NULL;
	pg->state = PG_CLOSED;
	pg->in_copy = false;
	pg->is_feeding = false;
	pg->has_unsent = false;
	pg->in_pipeline = false;
	pg->is_busy = false;
	pg->is_failed = false;
	pg->last_words[0] = '\0';
}

void pg_free(struct pg *pg)
{
	if (pg == NULL)
		return;
	pg_close(pg);
	event_free(pg->turn);
	free(pg);
}

static void io_wait(struct pg *pg, int fd, short what)
{
	if (pg->io != NULL && fd == pg->io_fd && what == pg->io_what)
		return;
	io_drop(pg);
	pg->io = event_new(pg->base, fd, (short)(what | EV_PERSIST), on_io, pg);
	if (pg->io == NULL || event_add(pg->io, NULL) < 0) {
		(void)snprintf(pg->why, sizeof(pg->why), "could not wait for its socket");
		pg->is_failed = true;
		turn_again(pg);
		return;
	}
	pg->io_fd = fd;
	pg->io_what = what;
}

/* One line of libpq's message. */
static void fail(struct pg *pg, const char *message)
{
	size_t n = 0;

	if (pg->is_failed)
		return;
	for (; *message != '\0' && n < sizeof(pg->why) - 1; message++)
		pg->why[n++] = *message == '\n' || *message == '\t' ? ' ' : *message;
	while (n > 0 && pg->why[n - 1] == ' ')
		n--;
	pg->why[n] = '\0';
	pg->is_failed = true;
	turn_again(pg);
}

static void fail_with_conn(struct pg *pg)
{
	const char *message = pg->conn == NULL ? "out of memory" : PQerrorMessage(pg->conn);

	if (pg->last_words[0] != '\0')
		message = pg->last_words;
	fail(pg, message[0] == '\0' ? "connection closed" : message);
}

/* Why a server ends an idle connection comes as a notice, before the end. */
static void on_notice(void *arg, const PGresult *notice)
{
	struct pg *pg = arg;
	const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);

	if (severity != NULL && strcmp(severity, "FATAL") == 0)
		pg_error_line(notice, pg->last_words, sizeof(pg->last_words));
}

void pg_start(struct pg *pg, const struct pg_target *target)
{
	pg_close(pg);
	pg->is_stopped = false;
	pg->state = PG_CONNECTING;
	pg->connect = connect_start(target);
	if (pg->connect == NULL)
		fail(pg, "could not start a thread to connect");
	else
		io_wait(pg, connect_fd(pg->connect), EV_READ);
}

void pg_stop(struct pg *pg)
{
	if (pg->is_handling)
		pg->is_stopped = true;
	else
		pg_close(pg);
}

bool pg_is_up(const struct pg *pg)
{
	return pg->state == PG_UP && !pg->is_failed;
}

PGconn *pg_conn(const struct pg *pg)
{
	return pg->state == PG_UP ? pg->conn : NULL;
}

/* ---- sending ---- */

static void flush(struct pg *pg)
{
	int left = PQflush(pg->conn);

	pg->has_unsent = left > 0;
	if (left < 0)
		fail_with_conn(pg);
	else
		io_wait(pg, PQsocket(pg->conn), left > 0 ? EV_READ | EV_WRITE : EV_READ);
}

static void sent(struct pg *pg, int ok)
{
	pg->is_busy = true;
	if (ok != 1)
		fail_with_conn(pg);
	else if (!pg->in_pipeline)
		flush(pg);
}

void pg_send(struct pg *pg, const char *sql)
{
	if (pg_is_up(pg))
		sent(pg, PQsendQuery(pg->conn, sql));
}

void pg_send_params(struct pg *pg, const char *sql, int n, const char *const *values)
{
	if (pg_is_up(pg))
		sent(pg, PQsendQueryParams(pg->conn, sql, n, NULL, values, NULL, NULL, 0));
}

void pg_prepare(struct pg *pg, const char *name, const char *sql)
{
	if (pg_is_up(pg))
		sent(pg, PQsendPrepare(pg->conn, name, sql, 0, NULL));
}

void pg_send_prepared(struct pg *pg, const char *name, int n, const char *const *values)
{
	if (pg_is_up(pg))
		sent(pg, PQsendQueryPrepared(pg->conn, name, n, values, NULL, NULL, 0));
}

void pg_pipeline_begin(struct pg *pg)
{
	if (!pg_is_up(pg))
		return;
	if (PQenterPipelineMode(pg->conn) != 1)
		fail_with_conn(pg);
	pg->in_pipeline = true;
}

void pg_pipeline_sync(struct pg *pg)
{
	if (!pg_is_up(pg))
		return;
	/* Of the first statement's result; see statement_done for the others. */
	(void)PQsetSingleRowMode(pg->conn);
	if (PQpipelineSync(pg->conn) != 1)
		fail_with_conn(pg);
	else
		flush(pg);
}

void pg_copy_put(struct pg *pg, const char *rows, size_t len)
{
	if (!pg_is_up(pg))
		return;
	/* 0 is a failure too: libpq's buffer can grow, and did not. */
	if (PQputCopyData(pg->conn, rows, (int)len) != 1)
		fail_with_conn(pg);
	else
		flush(pg);
}

void pg_copy_end(struct pg *pg, const char *reason)
{
	if (!pg_is_up(pg))
		return;
	pg->is_feeding = false;
	if (PQputCopyEnd(pg->conn, reason) != 1)
		fail_with_conn(pg);
	else
		flush(pg);
}

bool pg_has_unsent(const struct pg *pg)
{
	return pg->has_unsent;
}

/* ---- receiving ---- */

static void connected(struct pg *pg)
{
	io_drop(pg);
	pg->conn = connect_take(pg->connect);
	pg->connect = NULL;
	pg->state = PG_UP;
	if (PQstatus(pg->conn) != CONNECTION_OK || PQsetnonblocking(pg->conn, 1) != 0) {
		fail_with_conn(pg);
		return;
	}
	(void)PQsetNoticeReceiver(pg->conn, on_notice, pg);
	io_wait(pg, PQsocket(pg->conn), EV_READ);
	pg->handlers->on_up(pg->arg);
}

void pg_reading_reset(struct pg *pg)
{
	memset(&pg->reading, 0, sizeof(pg->reading));
	pg->turn_rows = 0;
}

const struct pg_reading *pg_reading(const struct pg *pg)
{
	return &pg->reading;
}

static void count_rows(struct pg *pg, int rows)
{
	if (rows == 0)
		return;
	pg->reading.turns += pg->turn_rows == 0;
	pg->reading.rows += (uint64_t)rows;
	pg->turn_rows += (uint64_t)rows;
	if (pg->turn_rows > pg->reading.most)
		pg->reading.most = pg->turn_rows;
}

/* One row of a COPY; false when there is none yet. */
static bool take_copy_row(struct pg *pg)
{
	char *row;
	int len = PQgetCopyData(pg->conn, &row, 1);

	if (len == 0)
		return false;
	if (len > 0) {
		count_rows(pg, 1);
		if (pg->handlers->on_copy_row != NULL)
			pg->handlers->on_copy_row(pg->arg, row, len);
		PQfreemem(row);
	} else {
		pg->in_copy = false; /* a result says how it ended */
	}
	return true;
}

/* The end of one statement's results. In a pipeline those of the next follow. */
static bool statement_done(struct pg *pg)
{
	if (pg->in_pipeline) {
		(void)PQsetSingleRowMode(pg->conn);
		return true;
	}
	if (pg->is_busy) {
		pg->is_busy = false;
		pg->handlers->on_done(pg->arg);
	}
	return false;
}

static bool pipeline_done(struct pg *pg)
{
	pg->in_pipeline = false;
	pg->is_busy = false;
	if (PQexitPipelineMode(pg->conn) != 1)
		fail_with_conn(pg);
	else
		pg->handlers->on_done(pg->arg);
	return true;
}

/* A result; false when there is none yet, or none is expected. */
static bool take_result(struct pg *pg)
{
	/* libpq gives the result that says COPY again and again, until its end. */
	if (!pg->is_busy || pg->is_feeding || PQisBusy(pg->conn))
		return false;
	PGresult *result = PQgetResult(pg->conn);
	if (result == NULL)
		return statement_done(pg);
	ExecStatusType status = PQresultStatus(result);
	if (status == PGRES_PIPELINE_SYNC) {
		PQclear(result);
		return pipeline_done(pg);
	}
	if (status == PGRES_COPY_OUT)
		pg->in_copy = true;
	if (status == PGRES_COPY_IN)
		pg->is_feeding = true;
	count_rows(pg, PQntuples(result));
	pg->handlers->on_result(pg->arg, result);
	PQclear(result);
	return true;
}

static void take_notifies(struct pg *pg)
{
	PGnotify *notify;

	while (!pg->is_failed && !pg->is_stopped && (notify = PQnotifies(pg->conn)) != NULL) {
		if (pg->handlers->on_notify != NULL)
			pg->handlers->on_notify(pg->arg, notify->relname, notify->extra);
		PQfreemem(notify);
	}
}

static void flush_and_tell(struct pg *pg)
{
	bool had_unsent = pg->has_unsent;

	flush(pg);
	if (had_unsent && !pg->has_unsent && !pg->is_failed && pg->handlers->on_sent != NULL)
		pg->handlers->on_sent(pg->arg);
}

/* A row may take long: one name hashed a hundred times takes as long as ten plain ones. */
static bool turn_is_over(int rows, int64_t began)
{
	return rows == PG_TURN_ROWS || (rows % 64 == 63 && clock_ms() - began >= PG_TURN_MS);
}

static void receive(struct pg *pg)
{
	int64_t began = clock_ms();
	int rows = 0;

	pg->turn_rows = 0;
	if (PQconsumeInput(pg->conn) != 1) {
		fail_with_conn(pg);
		return;
	}
	while (!pg->is_failed && !pg->is_stopped) {
		if (turn_is_over(rows++, began)) {
			turn_again(pg);
			return;
		}
		if (pg->in_copy ? !take_copy_row(pg) : !take_result(pg))
			break;
	}
	if (!pg->is_failed && !pg->is_stopped)
		take_notifies(pg);
	if (!pg->is_failed && !pg->is_stopped)
		flush_and_tell(pg);
}

static void pg_work(struct pg *pg)
{
	char why[sizeof(pg->why)];

	if (pg->state == PG_CLOSED)
		return;
	pg->is_handling = true;
	if (!pg->is_failed) {
		if (pg->state == PG_CONNECTING)
			connected(pg);
		else
			receive(pg);
	}
	pg->is_handling = false;
	if (pg->is_stopped) {
		pg->is_stopped = false;
		pg_close(pg);
		return;
	}
	if (!pg->is_failed)
		return;
	memcpy(why, pg->why, sizeof(why));
	pg_close(pg);
	pg->handlers->on_down(pg->arg, why);
}

static void error_line(const PGresult *result, const char *detail, char *line, size_t size)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	(void)snprintf(line, size, "%s%s%s%s%s%s",
		message == NULL ? PQresultErrorMessage(result) : message,
		detail == NULL ? "" : ": ", detail == NULL ? "" : detail, state == NULL ? "" : " (",
		state == NULL ? "" : state, state == NULL ? "" : ")");
}

void pg_error_line(const PGresult *result, char *line, size_t size)
{
	error_line(result, PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL), line, size);
}

void pg_error_short(const PGresult *result, char *line, size_t size)
{
	error_line(result, NULL, line, size);
}
