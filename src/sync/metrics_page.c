#include "config.h"

#include "sync/metrics_page.h"

#include "base/metrics.h"
#include "base/process_metrics.h"

/* ---- what all share ---- */

static void shared_metrics(struct buf *out, const struct monitor_shared *shared)
{
	struct metric metric;

	if (!shared->is_known)
		return;
	metrics_gauge(out, "csdns_sync_queue_tasks", "Entities in the queue of the store.",
		shared->tasks);
	metrics_gauge(out, "csdns_sync_queue_failing_tasks",
		"Entities in the queue that failed the last time; view csdns.v_sync_failing.",
		shared->failing);
	metrics_gauge(out, "csdns_sync_queue_working_tasks",
		"Entities in the queue that a csdns-sync has in hand.", shared->working);
	metric = metric_gauge(out, "csdns_sync_queue_oldest_age_seconds",
		"For how long the oldest entity in the queue waits; 0 when it is empty.");
	metric_add_ms(&metric, NULL, shared->oldest_ms);
	metric = metric_gauge(out, "csdns_sync_last_event_timestamp_seconds",
		"When the last event came to any csdns-sync, in seconds since 1970; 0: never.");
	metric_add_us(&metric, NULL, shared->last_event_us);
	metric = metric_gauge(out, "csdns_sync_reconcile_last_complete_timestamp_seconds",
		"When the last reconcile that listed everything began, in seconds since 1970; 0: "
		"never.");
	metric_add_us(&metric, NULL, shared->last_complete_us);
	metrics_gauge(out, "csdns_sync_reconcile_last_differences",
		"Differences between cloud and facts that this one found.", shared->differences);
	metrics_gauge(out, "csdns_sync_verify_faults",
		"Record sets that a DNS server answers otherwise than the store says, each counted "
		"for each server; table csdns.verify_fault.",
		shared->faults);
}

static void database_metrics(
	struct buf *out, const struct monitor_parts *parts, const struct monitor_shared *shared)
{
	struct worker_status worker;
	struct metric metric = metric_gauge(out, "csdns_sync_database_up",
		"Whether the database is there, by the connection's task.");

	worker_get_status(parts->worker, &worker);
	metric_add(&metric, METRIC_LABEL("connection", "intake"), intake_is_up(parts->intake));
	metric_add(&metric, METRIC_LABEL("connection", "worker"), worker.is_up);
	metric_add(&metric, METRIC_LABEL("connection", "monitor"), shared->is_known);
}

/* ---- events ---- */

static void event_metrics(struct buf *out, const struct monitor_parts *parts)
{
	struct intake_status status;

	tally_write(intake_tally(parts->intake), out);
	intake_get_status(parts->intake, &status);
	metrics_counter(out, "csdns_sync_event_batches_total",
		"Transactions that events were stored in.", status.batches);
	metrics_gauge(out, "csdns_sync_events_waiting",
		"Events that wait to be stored, or are under way.", intake_waiting(parts->intake));
}

static void webhook_metrics(struct buf *out, const struct monitor_parts *parts)
{
	static const struct {
		enum webhook_outcome outcome;
		const char *reason;
	} reasons[] = {{WEBHOOK_BAD_SIGNATURE, "bad_signature"}, {WEBHOOK_BAD_BODY, "bad_body"},
		{WEBHOOK_TOO_LONG, "too_long"}, {WEBHOOK_TOO_MANY, "too_many"},
		{WEBHOOK_FAILED, "not_stored"}};
	struct webhook_status webhook;
	struct http_status http = {.connections = 0};
	struct metric metric = metric_counter(out, "csdns_sync_webhooks_refused_total",
		"Deliveries of webhooks that were refused, by reason: bad_signature, bad_body, "
		"too_long (max-body), too_many (a second), not_stored (in time).");

	webhook_get_status(parts->webhook, &webhook);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		metric_add(&metric, METRIC_LABEL("reason", reasons[i].reason),
			webhook.outcomes[reasons[i].outcome]);
	if (parts->http == NULL)
		return;
	http_get_status(parts->http, &http);
	metrics_gauge(out, "csdns_sync_webhook_connections",
		"Connections to the listener of the webhooks.", http.connections);
	metrics_counter(out, "csdns_sync_webhook_connections_accepted_total",
		"Connections that it accepted.", http.accepted);
	metrics_counter(out, "csdns_sync_webhook_connections_refused_total",
		"Connections that it closed at once: there were too many.", http.refused);
	metrics_counter(out, "csdns_sync_webhook_connections_timed_out_total",
		"Connections whose request did not arrive in time.", http.timed_out);
}

/* Of each event bus that is configured, one metric. */
static void bus_metric(
	const struct metric *metric, const struct monitor_parts *parts, size_t offset)
{
	struct bus_status status;

	for (unsigned i = 0; i < parts->n_buses; i++) {
		const char *bus = parts->get_bus(parts->bus_arg, i, &status);
		const struct metric_label labels[] = {{"bus", bus}, {NULL, NULL}};
		if (bus != NULL)
			metric_add(metric, labels,
				*(const uint64_t *)(const void *)((const char *)&status + offset));
	}
}

static void bus_states(struct buf *out, const struct monitor_parts *parts)
{
	struct bus_status status;

	for (int row = 0; row < 2; row++) {
		struct metric metric =
			row == 0 ? metric_gauge(out, "csdns_sync_bus_connected",
					   "Whether the event bus is connected.")
				 : metric_gauge(out, "csdns_sync_bus_held",
					   "Whether its events wait for the database.");
		for (unsigned i = 0; i < parts->n_buses; i++) {
			const char *bus = parts->get_bus(parts->bus_arg, i, &status);
			const struct metric_label labels[] = {{"bus", bus}, {NULL, NULL}};
			if (bus != NULL)
				metric_add(&metric, labels,
					row == 0 ? status.is_connected : status.is_held);
		}
	}
}

static void bus_metrics(struct buf *out, const struct monitor_parts *parts)
{
	static const struct {
		const char *name;
		size_t offset;
		const char *help;
	} counters[] = {
		{"csdns_sync_bus_messages_total", offsetof(struct bus_status, received),
			"Messages that came; those that are delivered again too."},
		{"csdns_sync_bus_durable_total", offsetof(struct bus_status, durable),
			"Of those: events that were stored."},
		{"csdns_sync_bus_passed_total", offsetof(struct bus_status, passed),
			"Of those: with nothing to do; csdns_sync_events_total has why."},
		{"csdns_sync_bus_poison_total", offsetof(struct bus_status, poison),
			"Of those: could not be taken, and were passed by."},
		{"csdns_sync_bus_retries_total", offsetof(struct bus_status, retried),
			"Tries to store an event that failed and are repeated."},
		{"csdns_sync_bus_disconnects_total", offsetof(struct bus_status, disconnected),
			"Connections that were lost or could not be made."},
	};

	bus_states(out, parts);
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		struct metric counter = metric_counter(out, counters[i].name, counters[i].help);
		bus_metric(&counter, parts, counters[i].offset);
	}
	struct metric gauge = metric_gauge(out, "csdns_sync_bus_messages_in_flight",
		"Messages that came and are not done; they are not acknowledged.");
	bus_metric(&gauge, parts, offsetof(struct bus_status, in_flight));
}

/* ---- work ---- */

static void worker_metrics(struct buf *out, const struct worker *worker)
{
	struct worker_status status;
	struct metric metric = metric_counter(out, "csdns_sync_tasks_total",
		"Entities that were worked on, by outcome: stored, gone (from the cloud, and so "
		"from the facts), failed (they wait), lost (another csdns-sync had them).");

	worker_get_status(worker, &status);
	metric_add(&metric, METRIC_LABEL("outcome", "stored"), status.stored);
	metric_add(&metric, METRIC_LABEL("outcome", "gone"), status.gone);
	metric_add(&metric, METRIC_LABEL("outcome", "failed"), status.failed);
	metric_add(&metric, METRIC_LABEL("outcome", "lost"), status.lost);
	metrics_counter(out, "csdns_sync_tasks_claimed_total",
		"Entities that were taken from the queue.", status.claimed);
	metrics_gauge(out, "csdns_sync_tasks_in_hand", "Entities that this csdns-sync works on.",
		status.in_hand);
}

static void api_metrics(struct buf *out, const struct api *api)
{
	struct api_status status;
	struct metric metric;

	api_get_status(api, &status);
	metrics_gauge(out, "csdns_sync_api_up",
		"Whether the last request to the cloud's API was answered, and not refused for "
		"its key.",
		!status.is_failing && !status.is_unauthorized);
	metrics_counter(out, "csdns_sync_api_requests_total",
		"Requests that were sent to the cloud's API, each attempt counted.",
		status.requests);
	metrics_counter(out, "csdns_sync_api_retries_total", "Of those, not the first attempts.",
		status.retries);
	metric = metric_counter(out, "csdns_sync_api_errors_total",
		"Attempts that failed, by kind: connect, timeout, tls, transfer, malformed (not "
		"CloudStack's JSON), unauthorized, throttled, internal (CloudStack's), refused, "
		"memory.");
	for (int error = 0; error < API_ERRORS; error++)
		metric_add(&metric, METRIC_LABEL("kind", api_error_name((enum api_error)error)),
			status.errors[error]);
	metrics_gauge(out, "csdns_sync_api_requests_in_flight", "Requests that are under way.",
		status.in_flight);
	metrics_gauge(out, "csdns_sync_api_requests_waiting",
		"Requests that wait for one of those to end.", status.waiting);
	metric = metric_histogram(out, "csdns_sync_api_request_duration_seconds",
		"What an attempt takes, up to its answer or failure.");
	metric_add_histogram(&metric, NULL, &status.answering);
}

static void reconcile_metrics(struct buf *out, const struct reconcile *reconcile)
{
	struct reconcile_status status;
	struct metric metric = metric_counter(out, "csdns_sync_reconcile_passes_total",
		"Passes through all entities of one kind, by outcome.");

	reconcile_get_status(reconcile, &status);
	metric_add(&metric, METRIC_LABEL("outcome", "complete"), status.complete);
	metric_add(&metric, METRIC_LABEL("outcome", "failed"), status.failed);
	metric = metric_counter(out, "csdns_sync_reconcile_entities_total",
		"Entities in these passes: listed; of those changed (the facts were not so) and "
		"faulty (refused by the schema); missing (not listed, and asked for one by one).");
	metric_add(&metric, METRIC_LABEL("result", "listed"), status.listed);
	metric_add(&metric, METRIC_LABEL("result", "changed"), status.changed);
	metric_add(&metric, METRIC_LABEL("result", "faulty"), status.faulty);
	metric_add(&metric, METRIC_LABEL("result", "missing"), status.missing);
	metrics_gauge(out, "csdns_sync_reconcile_running",
		"Whether this csdns-sync lists the cloud now.", status.is_running);
	metric = metric_gauge(out, "csdns_sync_reconcile_last_duration_seconds",
		"What the last complete reconcile of this csdns-sync took; 0: there was none.");
	metric_add_us(&metric, NULL, (int64_t)(status.last_seconds * 1e6));
}

static void catch_up_metrics(struct buf *out, const struct catch_up *catch_up)
{
	struct catch_up_status status;
	struct metric metric = metric_counter(out, "csdns_sync_catch_ups_total",
		"Readings of the cloud's own list of events, by outcome.");

	catch_up_get_status(catch_up, &status);
	metric_add(&metric, METRIC_LABEL("outcome", "complete"), status.complete);
	metric_add(&metric, METRIC_LABEL("outcome", "failed"), status.failed);
	metrics_counter(out, "csdns_sync_catch_up_rows_total",
		"Rows of that list that were read, most of them of events that had come.",
		status.rows);
	metric = metric_gauge(out, "csdns_sync_catch_up_last_complete_timestamp_seconds",
		"When this csdns-sync last read it to the end, in seconds since 1970; 0: never.");
	metric_add_us(&metric, NULL, status.last_us);
}

static void answer_metrics(struct buf *out, const struct verify_status *status)
{
	struct metric metric = metric_counter(out, "csdns_sync_verify_answers_total",
		"What became of them, by result: right (as the store says), wrong, none (no "
		"answer).");

	for (size_t i = 0; i < status->n_servers; i++) {
		const struct verify_server *server = &status->servers[i];
		const struct {
			const char *result;
			uint64_t n;
		} results[] = {{"right", server->right}, {"wrong", server->wrong},
			{"none", server->unanswered}};
		for (size_t k = 0; k < sizeof(results) / sizeof(results[0]); k++) {
			const struct metric_label labels[] = {{"server", server->name},
				{"result", results[k].result}, {NULL, NULL}};
			metric_add(&metric, labels, results[k].n);
		}
	}
}

static void verify_metrics(struct buf *out, const struct verify *verify)
{
	struct verify_status status = {.servers = NULL};
	struct metric metric = metric_counter(out, "csdns_sync_verify_questions_total",
		"Questions about a record set to a DNS server; each goes out twice at most, and "
		"once "
		"more over TCP where its answer was truncated.");

	if (verify != NULL)
		verify_get_status(verify, &status);
	for (size_t i = 0; i < status.n_servers; i++)
		metric_add(&metric, METRIC_LABEL("server", status.servers[i].name),
			status.servers[i].asked);
	answer_metrics(out, &status);
	metrics_gauge(out, "csdns_sync_verify_instances_waiting",
		"Instances that have changed and are to be asked for.", status.waiting);
	metrics_gauge(out, "csdns_sync_verify_repeats_waiting",
		"Record sets that were not answered as the store says, and are to be asked for "
		"again.",
		status.repeating);
	metrics_counter(out, "csdns_sync_verify_left_out_total",
		"Instances and questions that were not asked: too many wait, or there is no way to "
		"the server.",
		status.left_out);
}

/* ---- the whole ---- */

void metrics_page(
	struct buf *out, const struct monitor_parts *parts, const struct monitor_shared *shared)
{
	struct metric build =
		metric_gauge(out, "csdns_sync_build_info", "The version of csdns; always 1.");

	metric_add(&build, METRIC_LABEL("version", PACKAGE_VERSION), 1);
	database_metrics(out, parts, shared);
	shared_metrics(out, shared);
	event_metrics(out, parts);
	webhook_metrics(out, parts);
	bus_metrics(out, parts);
	worker_metrics(out, parts->worker);
	if (parts->api != NULL)
		api_metrics(out, parts->api);
	if (parts->reconcile != NULL)
		reconcile_metrics(out, parts->reconcile);
	if (parts->catch_up != NULL)
		catch_up_metrics(out, parts->catch_up);
	verify_metrics(out, parts->verify);
	watch_write_reloads(out, "csdns_sync_config_reloads_total", parts->reloads);
	process_metrics(out);
}
