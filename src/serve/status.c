#include "serve/status.h"

#include "base/clock.h"

#include <inttypes.h>

void status_text(struct buf *text, const struct feed *feed, const struct server *server)
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
	buf_printf(text, "accepted %" PRIu64 "\n", status.accepted);
	buf_printf(text, "refused %" PRIu64 "\n", status.refused);
	buf_printf(text, "requests %" PRIu64 "\n", status.requests);
	buf_printf(text, "failed %" PRIu64 "\n", status.failed);
	buf_printf(text, "transactions %u\n", status.transactions);
}
