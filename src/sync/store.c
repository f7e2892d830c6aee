#include "config.h"

#include "sync/store.h"

#include "base/clock.h"
#include "pg/events.h"
#include "pg/pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS   10000
/* PostgreSQL gives up before we do, so that nothing goes on behind our back. */
#define SETUP "SET statement_timeout = '110s'; SET idle_in_transaction_session_timeout = '110s'"

enum state { STORE_DOWN, STORE_CONNECTING, STORE_SETUP, STORE_FREE, STORE_BUSY };

struct store {
	struct store_settings settings;
	const struct store_handlers *handlers;
	void *arg;
	struct pg *pg;
	struct event *timer; /* the next attempt, or the end of patience with a statement */
	enum state state;
	long pause_ms;
	store_fn fn; /* of the statement under way; NULL once it is answered */
	void *fn_arg;
	char why[512];
};

static void wait_for(struct store *store, long ms)
{
	struct timeval wait = clock_timeval(ms);

	(void)evtimer_add(store->timer, &wait);
}

static void answer(struct store *store, const struct store_answer *given)
{
	store_fn fn = store->fn;

	store->fn = NULL;
	if (fn != NULL)
		fn(store->fn_arg, given);
}

static void start(struct store *store)
{
	struct pg_target target = {
		.db = store->settings.db, .name = store->settings.name, .is_writable = true};

	store->state = STORE_CONNECTING;
	pg_start(store->pg, &target);
}

static void went_down(struct store *store, const char *why)
{
	struct store_answer lost = {.problem = store->why, .is_lost = true};

	(void)snprintf(store->why, sizeof(store->why), "%s", why);
	store->state = STORE_DOWN;
	wait_for(store, store->pause_ms);
	store->pause_ms = store->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : store->pause_ms * 2;
	answer(store, &lost);
	if (store->handlers->on_down != NULL)
		store->handlers->on_down(store->arg, store->why);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct store *store = arg;

	(void)fd;
	(void)what;
	if (store->state == STORE_DOWN) {
		start(store);
	} else {
		pg_stop(store->pg);
		went_down(store, "the database does not answer");
	}
}

static void on_up(void *arg)
{
	struct store *store = arg;
	char sql[256];

	store->state = STORE_SETUP;
	wait_for(store, STORE_MS);
	(void)snprintf(sql, sizeof(sql), SETUP "%s%s",
		store->settings.channel == NULL ? "" : "; LISTEN ",
		store->settings.channel == NULL ? "" : store->settings.channel);
	pg_send(store->pg, sql);
}

static void on_down(void *arg, const char *why)
{
	(void)evtimer_del(((struct store *)arg)->timer);
	went_down(arg, why);
}

static bool is_about_data(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return state != NULL && (strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0 ||
					strncmp(state, "54", 2) == 0);
}

static void on_result(void *arg, const PGresult *result)
{
	struct store *store = arg;
	ExecStatusType status = PQresultStatus(result);
	char line[512];

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
		if (store->state == STORE_BUSY)
			answer(store, &(struct store_answer){.rows = result});
		return;
	}
	pg_error_line(result, line, sizeof(line));
	if (store->state == STORE_BUSY)
		answer(store, &(struct store_answer){
				      .problem = line, .is_refused = is_about_data(result)});
	else
		(void)snprintf(store->why, sizeof(store->why), "%s", line);
}

static void on_done(void *arg)
{
	struct store *store = arg;

	(void)evtimer_del(store->timer);
	if (store->state == STORE_SETUP)
		store->pause_ms = PAUSE_FIRST_MS;
	store->state = STORE_FREE;
	store->handlers->on_free(store->arg);
}

static void on_notify(void *arg, const char *channel, const char *payload)
{
	struct store *store = arg;

	(void)channel;
	if (store->handlers->on_notify != NULL)
		store->handlers->on_notify(store->arg, payload);
}

static const struct pg_handlers pg_handlers = {
	.on_up = on_up,
	.on_down = on_down,
	.on_result = on_result,
	.on_done = on_done,
	.on_notify = on_notify,
};

struct store *store_new(struct event_base *base, const struct store_settings *settings,
	const struct store_handlers *handlers, void *arg)
{
	struct store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	store->settings = *settings;
	store->handlers = handlers;
	store->arg = arg;
	store->pause_ms = PAUSE_FIRST_MS;
	store->pg = pg_new(base, &pg_handlers, store);
	store->timer = evtimer_new(base, on_timer, store);
	if (store->pg == NULL || store->timer == NULL) {
		store_free(store);
		return NULL;
	}
	start(store);
	return store;
}

void store_free(struct store *store)
{
	if (store == NULL)
		return;
	pg_free(store->pg);
	event_drop(store->timer);
	free(store);
}

bool store_is_up(const struct store *store)
{
	return store->state >= STORE_FREE;
}

bool store_is_free(const struct store *store)
{
	return store->state == STORE_FREE;
}

void store_ask(struct store *store, const char *sql, int n, const char *const *values, store_fn fn,
	void *arg)
{
	store->state = STORE_BUSY;
	store->fn = fn;
	store->fn_arg = arg;
	wait_for(store, STORE_MS);
	pg_send_params(store->pg, sql, n, values);
}

const char *store_problem(const struct store *store)
{
	return store->why;
}

void store_set_db(struct store *store, const char *db)
{
	bool is_other = strcmp(store->settings.db, db) != 0;

	store->settings.db = db;
	if (!is_other || store->state == STORE_DOWN)
		return;
	pg_stop(store->pg);
	store->pause_ms = PAUSE_FIRST_MS;
	went_down(store, "the configuration names another database");
}
