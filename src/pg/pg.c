#include "pg/pg.h"

#include "pg/events.h"
#include "pg/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A host that is to be connected to and says nothing for so long: the next one is tried. */
#define CONNECT_S 5

enum pg_state { PG_CLOSED, PG_CONNECTING, PG_UP };

struct pg {
	struct event_base *base;
	const struct pg_handlers *handlers;
	void *arg;
	PGconn *conn; /* NULL while closed */
	enum pg_state state;
	struct event *io; /* on the connection's socket; made anew when that or the wish changes */
	int io_fd;
	short io_what;
	struct event *connecting; /* ends a wait for a host that says nothing */
	struct hosts hosts;	  /* their order for the next pg_start */
	struct event *turn;	  /* a timer at once: work that is left, or a failure to be told */
	bool in_copy;		  /* COPY … TO STDOUT is under way */
	bool in_pipeline;
	bool is_busy;	  /* something was sent whose results have not all come */
	bool is_failed;	  /* tell on_down in the next turn */
	char why[512];	  /* for on_down */
	bool is_handling; /* inside on_io or on_turn: closing waits for its end */
	bool is_stopped;  /* pg_stop was called while handling */
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

static void on_connecting(evutil_socket_t fd, short what, void *arg);

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
	pg->connecting = evtimer_new(base, on_connecting, pg);
	if (pg->turn == NULL || pg->connecting == NULL) {
		pg_free(pg);
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
	event_stop(pg->turn);
	event_stop(pg->connecting);
	PQfinish(pg->conn);
	pg->conn = NULL;
	pg->state = PG_CLOSED;
	pg->in_copy = false;
	pg->in_pipeline = false;
	pg->is_busy = false;
	pg->is_failed = false;
}

void pg_free(struct pg *pg)
{
	if (pg == NULL)
		return;
	pg_close(pg);
	event_drop(pg->turn);
	event_drop(pg->connecting);
	hosts_forget(&pg->hosts);
	free(pg);
}

/* Waits for the socket. libpq may have opened another one since the last time. */
static void io_wait(struct pg *pg, short what)
{
	int fd = PQsocket(pg->conn);

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

	fail(pg, message[0] == '\0' ? "connection closed" : message);
}

static void drop_notice(void *arg, const PGresult *notice)
{
	(void)arg;
	(void)notice;
}

/* ---- connecting ---- */

static void connecting_again(struct pg *pg)
{
	static const struct timeval patience = {CONNECT_S, 0};

	(void)evtimer_add(pg->connecting, &patience);
}

/* What comes after the connection string wins over what stands in it. */
static PGconn *connect_start(const struct pg *pg, const struct pg_target *target)
{
	const char *keywords[6 + HOSTS_KEYWORDS] = {
		"fallback_application_name", "dbname", "client_encoding"};
	const char *values[6 + HOSTS_KEYWORDS] = {target->name, target->db, "UTF8"};
	int n = 3;

	if (target->is_writable) {
		keywords[n] = "target_session_attrs";
		values[n++] = "read-write";
	}
	n += hosts_get(&pg->hosts, keywords + n, values + n);
	keywords[n] = NULL;
	values[n] = NULL;
	return PQconnectStartParams(keywords, values, 1);
}

/* libpq's own connect_timeout is not for those who do not block. */
static void on_connecting(evutil_socket_t fd, short what, void *arg)
{
	struct pg *pg = arg;
	const char *host = PQhost(pg->conn);
	const char *port = PQport(pg->conn);
	char why[300];

	(void)fd;
	(void)what;
	(void)snprintf(why, sizeof(why), "\"%s\" port %s does not answer", host == NULL ? "" : host,
		port == NULL ? "" : port);
	fail(pg, why);
	hosts_rotate(&pg->hosts, pg->conn);
}

void pg_start(struct pg *pg, const struct pg_target *target)
{
	pg_close(pg);
	pg->is_stopped = false;
	hosts_begin(&pg->hosts, target->db);
	pg->conn = connect_start(pg, target);
	pg->state = PG_CONNECTING;
	connecting_again(pg);
	if (pg->conn == NULL || PQstatus(pg->conn) == CONNECTION_BAD) {
		fail_with_conn(pg);
		return;
	}
	(void)PQsetNoticeReceiver(pg->conn, drop_notice, NULL);
	io_wait(pg, EV_WRITE);
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

	if (left < 0)
		fail_with_conn(pg);
	else
		io_wait(pg, left > 0 ? EV_READ | EV_WRITE : EV_READ);
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
	if (PQpipelineSync(pg->conn) != 1)
		fail_with_conn(pg);
	else
		flush(pg);
}

/* ---- receiving ---- */

static void poll_connect(struct pg *pg)
{
	/* libpq may close the socket and open one for the next host, with the same number: an event
	 * that is kept would wait for the closed one. */
	io_drop(pg);
	connecting_again(pg);
	switch (PQconnectPoll(pg->conn)) {
	case PGRES_POLLING_READING:
		io_wait(pg, EV_READ);
		break;
	case PGRES_POLLING_WRITING:
		io_wait(pg, EV_WRITE);
		break;
	case PGRES_POLLING_OK:
		if (PQsetnonblocking(pg->conn, 1) != 0) {
			fail_with_conn(pg);
			break;
		}
		pg->state = PG_UP;
		event_stop(pg->connecting);
		hosts_forget(&pg->hosts);
		io_wait(pg, EV_READ);
		pg->handlers->on_up(pg->arg);
		break;
	default:
		fail_with_conn(pg);
		break;
	}
}

/* One row of a COPY; false when there is none yet. */
static bool take_copy_row(struct pg *pg)
{
	char *row;
	int len = PQgetCopyData(pg->conn, &row, 1);

	if (len == 0)
		return false;
	if (len > 0) {
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
	if (!pg->is_busy || PQisBusy(pg->conn))
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

static void receive(struct pg *pg)
{
	int rows = 0;

	if (PQconsumeInput(pg->conn) != 1) {
		fail_with_conn(pg);
		return;
	}
	while (!pg->is_failed && !pg->is_stopped) {
		if (rows++ == PG_TURN_ROWS) {
			turn_again(pg);
			return;
		}
		if (pg->in_copy ? !take_copy_row(pg) : !take_result(pg))
			break;
	}
	if (!pg->is_failed && !pg->is_stopped)
		take_notifies(pg);
	if (!pg->is_failed && !pg->is_stopped)
		flush(pg);
}

static void pg_work(struct pg *pg)
{
	char why[sizeof(pg->why)];

	if (pg->state == PG_CLOSED)
		return;
	pg->is_handling = true;
	if (!pg->is_failed) {
		if (pg->state == PG_CONNECTING)
			poll_connect(pg);
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

void pg_error_line(const PGresult *result, char *line, size_t size)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

	(void)snprintf(line, size, "%s%s%s%s%s%s",
		message == NULL ? PQresultErrorMessage(result) : message,
		detail == NULL ? "" : ": ", detail == NULL ? "" : detail, state == NULL ? "" : " (",
		state == NULL ? "" : state, state == NULL ? "" : ")");
}
