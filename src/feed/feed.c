#include "feed/feed.h"

#include "base/clock.h"
#include "base/log.h"
#include "feed/follow.h"
#include "feed/leftovers.h"
#include "feed/load.h"
#include "feed/version.h"
#include "mirror/hooks.h"
#include "pg/events.h"
#include "pg/pg.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS   10000
/* With LISTEN a poll is only for what a notification might have missed. */
#define GUARD_POLL_MS 5000
/* A database that is asked and says nothing for so long counts as lost. */
#define SILENCE_MS 30000
/* PostgreSQL gives up a wait for a lock before that: a session that we leave because it is silent
 * would wait on, and with each attempt there would be one more. Milliseconds. */
#define LOCK_MS "10000"

/* What the connection is busy with. */
enum task {
	TASK_NONE,
	TASK_CHECK,   /* is the schema there, may we listen? */
	TASK_PREPARE, /* statements */
	TASK_LISTEN,
	TASK_LOAD,
	TASK_FOLLOW,
	TASK_POLL,
	TASK_SETTLE, /* serials that are owed */
};

struct feed {
	struct feed_settings settings;
	const struct feed_handlers *handlers;
	void *arg;
	struct pg *pg;
	enum task task;
	struct mirror *mirror;	/* served; NULL before the first load */
	struct mirror *filling; /* TASK_LOAD */
	struct leftovers leftovers;
	struct load load;
	struct follow follow;
	struct left_out left_out;
	struct event *retry; /* connects again */
	struct event *poll;
	struct event *silence;
	int64_t silence_ms;	 /* see SILENCE_MS */
	int64_t pause_ms;	 /* before the next attempt to connect */
	int64_t heard_ms;	 /* when the database last said something */
	unsigned silent_follows; /* in a row, that were given up because it said nothing */
	bool is_listening;
	bool in_recovery; /* a hot standby: no LISTEN */
	bool is_refused;  /* LISTEN failed on this connection */
	bool wants_reload;
	bool wants_settle; /* the store owes serials, see csdns.serial_debt */
	bool wants_poll;   /* something is new, or may be */
	bool is_failed;	   /* the task's statement failed; problem says why */
	char problem[PROBLEM_MAX];
	struct feed_status status;
};

static void task_abort_follow(struct feed *feed)
{
	leftovers_add_change(&feed->leftovers, follow_abort(&feed->follow));
	leftovers_step(&feed->leftovers);
}

/* ---- connecting ---- */

static void connection_start(struct feed *feed)
{
	struct pg_target target = {.db = feed->settings.db, .name = "csdnsd"};

	feed->status.state = FEED_CONNECTING;
	feed->heard_ms = clock_ms();
	pg_start(feed->pg, &target);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	connection_start(arg);
}

/* How old the data is, for the log. */
static void log_age(const struct feed *feed)
{
	if (feed->mirror == NULL)
		log_warning("there is no data yet: every request is answered with an error");
	else
		log_warning("answering from version %" PRIu64 ", current %" PRId64 " s ago",
			feed->mirror->version.number,
			(clock_ms() - feed->status.current_ms) / 1000);
}

static void connection_lost(struct feed *feed, const char *why)
{
	struct timeval pause = clock_timeval(feed->pause_ms);

	log_warning("no connection to the database: %s; next attempt in %" PRId64 " ms", why,
		feed->pause_ms);
	log_age(feed);
	pg_stop(feed->pg);
	if (feed->task == TASK_FOLLOW)
		task_abort_follow(feed);
	if (feed->filling != NULL) {
		leftovers_add_mirror(&feed->leftovers, feed->filling);
		feed->wants_reload = true; /* somebody asked for it, and still does */
	}
	feed->filling = NULL;
	feed->task = TASK_NONE;
	feed->is_listening = false;
	feed->status.state = FEED_DISCONNECTED;
	(void)evtimer_del(feed->poll);
	(void)evtimer_add(feed->retry, &pause);
	feed->pause_ms = feed->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : feed->pause_ms * 2;
	feed->status.losses++;
	feed->handlers->on_lost(feed->arg, why);
}

static void connection_restart(struct feed *feed)
{
	(void)evtimer_del(feed->retry);
	feed->pause_ms = PAUSE_FIRST_MS;
	if (feed->status.state > FEED_CONNECTING)
		connection_lost(feed, "the configuration names another one");
	(void)evtimer_del(feed->retry);
	connection_start(feed);
}

static void connection_works(struct feed *feed)
{
	feed->pause_ms = PAUSE_FIRST_MS;
	feed->silent_follows = 0;
}

static void on_silence(evutil_socket_t fd, short what, void *arg)
{
	struct feed *feed = arg;
	bool is_waiting = feed->task != TASK_NONE || feed->status.state == FEED_CONNECTING;

	(void)fd;
	(void)what;
	leftovers_look(&feed->leftovers);
	if (!is_waiting || clock_ms() - feed->heard_ms <= feed->silence_ms)
		return;
	/* The first time it may hang. But what changed is put together before the first row of it
	 * comes, and so much may have changed that this takes longer than we wait, each time. A
	 * load says something all the while. */
	if (feed->task == TASK_FOLLOW && ++feed->silent_follows > 1)
		feed->wants_reload = true;
	connection_lost(feed, "it says nothing");
}

static bool connection_make_events(struct feed *feed, struct event_base *base)
{
	feed->pause_ms = PAUSE_FIRST_MS;
	feed->silence_ms = hook_number("CSDNS_TEST_SILENCE_MS", SILENCE_MS);
	struct timeval silence = clock_timeval(feed->silence_ms / 6);
	feed->retry = evtimer_new(base, on_retry, feed);
	feed->silence = event_new(base, -1, EV_PERSIST, on_silence, feed);
	return feed->retry != NULL && feed->silence != NULL &&
	       evtimer_add(feed->silence, &silence) == 0;
}

/* ---- tasks ---- */

static void begin(struct feed *feed, enum task task)
{
	feed->task = task;
	feed->is_failed = false;
	feed->problem[0] = '\0';
	feed->heard_ms = clock_ms();
	pg_reading_reset(feed->pg);
	(void)evtimer_del(feed->poll);
}

static void task_begin_check(struct feed *feed)
{
	begin(feed, TASK_CHECK);
	pg_send(feed->pg, "SET lock_timeout = " LOCK_MS
			  "; SELECT pg_is_in_recovery(), max(version) FROM csdns.schema_version");
}

static void task_begin_prepare(struct feed *feed)
{
	begin(feed, TASK_PREPARE);
	pg_pipeline_begin(feed->pg);
	follow_prepare(feed->pg);
	pg_pipeline_sync(feed->pg);
}

static void task_begin_listen(struct feed *feed)
{
	begin(feed, TASK_LISTEN);
	pg_send(feed->pg, "LISTEN csdns");
}

static void begin_load(struct feed *feed)
{
	feed->wants_reload = false;
	feed->filling = mirror_new(feed->settings.default_ttl);
	if (feed->filling == NULL) {
		connection_lost(feed, "out of memory");
		return;
	}
	begin(feed, TASK_LOAD);
	feed->status.state = FEED_LOADING;
	load_start(&feed->load, feed->pg, feed->filling, feed->mirror, &feed->left_out);
}

static void begin_follow(struct feed *feed)
{
	feed->wants_poll = false;
	begin(feed, TASK_FOLLOW);
	follow_start(&feed->follow, feed->pg, feed->mirror, &feed->left_out);
}

/* Cheaper than following, for when there is most likely nothing. */
static void begin_poll(struct feed *feed)
{
	begin(feed, TASK_POLL);
	pg_send(feed->pg, "SELECT " VERSION_COLUMNS ", pg_is_in_recovery(), "
			  "EXISTS (SELECT FROM csdns.serial_debt) FROM csdns.head()");
}

/* Moves SOA serials that could not be moved at commit because somebody else held the SOA, who then
 * gave up, while nobody has committed since. */
static void begin_settle(struct feed *feed)
{
	feed->wants_settle = false;
	begin(feed, TASK_SETTLE);
	pg_send(feed->pg, "SELECT csdns.settle()");
}

static void wait_for_poll(struct feed *feed)
{
	struct timeval pause =
		clock_timeval(feed->is_listening ? GUARD_POLL_MS : feed->settings.poll_ms);

	feed->task = TASK_NONE;
	(void)evtimer_add(feed->poll, &pause);
}

/* The connection is idle: what is next? */
static void task_next(struct feed *feed)
{
	if (feed->task != TASK_NONE || !pg_is_up(feed->pg) || feed->status.state < FEED_LOADING)
		return;
	/* One change set at a time. */
	if (feed->leftovers.change != NULL)
		return;
	if (feed->mirror == NULL || feed->wants_reload)
		begin_load(feed);
	else if (feed->wants_poll)
		begin_follow(feed);
	else if (feed->wants_settle)
		begin_settle(feed);
	else
		wait_for_poll(feed);
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct feed *feed = arg;

	(void)fd;
	(void)what;
	if (feed->task == TASK_NONE && feed->leftovers.change == NULL && pg_is_up(feed->pg))
		begin_poll(feed);
}

static bool task_make_events(struct feed *feed, struct event_base *base)
{
	feed->poll = evtimer_new(base, on_poll, feed);
	return feed->poll != NULL;
}

/* ---- outcomes ---- */

static void publish_current(struct feed *feed)
{
	feed->status.current_ms = clock_ms();
	feed->status.store = feed->mirror->version;
	feed->status.mirror = feed->mirror->version;
	feed->status.state = FEED_FOLLOWING;
	connection_works(feed);
}

/* So that a result which comes in one piece is seen, by people and by tests. */
static void log_reading(const struct feed *feed)
{
	const struct pg_reading *reading = pg_reading(feed->pg);

	log_debug("read %" PRIu64 " rows in %" PRIu64 " turns, at most %" PRIu64 " in one",
		reading->rows, reading->turns, reading->most);
}

/* After a load nobody knows what changed, but for the zones. */
static void say_all_affected(struct feed *feed, bool has_same_zones)
{
	struct affected affected;

	if (feed->handlers->on_affected == NULL)
		return;
	affected_init(&affected);
	if (has_same_zones)
		affected_set_all_names(&affected);
	else
		affected_set_all(&affected);
	feed->handlers->on_affected(feed->arg, &affected);
	affected_fini(&affected);
}

static void publish_load(struct feed *feed)
{
	struct mirror *old = feed->mirror;

	feed->mirror = feed->leftovers.served = feed->filling;
	feed->filling = NULL;
	feed->wants_poll = true; /* what was committed during the load */
	feed->status.loads++;
	feed->status.left_out = feed->left_out.rows;
	publish_current(feed);
	left_out_summary(&feed->left_out);
	log_notice("loaded version %" PRIu64 ": %zu zones, %" PRIu64 " records, %" PRIu64
		   " left out",
		feed->mirror->version.number, mirror_zones(feed->mirror), feed->mirror->records,
		feed->left_out.rows);
	log_reading(feed);
	bool has_same_zones = load_found_same_zones(&feed->load);
	feed->handlers->on_mirror(feed->arg, feed->mirror);
	say_all_affected(feed, has_same_zones);
	feed->handlers->on_version(feed->arg, feed->mirror->version);
	leftovers_add_mirror(&feed->leftovers, old);
}

static void publish_change(struct feed *feed)
{
	struct change *change = feed->follow.change;
	struct affected affected;

	/* Before anybody hears of it, and wants the next. */
	leftovers_add_change(&feed->leftovers, change);
	left_out_summary(&feed->left_out);
	log_debug("version %" PRIu64 " follows %" PRIu64 ": %zu names or zones changed",
		feed->follow.version.number, feed->mirror->version.number, change_size(change));
	log_reading(feed);
	affected_init(&affected);
	if (feed->handlers->on_affected != NULL)
		change_watch(change, &affected);
	change_commit(change, feed->follow.version);
	feed->status.changes++;
	publish_current(feed);
	if (feed->handlers->on_affected != NULL)
		feed->handlers->on_affected(feed->arg, &affected);
	affected_fini(&affected);
	feed->handlers->on_version(feed->arg, feed->mirror->version);
	leftovers_step(&feed->leftovers);
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
		feed->is_failed = true;
		(void)snprintf(feed->problem, sizeof(feed->problem), "%s", feed->follow.problem);
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
	if (PQgetisnull(result, 0, 1)) {
		feed->is_failed = true;
		(void)snprintf(feed->problem, sizeof(feed->problem),
			"the schema is not installed: csdns schema install");
	}
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
	enum run_state state;

	feed->task = TASK_NONE;
	switch (task) {
	case TASK_LISTEN:
		listen_done(feed);
		break;
	case TASK_LOAD:
		state = load_on_done(&feed->load);
		if (state == RUN_GOES_ON) {
			feed->task = TASK_LOAD;
			return;
		}
		if (state == RUN_DONE) {
			publish_load(feed);
		} else {
			feed->is_failed = true;
			(void)snprintf(
				feed->problem, sizeof(feed->problem), "%s", feed->load.problem);
		}
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
