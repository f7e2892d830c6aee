#include "config.h"

#include "serve/metrics_page.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "base/process_metrics.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- the store and the mirror ---- */

static void state_metrics(struct buf *out, const struct feed_status *feed)
{
	static const enum feed_state states[] = {
		FEED_DISCONNECTED, FEED_CONNECTING, FEED_LOADING, FEED_FOLLOWING};
	struct metric metric = metric_gauge(out, "csdns_database_state",
		"1 for the state that the connection to the database is in, 0 for the others.");

	for (size_t i = 0; i < COUNT(states); i++)
		metric_add(&metric, METRIC_LABEL("state", feed_state_text(states[i])),
			feed->state == states[i]);
	metrics_gauge(out, "csdns_database_listening",
		"Whether the database notifies of changes (1), or is asked again and again (0).",
		feed->is_listening);
	metrics_counter(out, "csdns_database_losses_total",
		"Connections to the database that were lost or could not be made.", feed->losses);
}

static void age_metrics(struct buf *out, const struct feed_status *feed)
{
	struct metric metric = metric_gauge(out, "csdns_mirror_age_seconds",
		"Time since the mirror was last known to equal the store.");
	metric_add_ms(&metric, NULL, clock_ms() - feed->current_ms);
	metric = metric_gauge(out, "csdns_mirror_lag_seconds",
		"Time between the commits of the mirror's version and of the newest that was seen "
		"in the store.");
	metric_add_us(&metric, NULL, feed->store.at_us - feed->mirror.at_us);
	metric = metric_gauge(out, "csdns_mirror_version_timestamp_seconds",
		"When the mirror's version was committed, in seconds since 1970.");
	metric_add_us(&metric, NULL, feed->mirror.at_us);
}

static void feed_metrics(struct buf *out, const struct feed_status *feed)
{
	state_metrics(out, feed);
	metrics_gauge(
		out, "csdns_mirror_ready", "Whether there is data to answer from.", feed->has_data);
	metrics_gauge(out, "csdns_store_version", "The newest version that was seen in the store.",
		feed->store.number);
	metrics_gauge(out, "csdns_mirror_version", "The version that is answered from.",
		feed->mirror.number);
	metrics_gauge(out, "csdns_mirror_lag_versions",
		"Versions between the mirror and the newest that was seen in the store.",
		feed->store.number > feed->mirror.number ? feed->store.number - feed->mirror.number
							 : 0);
	if (feed->has_data)
		age_metrics(out, feed);
	metrics_counter(out, "csdns_mirror_loads_total", "Full loads of the store.", feed->loads);
	metrics_counter(out, "csdns_mirror_changes_total",
		"Change sets that were applied; one may be several transactions.", feed->changes);
	metrics_gauge(out, "csdns_left_out_rows",
		"Rows of the last full load that cannot be served.", feed->left_out);
}

static void mirror_metrics(struct buf *out, const struct mirror *mirror)
{
	metrics_gauge(out, "csdns_mirror_zones", "Zones in the mirror.",
		mirror == NULL ? 0 : mirror_zones(mirror));
	metrics_gauge(out, "csdns_mirror_records", "Records in the mirror, disabled ones included.",
		mirror == NULL ? 0 : mirror->records);
}

static void memory_metrics(
	struct buf *out, const struct server *server, const struct mirror *mirror)
{
	struct server_memory memory;
	struct metric metric = metric_gauge(out, "csdns_memory_bytes",
		"Memory by what it is for: zones and records; room in the mirror that changes have "
		"left; requests that are being read; replies that are being written.");
	size_t used = mirror == NULL ? 0 : pool_used(mirror->pool);

	server_get_memory(server, &memory);
	metric_add(&metric, METRIC_LABEL("kind", "mirror"), used);
	metric_add(&metric, METRIC_LABEL("kind", "mirror_free"),
		mirror == NULL ? 0 : pool_bytes(mirror->pool) - used);
	metric_add(&metric, METRIC_LABEL("kind", "requests"), memory.requests);
	metric_add(&metric, METRIC_LABEL("kind", "replies"), memory.replies);
}

/* ---- PowerDNS' connections and requests ---- */

static void connection_metrics(struct buf *out, const struct server *server)
{
	struct server_status status;

	server_get_status(server, &status);
	struct metric metric =
		metric_gauge(out, "csdns_connections", "Connections of PowerDNS that are open.");
	metric_add(&metric, METRIC_LABEL("connector", "unix"), status.connections);
	metric_add(&metric, METRIC_LABEL("connector", "http"), status.http_connections);
	metrics_counter(out, "csdns_connections_accepted_total",
		"Connections of PowerDNS to the Unix socket that were accepted.", status.accepted);
	metrics_counter(out, "csdns_connections_refused_total",
		"Connections that were closed at once: too many, or of a user who is not allowed.",
		status.refused);
	metrics_gauge(out, "csdns_transactions_open",
		"Transactions of PowerDNS that have begun and not ended.", status.transactions);
}

static void add_results(
	const struct metric *metric, const char *method, const uint64_t counts[SERVER_RESULTS])
{
	static const char *const names[SERVER_RESULTS] = {
		[RESULT_OK] = "ok", [RESULT_EMPTY] = "empty", [RESULT_FAILED] = "failed"};

	for (size_t i = 0; i < SERVER_RESULTS; i++) {
		const struct metric_label labels[] = {
			{"method", method}, {"result", names[i]}, {NULL, NULL}};
		metric_add(metric, labels, counts[i]);
	}
}

/* Methods that nobody has called are left out, but for lookup. */
static bool is_called(unsigned method, const uint64_t counts[SERVER_RESULTS])
{
	return method == 0 || counts[RESULT_OK] + counts[RESULT_EMPTY] + counts[RESULT_FAILED] > 0;
}

static void request_metrics(struct buf *out, const struct server_numbers *numbers)
{
	struct metric metric = metric_counter(out, "csdns_requests_total",
		"Requests by method and result: empty where nothing was found, failed where the "
		"answer was false.");
	unsigned method = 0;

	for (;; method++) {
		const char *name = protocol_method_name(method);
		if (is_called(method, numbers->results[method]))
			add_results(
				&metric, name == NULL ? "other" : name, numbers->results[method]);
		if (name == NULL)
			break;
	}
	metric = metric_histogram(out, "csdns_request_duration_seconds",
		"From reading a request to having written its reply, and those of all requests "
		"that came in the same turn.");
	metric_add_histogram(&metric, NULL, &numbers->answering);
	metric = metric_histogram(out, "csdns_write_duration_seconds",
		"What PostgreSQL takes for PowerDNS' writes, and for reading inside transactions.");
	metric_add_histogram(&metric, NULL, &numbers->writing);
}

/* ---- purging ---- */

static uint64_t names(const struct purge_target_status *status)
{
	return status->names;
}

static uint64_t commands(const struct purge_target_status *status)
{
	return status->commands;
}

static uint64_t alls(const struct purge_target_status *status)
{
	return status->alls;
}

static uint64_t removed(const struct purge_target_status *status)
{
	return status->removed;
}

static uint64_t failed(const struct purge_target_status *status)
{
	return status->failed;
}

static uint64_t overflows(const struct purge_target_status *status)
{
	return status->overflows;
}

static uint64_t rediscovers(const struct purge_target_status *status)
{
	return status->rediscovers;
}

static uint64_t is_api_up(const struct purge_target_status *status)
{
	return status->has_api && !status->is_api_lost;
}

static uint64_t flushes(const struct purge_target_status *status)
{
	return status->flushes;
}

static uint64_t flush_failed(const struct purge_target_status *status)
{
	return status->flush_failed;
}

static uint64_t pending(const struct purge_target_status *status)
{
	return status->pending + status->is_all_pending;
}

static uint64_t zones_pending(const struct purge_target_status *status)
{
	return status->zones_pending;
}

static uint64_t is_up(const struct purge_target_status *status)
{
	return !status->is_lost;
}

static const struct {
	const char *name;
	struct metric (*begin)(struct buf *out, const char *name, const char *help);
	const char *help;
	uint64_t (*value)(const struct purge_target_status *status);
} purge_numbers[] = {
	{"csdns_purge_up", metric_gauge,
		"Whether the last command to this PowerDNS' control socket was answered.", is_up},
	{"csdns_purge_commands_total", metric_counter, "PURGE commands that PowerDNS answered.",
		commands},
	{"csdns_purge_names_total", metric_counter,
		"Names and suffixes in PURGE commands that PowerDNS answered.", names},
	{"csdns_purge_everything_total", metric_counter,
		"PURGE commands for everything that PowerDNS answered.", alls},
	{"csdns_purge_removed_total", metric_counter,
		"Entries that PowerDNS removed from its caches.", removed},
	{"csdns_purge_failed_total", metric_counter,
		"Commands that were not answered, or not as expected; they are repeated.", failed},
	{"csdns_purge_overflows_total", metric_counter,
		"Times that too many names were pending, and became everything.", overflows},
	{"csdns_purge_rediscovers_total", metric_counter,
		"Times that PowerDNS read its list of zones again.", rediscovers},
	{"csdns_purge_api_up", metric_gauge,
		"Whether zones that come or go are told one by one through this PowerDNS' web "
		"server (1), or it reads its whole list (0).",
		is_api_up},
	{"csdns_purge_zone_flushes_total", metric_counter,
		"Zones that PowerDNS looked at through its web server.", flushes},
	{"csdns_purge_zone_flushes_failed_total", metric_counter,
		"Requests to PowerDNS' web server that failed.", flush_failed},
	{"csdns_purge_pending_names", metric_gauge,
		"Names that PowerDNS is to forget and was not told yet.", pending},
	{"csdns_purge_pending_zones", metric_gauge,
		"Zones that came or went, and PowerDNS has not heard of.", zones_pending},
};

static void purge_metrics(struct buf *out, const struct purge *purge)
{
	struct purge_target_status status;

	for (size_t i = 0; i < COUNT(purge_numbers); i++) {
		struct metric metric =
			purge_numbers[i].begin(out, purge_numbers[i].name, purge_numbers[i].help);
		for (size_t target = 0; target < purge_count(purge); target++) {
			purge_get_status(purge, target, &status);
			metric_add(&metric, METRIC_LABEL("control", status.control),
				purge_numbers[i].value(&status));
		}
	}
	metrics_counter(out, "csdns_purge_repeated_names_total",
		"Names that were purged once more, for answers that were under way.",
		purge_repeated(purge));
}

/* ---- the whole ---- */

void metrics_page(struct buf *out, const struct monitor_parts *parts)
{
	const struct mirror *mirror = server_protocol(parts->server)->mirror;
	struct feed_status feed;
	struct metric build =
		metric_gauge(out, "csdns_build_info", "The version of csdns; always 1.");

	metric_add(&build, METRIC_LABEL("version", PACKAGE_VERSION), 1);
	feed_get_status(parts->feed, &feed);
	feed_metrics(out, &feed);
	mirror_metrics(out, mirror);
	memory_metrics(out, parts->server, mirror);
	connection_metrics(out, parts->server);
	request_metrics(out, server_numbers(parts->server));
	purge_metrics(out, parts->purge);
	watch_write_reloads(out, "csdns_config_reloads_total", parts->reloads);
	process_metrics(out);
}
