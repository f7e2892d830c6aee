#include "feed/feed.h"

#include "base/clock.h"
#include "base/log.h"
#include "feed/connection.h"
#include "feed/feed_internal.h"
#include "feed/publish.h"
#include "feed/version.h"
#include "pg/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- outcomes ---- */

static void fail(struct feed *feed, const char *problem)
{
	feed->is_failed = true;
	(void)snprintf(feed->problem, sizeof(feed->problem), "%s", problem);
}

/* A step of the load has ended. False: there is another one. */
static bool load_done(struct feed *feed)
{
	enum run_state state = load_on_done(&feed->load);

	if (state == RUN_GOES_ON)
		feed->task = TASK_LOAD;
	else if (state == RUN_DONE)
		publish_load(feed);
	else
		fail(feed, feed->load.problem);
	return state != RUN_GOES_ON;
}

static void follow_done(struct feed *feed)
{
	enum follow_outcome outcome = follow_on_done(&feed->follow);

	if (outcome != FOLLOW_CHANGES)
		task_abort_follow(feed);
	switch (outcome) {
	case FOLLOW_NOTHING:
		publish_current(feed);
		break;
	case FOLLOW_CHANGES:
		publish_change(feed);
		break;
	case FOLLOW_RELOAD:
		log_notice("loading all: %s since version %" PRIu64,
			feed->follow.is_all_touched ? "everything was replaced"
						    : "the journal does not lead on",
			feed->mirror->version.number);
		feed->wants_reload = true;
		break;
	case FOLLOW_FAILED:
		fail(feed, feed->follow.problem);
		break;
	}
}

static void poll_result(struct feed *feed, const PGresult *result)
{
	struct store_version version;

	if (!version_parse(result, &version))
		return;
	bool in_recovery = PQgetvalue(result, 0, 2)[0] == 't';
	if (in_recovery != feed->in_recovery)
		feed->is_refused = false; /* a standby was promoted */
	feed->in_recovery = in_recovery;
	feed->wants_settle = !in_recovery && PQgetvalue(result, 0, 3)[0] == 't';
	feed->status.store = version;
	if (version.number == feed->mirror->version.number &&
		version.at_us == feed->mirror->version.at_us)
		publish_current(feed);
	else
		feed->wants_poll = true;
}

static void check_result(struct feed *feed, const PGresult *result)
{
	feed->in_recovery = PQgetvalue(result, 0, 0)[0] == 't';
	if (PQgetisnull(result, 0, 1))
		fail(feed, "the schema is not installed: csdns schema install");
}

static void on_result(void *arg, const PGresult *result)
{
	struct feed *feed = arg;
	ExecStatusType status = PQresultStatus(result);

	feed->heard_ms = clock_ms();
	if (feed->task == TASK_LOAD) {
		load_on_result(&feed->load, result);
	} else if (feed->task == TASK_FOLLOW) {
		follow_on_result(&feed->follow, result);
	} else if (status == PGRES_FATAL_ERROR) {
		feed->is_failed = true;
		pg_error_line(result, feed->problem, sizeof(feed->problem));
	} else if (status == PGRES_TUPLES_OK && PQntuples(result) == 1) {
		if (feed->task == TASK_POLL)
			poll_result(feed, result);
		else if (feed->task == TASK_CHECK)
			check_result(feed, result);
	}
}

static void on_copy_row(void *arg, char *row, int len)
{
	struct feed *feed = arg;

	feed->heard_ms = clock_ms();
	load_on_copy_row(&feed->load, row, len);
}

/* After the setup of a connection: what the mirror has is led on, or everything is loaded. */
static void setup_done(struct feed *feed)
{
	feed->status.state = feed->mirror == NULL ? FEED_LOADING : FEED_FOLLOWING;
	feed->wants_poll = true;
	log_notice("connected to database \"%s\" on %s port %s, %s", PQdb(pg_conn(feed->pg)),
		PQhost(pg_conn(feed->pg)), PQport(pg_conn(feed->pg)),
		feed->is_listening ? "listening" : "polling");
}

static void listen_done(struct feed *feed)
{
	feed->is_listening = !feed->is_failed;
	feed->is_refused = feed->is_failed;
	if (feed->is_failed)
		log_notice("LISTEN does not work (%s): polling", feed->problem);
	feed->is_failed = false;
	feed->wants_poll = true; /* what was committed just before it */
	if (feed->status.state == FEED_CONNECTING)
		setup_done(feed);
}

static void on_done(void *arg)
{
	struct feed *feed = arg;
	enum task task = feed->task;

	feed->task = TASK_NONE;
	switch (task) {
	case TASK_LISTEN:
		listen_done(feed);
		break;
	case TASK_LOAD:
		if (!load_done(feed))
			return;
		break;
	case TASK_FOLLOW:
		follow_done(feed);
		break;
	case TASK_SETTLE:
		if (feed->is_failed)
			log_notice("could not move owed serials: %s", feed->problem);
		feed->is_failed = false;
		break;
	default:
		break;
	}
	if (feed->is_failed) {
		connection_lost(feed, feed->problem);
		return;
	}
	if (task == TASK_CHECK)
		task_begin_prepare(feed);
	else if ((task == TASK_PREPARE || task == TASK_POLL) && !feed->in_recovery &&
		 !feed->is_listening && !feed->is_refused)
		task_begin_listen(feed);
	else if (task == TASK_PREPARE)
		setup_done(feed);
	task_next(feed);
}

static void on_notify(void *arg, const char *channel, const char *payload)
{
	struct feed *feed = arg;

	(void)channel;
	(void)payload;
	feed->wants_poll = true;
	task_next(feed);
}

static void on_up(void *arg)
{
	struct feed *feed = arg;

	feed->is_listening = false;
	feed->is_refused = false;
	task_begin_check(feed);
}

static void on_down(void *arg, const char *why)
{
	connection_lost(arg, why);
}

static const struct pg_handlers pg_handlers = {
	.on_up = on_up,
	.on_down = on_down,
	.on_result = on_result,
	.on_done = on_done,
	.on_copy_row = on_copy_row,
	.on_notify = on_notify,
};

/* ---- for the owner ---- */

static void on_change_gone(void *arg)
{
	task_next(arg);
}

static bool feed_make_parts(struct feed *feed, struct event_base *base)
{
	bool has_leftovers = leftovers_init(&feed->leftovers, base, on_change_gone, feed);

	feed->pg = pg_new(base, &pg_handlers, feed);
	return has_leftovers && feed->pg != NULL && connection_make_events(feed, base) &&
	       task_make_events(feed, base);
}

struct feed *feed_new(struct event_base *base, const struct feed_settings *settings,
	const struct feed_handlers *handlers, void *arg)
{
	struct feed *feed = calloc(1, sizeof(*feed));

	if (feed == NULL)
		return NULL;
	feed->settings = *settings;
	feed->handlers = handlers;
	feed->arg = arg;
	if (!feed_make_parts(feed, base)) {
		feed_free(feed);
		return NULL;
	}
	connection_start(feed);
	return feed;
}

void feed_free(struct feed *feed)
{
	if (feed == NULL)
		return;
	if (feed->task == TASK_FOLLOW)
		task_abort_follow(feed);
	leftovers_add_mirror(&feed->leftovers, feed->filling);
	leftovers_add_mirror(&feed->leftovers, feed->mirror);
	leftovers_fini(&feed->leftovers);
	pg_free(feed->pg);
	event_drop(feed->retry);
	event_drop(feed->poll);
	event_drop(feed->silence);
	free(feed);
}

void feed_reload(struct feed *feed, const struct feed_settings *settings)
{
	bool is_other_db = strcmp(feed->settings.db, settings->db) != 0;

	feed->settings = *settings;
	feed->wants_reload = true;
	if (is_other_db || feed->status.state <= FEED_CONNECTING)
		connection_restart(feed);
	else
		task_next(feed);
}

void feed_get_status(const struct feed *feed, struct feed_status *status)
{
	*status = feed->status;
	status->has_data = feed->mirror != NULL;
	status->is_listening = feed->is_listening;
}

const char *feed_state_text(enum feed_state state)
{
	switch (state) {
	case FEED_DISCONNECTED:
		return "disconnected";
	case FEED_CONNECTING:
		return "connecting";
	case FEED_LOADING:
		return "loading";
	default:
		return "following";
	}
}
