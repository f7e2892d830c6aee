#include "serve/health.h"

#include "base/clock.h"
#include "http/watch.h"

#include <inttypes.h>

static bool is_purge_lost(const struct purge *purge)
{
	struct purge_target_status status;

	for (size_t i = 0; i < purge_count(purge); i++) {
		purge_get_status(purge, i, &status);
		if (status.is_lost)
			return true;
	}
	return false;
}

bool health_write(struct buf *out, const struct monitor_parts *parts, long max_age_ms)
{
	struct feed_status feed;

	feed_get_status(parts->feed, &feed);
	int64_t age_ms = clock_ms() - feed.current_ms;
	bool is_old = feed.has_data && max_age_ms > 0 && age_ms > max_age_ms;
	bool is_ready = feed.has_data && !is_old;
	const struct watch_problem problems[] = {
		{!feed.has_data, "no data has been loaded yet"},
		{is_old, "the data is older than allowed"},
		{feed.state <= FEED_CONNECTING, "the database is not there"},
		{is_purge_lost(parts->purge), "a PowerDNS does not take purges"},
	};
	watch_write_health(out, is_ready, problems, sizeof(problems) / sizeof(problems[0]));
	buf_printf(out, ",\"database\":\"%s\"", feed_state_text(feed.state));
	if (feed.has_data)
		buf_printf(out,
			",\"mirror_version\":%" PRIu64 ",\"store_version\":%" PRIu64
			",\"age_seconds\":%" PRId64 ".%03" PRId64,
			feed.mirror.number, feed.store.number, age_ms / 1000, age_ms % 1000);
	BUF_ADD_LIT(out, "}\n");
	return is_ready;
}
