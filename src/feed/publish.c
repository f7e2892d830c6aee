#include "feed/publish.h"

#include "base/clock.h"
#include "base/log.h"
#include "feed/connection.h"
#include "feed/feed_internal.h"

#include <inttypes.h>

void publish_current(struct feed *feed)
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

void publish_load(struct feed *feed)
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

void publish_change(struct feed *feed)
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
