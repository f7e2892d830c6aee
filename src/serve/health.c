#include "serve/health.h"

#include "base/clock.h"

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

static void add_problem(struct buf *out, bool is_there, const char *problem, bool *is_first)
{
	if (!is_there)
		return;
	buf_printf(out, "%s\"%s\"", *is_first ? "" : ",", problem);
	*is_first = false;
}

bool health_write(struct buf *out, const struct monitor_parts *parts, long max_age_ms)
{
	struct feed_status feed;
	bool is_healthy = true;

	feed_get_status(parts->feed, &feed);
	int64_t age_ms = clock_ms() - feed.current_ms;
	bool is_old = feed.has_data && max_age_ms > 0 && age_ms > max_age_ms;
	bool is_ready = feed.has_data && !is_old;
	BUF_ADD_LIT(out, "{\"problems\":[");
	add_problem(out, !feed.has_data, "no data has been loaded yet", &is_healthy);
	add_problem(out, is_old, "the data is older than allowed", &is_healthy);
	add_problem(out, feed.state <= FEED_CONNECTING, "the database is not there", &is_healthy);
	add_problem(
		out, is_purge_lost(parts->purge), "a PowerDNS does not take purges", &is_healthy);
	buf_printf(out, "],\"status\":\"%s\",\"database\":\"%s\"",
		!is_ready    ? "unready"
		: is_healthy ? "ok"
			     : "degraded",
		feed_state_text(feed.state));
	if (feed.has_data)
		buf_printf(out,
			",\"mirror_version\":%" PRIu64 ",\"store_version\":%" PRIu64
			",\"age_seconds\":%" PRId64 ".%03" PRId64,
			feed.mirror.number, feed.store.number, age_ms / 1000, age_ms % 1000);
	BUF_ADD_LIT(out, "}\n");
	return is_ready;
}
