#include "serve/status.h"

#include "base/clock.h"

#include <inttypes.h>

/* Of all PowerDNS together. */
static void purge_text(struct buf *text, const struct purge *purge)
{
	struct purge_target_status sum = {.control = NULL};
	struct purge_target_status one;
	unsigned lost = 0;

	for (size_t i = 0; i < purge_count(purge); i++) {
		purge_get_status(purge, i, &one);
		lost += one.is_lost;
		sum.commands += one.commands;
		sum.names += one.names;
		sum.alls += one.alls;
		sum.removed += one.removed;
		sum.failed += one.failed;
		sum.rediscovers += one.rediscovers;
		sum.flushes += one.flushes;
		sum.pending += one.pending + one.is_all_pending;
		sum.zones_pending += one.zones_pending;
	}
	buf_printf(text, "purge_targets %zu\n", purge_count(purge));
	buf_printf(text, "purge_lost %u\n", lost);
	buf_printf(text, "purge_commands %" PRIu64 "\n", sum.commands);
	buf_printf(text, "purge_names %" PRIu64 "\n", sum.names);
	buf_printf(text, "purge_all %" PRIu64 "\n", sum.alls);
	buf_printf(text, "purge_removed %" PRIu64 "\n", sum.removed);
	buf_printf(text, "purge_failed %" PRIu64 "\n", sum.failed);
	buf_printf(text, "purge_pending %zu\n", sum.pending);
	buf_printf(text, "purge_zones_pending %zu\n", sum.zones_pending);
	buf_printf(text, "purge_repeated %" PRIu64 "\n", purge_repeated(purge));
	buf_printf(text, "rediscovers %" PRIu64 "\n", sum.rediscovers);
	buf_printf(text, "zone_flushes %" PRIu64 "\n", sum.flushes);
}

void status_text(struct buf *text, const struct feed *feed, const struct server *server,
	const struct purge *purge)
{
	struct feed_status feed_status;
	struct server_status status;

	feed_get_status(feed, &feed_status);
	server_get_status(server, &status);
	buf_printf(text, "database %s\n", feed_state_text(feed_status.state));
	buf_printf(text, "listening %s\n", feed_status.is_listening ? "yes" : "no");
	buf_printf(text, "mirror_version %" PRIu64 "\n", feed_status.mirror.number);
	buf_printf(text, "store_version %" PRIu64 "\n", feed_status.store.number);
	if (feed_status.has_data)
		buf_printf(text, "age_ms %" PRId64 "\n", clock_ms() - feed_status.current_ms);
	buf_printf(text, "loads %" PRIu64 "\n", feed_status.loads);
	buf_printf(text, "changes %" PRIu64 "\n", feed_status.changes);
	buf_printf(text, "left_out %" PRIu64 "\n", feed_status.left_out);
	buf_printf(text, "connections %u\n", status.connections);
	buf_printf(text, "http_connections %u\n", status.http_connections);
	buf_printf(text, "accepted %" PRIu64 "\n", status.accepted);
	buf_printf(text, "refused %" PRIu64 "\n", status.refused);
	buf_printf(text, "requests %" PRIu64 "\n", status.requests);
	buf_printf(text, "failed %" PRIu64 "\n", status.failed);
	buf_printf(text, "transactions %u\n", status.transactions);
	purge_text(text, purge);
}
