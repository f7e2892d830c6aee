#include "feed/connection.h"

#include "base/clock.h"
#include "base/log.h"
#include "feed/feed_internal.h"
#include "mirror/hooks.h"

#include <inttypes.h>

#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS   10000
/* A database that is asked and says nothing for so long counts as lost. */
#define SILENCE_MS 30000

void connection_start(struct feed *feed)
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

void connection_lost(struct feed *feed, const char *why)
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

void connection_restart(struct feed *feed)
{
	(void)evtimer_del(feed->retry);
	feed->pause_ms = PAUSE_FIRST_MS;
	if (feed->status.state > FEED_CONNECTING)
		connection_lost(feed, "the configuration names another one");
	(void)evtimer_del(feed->retry);
	connection_start(feed);
}

void connection_works(struct feed *feed)
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

bool connection_make_events(struct feed *feed, struct event_base *base)
{
	feed->pause_ms = PAUSE_FIRST_MS;
	feed->silence_ms = hook_number("CSDNS_TEST_SILENCE_MS", SILENCE_MS);
	struct timeval silence = clock_timeval(feed->silence_ms / 6);
	feed->retry = evtimer_new(base, on_retry, feed);
	feed->silence = event_new(base, -1, EV_PERSIST, on_silence, feed);
	return feed->retry != NULL && feed->silence != NULL &&
	       evtimer_add(feed->silence, &silence) == 0;
}
