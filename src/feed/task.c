#include "feed/task.h"

#include "base/clock.h"
#include "feed/connection.h"
#include "feed/feed_internal.h"
#include "feed/version.h"

/* With LISTEN a poll is only for what a notification might have missed. */
#define GUARD_POLL_MS 5000
/* PostgreSQL gives up a wait for a lock before its silence counts as a loss: a session that we
 * leave because it is silent would wait on, and with each attempt there would be one more.
 * Milliseconds. */
#define LOCK_MS "10000"

void task_abort_follow(struct feed *feed)
{
	leftovers_add_change(&feed->leftovers, follow_abort(&feed->follow));
	leftovers_step(&feed->leftovers);
}

static void begin(struct feed *feed, enum task task)
{
	feed->task = task;
	feed->is_failed = false;
	feed->problem[0] = '\0';
	feed->heard_ms = clock_ms();
	pg_reading_reset(feed->pg);
	(void)evtimer_del(feed->poll);
}

void task_begin_check(struct feed *feed)
{
	begin(feed, TASK_CHECK);
	pg_send(feed->pg, "SET lock_timeout = " LOCK_MS
			  "; SELECT pg_is_in_recovery(), max(version) FROM csdns.schema_version");
}

void task_begin_prepare(struct feed *feed)
{
	begin(feed, TASK_PREPARE);
	pg_pipeline_begin(feed->pg);
	follow_prepare(feed->pg);
	pg_pipeline_sync(feed->pg);
}

void task_begin_listen(struct feed *feed)
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
void task_next(struct feed *feed)
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

bool task_make_events(struct feed *feed, struct event_base *base)
{
	feed->poll = evtimer_new(base, on_poll, feed);
	return feed->poll != NULL;
}
