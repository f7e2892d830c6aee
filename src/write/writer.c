#include "write/writer.h"

#include "base/clock.h"
#include "pg/events.h"
#include "pg/pg.h"
#include "write/statement.h"

#include <stdlib.h>
#include <string.h>

/* PowerDNS has long given up by then (its default is two seconds). */
#define JOB_MS 10000
/* Before that PostgreSQL itself gives up a wait for a lock: the session of a job that was given up
 * here would wait on. Milliseconds. */
#define LOCK_MS "5000"

struct write_job {
	struct write_job *next;
	struct write write;
	write_done_fn fn; /* NULL once it is forgotten */
	void *arg;
	int64_t deadline_ms;
};

enum step { STEP_NONE, STEP_SETUP, STEP_WRITE, STEP_VERSION };

struct writer {
	const char *db;
	struct pg *pg;
	struct event *timer;
	struct write_job *jobs; /* the first one is under way from STEP_WRITE on */
	struct write_job **last;
	enum step step;
	bool is_connecting;
	struct statement statement; /* of the job under way */
	uint64_t version;	    /* of the store after it */
};

static void job_finish(struct write_job *job, const struct write_done *done)
{
	if (job->fn != NULL)
		job->fn(job->arg, done);
	write_fini(&job->write);
	free(job);
}

static void finish_first(struct writer *writer, const char *problem)
{
	struct write_job *job = writer->jobs;
	const struct buf *result = &writer->statement.result;
	struct write_done done = {.problem = problem,
		.version = writer->version,
		.result = result->len == 0 ? NULL : result->data,
		.result_len = result->len};

	writer->jobs = job->next;
	if (writer->jobs == NULL)
		writer->last = &writer->jobs;
	writer->step = STEP_NONE;
	job_finish(job, &done);
}

static void fail_all(struct writer *writer, const char *problem)
{
	/* Only those that are there now: a callback may start another. */
	struct write_job *jobs = writer->jobs;
	struct write_done done = {.problem = problem};

	writer->jobs = NULL;
	writer->last = &writer->jobs;
	writer->step = STEP_NONE;
	while (jobs != NULL) {
		struct write_job *job = jobs;
		jobs = job->next;
		job_finish(job, &done);
	}
}

static void next_job(struct writer *writer)
{
	struct pg_target target = {.db = writer->db, .name = "csdnsd write", .is_writable = true};

	if (writer->jobs == NULL || writer->step != STEP_NONE || writer->is_connecting)
		return;
	if (pg_is_up(writer->pg)) {
		writer->step = STEP_WRITE;
		statement_send(&writer->statement, writer->pg, &writer->jobs->write);
		return;
	}
	writer->is_connecting = true;
	pg_start(writer->pg, &target);
}

static void on_up(void *arg)
{
	struct writer *writer = arg;

	writer->is_connecting = false;
	writer->step = STEP_SETUP;
	pg_send(writer->pg, "SET lock_timeout = " LOCK_MS);
}

static void on_down(void *arg, const char *why)
{
	struct writer *writer = arg;

	writer->is_connecting = false;
	if (writer->step == STEP_VERSION)
		finish_first(writer, NULL); /* it is committed */
	fail_all(writer, why);
}

static void on_result(void *arg, const PGresult *result)
{
	struct writer *writer = arg;

	if (writer->step == STEP_WRITE)
		statement_take(&writer->statement, result);
	else if (writer->step == STEP_VERSION && PQresultStatus(result) == PGRES_TUPLES_OK &&
		 PQntuples(result) == 1)
		writer->version = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
}

static void on_done(void *arg)
{
	struct writer *writer = arg;

	if (writer->step == STEP_SETUP) {
		writer->step = STEP_NONE;
	} else if (writer->step == STEP_WRITE) {
		statement_end(&writer->statement);
		if (writer->statement.problem[0] == '\0') {
			writer->version = 0;
			writer->step = STEP_VERSION;
			pg_send(writer->pg, "SELECT version FROM csdns.head()");
			return;
		}
		finish_first(writer, writer->statement.problem);
	} else {
		finish_first(writer, NULL);
	}
	next_job(writer);
}

static const struct pg_handlers pg_handlers = {
	.on_up = on_up,
	.on_down = on_down,
	.on_result = on_result,
	.on_done = on_done,
};

/* Not from a handler. */
static void disconnect(struct writer *writer, const char *problem)
{
	pg_stop(writer->pg);
	writer->is_connecting = false;
	fail_all(writer, problem);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct writer *writer = arg;

	(void)fd;
	(void)what;
	if (writer->jobs != NULL && clock_ms() >= writer->jobs->deadline_ms)
		disconnect(writer, "the database does not answer");
}

struct writer *writer_new(struct event_base *base, const char *db)
{
	struct timeval second = clock_timeval(1000);
	struct writer *writer = calloc(1, sizeof(*writer));

	if (writer == NULL)
		return NULL;
	writer->db = db;
	writer->last = &writer->jobs;
	statement_init(&writer->statement);
	writer->pg = pg_new(base, &pg_handlers, writer);
	writer->timer = event_new(base, -1, EV_PERSIST, on_timer, writer);
	if (writer->pg == NULL || writer->timer == NULL ||
		evtimer_add(writer->timer, &second) < 0) {
		writer_free(writer);
		return NULL;
	}
	return writer;
}

void writer_free(struct writer *writer)
{
	if (writer == NULL)
		return;
	while (writer->jobs != NULL) {
		struct write_job *job = writer->jobs;
		writer->jobs = job->next;
		write_fini(&job->write);
		free(job);
	}
	pg_free(writer->pg);
	statement_fini(&writer->statement);
	event_drop(writer->timer);
	free(writer);
}

void writer_set_db(struct writer *writer, const char *db)
{
	bool is_other = strcmp(writer->db, db) != 0;

	writer->db = db;
	if (is_other)
		disconnect(writer, "the configuration names another database");
}

struct write_job *writer_start(
	struct writer *writer, struct write *write, write_done_fn fn, void *arg)
{
	struct write_job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	job->write = *write;
	job->fn = fn;
	job->arg = arg;
	job->deadline_ms = clock_ms() + JOB_MS;
	*writer->last = job;
	writer->last = &job->next;
	next_job(writer);
	return job;
}

void write_job_forget(struct write_job *job)
{
	job->fn = NULL;
}
