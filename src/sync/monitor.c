#include "config.h"

#include "sync/monitor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http/reply.h"
#include "http/watch.h"
#include "pg/events.h"
#include "sync/metrics_page.h"
#include "sync/store.h"

#include <stdio.h>
#include <stdlib.h>

/* A request for /metrics that waits for the database. */
struct scrape {
	struct scrape *next;
	struct evhttp_request *request;
};

struct monitor {
	struct watch *watch;
	struct store *store;
	struct event *timer; /* the end of patience with the database */
	struct scrape *scrapes;
	struct monitor_parts parts;
};

/* ---- /metrics ---- */

static void send_page(struct monitor *monitor, struct evhttp_request *request,
	const struct monitor_shared *shared)
{
	struct buf page;

	buf_init(&page);
	metrics_page(&page, &monitor->parts, shared);
	reply_send(request, HTTP_OK, METRICS_CONTENT_TYPE, &page);
	buf_fini(&page);
}

static void send_pages(struct monitor *monitor, const struct monitor_shared *shared)
{
	(void)evtimer_del(monitor->timer);
	while (monitor->scrapes != NULL) {
		struct scrape *scrape = monitor->scrapes;
		monitor->scrapes = scrape->next;
		send_page(monitor, scrape->request, shared);
		free(scrape);
	}
}

static int64_t number(const PGresult *rows, int column)
{
	return strtoll(PQgetvalue(rows, 0, column), NULL, 10);
}

static void on_shared(void *arg, const struct store_answer *answer)
{
	struct monitor *monitor = arg;
	struct monitor_shared shared = {.is_known = false};

	if (answer->rows != NULL && PQntuples(answer->rows) == 1)
		shared = (struct monitor_shared){
			.is_known = true,
			.tasks = (uint64_t)number(answer->rows, 0),
			.failing = (uint64_t)number(answer->rows, 1),
			.working = (uint64_t)number(answer->rows, 2),
			.oldest_ms = number(answer->rows, 3),
			.last_event_us = number(answer->rows, 4),
			.last_complete_us = number(answer->rows, 5),
			.differences = (uint64_t)number(answer->rows, 6),
			.faults = (uint64_t)number(answer->rows, 7),
		};
	else if (!answer->is_lost)
		log_warning("could not read the queue's numbers: %s",
			answer->rows == NULL ? answer->problem : "no answer");
	send_pages(monitor, &shared);
}

static void ask_shared(struct monitor *monitor)
{
	store_ask(monitor->store,
		"SELECT tasks, failing, working,"
		" (1000 * coalesce(extract(epoch FROM clock_timestamp() - oldest), 0))::bigint,"
		" (1000000 * coalesce(extract(epoch FROM last_event), 0))::bigint,"
		" (1000000 * coalesce(extract(epoch FROM last_complete), 0))::bigint,"
		" coalesce(found, 0), (SELECT count(*) FROM csdns.verify_fault) FROM csdns.v_sync",
		0, NULL, on_shared, monitor);
}

static void get_metrics(void *arg, struct evhttp_request *request)
{
	struct monitor *monitor = arg;
	struct monitor_shared unknown = {.is_known = false};
	struct timeval patience = clock_timeval(MONITOR_MS);
	struct scrape *scrape = store_is_up(monitor->store) ? malloc(sizeof(*scrape)) : NULL;

	if (scrape == NULL) {
		send_page(monitor, request, &unknown);
		return;
	}
	*scrape = (struct scrape){monitor->scrapes, request};
	monitor->scrapes = scrape;
	if (!evtimer_pending(monitor->timer, NULL))
		(void)evtimer_add(monitor->timer, &patience);
	/* An answer that is under way already is good for this one as well. */
	if (store_is_free(monitor->store))
		ask_shared(monitor);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct monitor_shared unknown = {.is_known = false};

	(void)fd;
	(void)what;
	send_pages(arg, &unknown);
}

/* ---- /healthz ---- */

static bool are_buses_up(const struct monitor_parts *parts)
{
	struct bus_status status;

	for (unsigned i = 0; i < parts->n_buses; i++)
		if (parts->get_bus(parts->bus_arg, i, &status) != NULL && !status.is_connected)
			return false;
	return true;
}

static bool health_write(struct buf *out, const struct monitor_parts *parts)
{
	struct worker_status worker;
	struct api_status api = {.is_failing = false};

	worker_get_status(parts->worker, &worker);
	if (parts->api != NULL)
		api_get_status(parts->api, &api);
	bool is_ready = intake_problem(parts->intake) == NULL;
	bool is_there = intake_is_up(parts->intake) && worker.is_up;
	const struct watch_problem problems[] = {
		{!is_there, "the database is not there"},
		{is_there && !is_ready, "too many events wait for the database"},
		{api.is_failing, "the cloud's API does not answer"},
		{api.is_unauthorized, "the cloud's API does not take the key, or its role has not "
				      "what is asked"},
		{!are_buses_up(parts), "an event bus is not connected"},
	};
	watch_write_health(out, is_ready, problems, sizeof(problems) / sizeof(problems[0]));
	buf_printf(out,
		",\"database\":\"%s\",\"api\":\"%s\",\"events_waiting\":%zu,"
		"\"tasks_in_hand\":%u}\n",
		is_there ? "up" : "down",
		parts->api == NULL			? "none"
		: api.is_failing || api.is_unauthorized ? "failing"
							: "ok",
		intake_waiting(parts->intake), worker.in_hand);
	return is_ready;
}

static void get_healthz(void *arg, struct evhttp_request *request)
{
	struct monitor *monitor = arg;
	struct buf text;

	buf_init(&text);
	bool is_ready = health_write(&text, &monitor->parts);
	watch_reply_health(request, is_ready, &text);
	buf_fini(&text);
}

/* ---- the whole ---- */

static const struct watch_route routes[] = {
	{"/metrics", true, get_metrics}, {"/healthz", true, get_healthz}, {NULL, false, NULL}};

static void on_free(void *arg)
{
	struct monitor *monitor = arg;

	if (monitor->scrapes != NULL && store_is_free(monitor->store))
		ask_shared(monitor);
}

static void on_down(void *arg, const char *why)
{
	struct monitor_shared unknown = {.is_known = false};

	(void)why;
	send_pages(arg, &unknown);
}

static const struct store_handlers handlers = {.on_free = on_free, .on_down = on_down};

struct monitor *monitor_new(struct event_base *base, const struct option_list *listen,
	const char *db, const struct monitor_parts *parts, char *error, size_t size)
{
	struct store_settings store = {.db = db, .name = "csdns-sync monitor"};
	struct monitor *monitor = calloc(1, sizeof(*monitor));

	(void)snprintf(error, size, "out of memory");
	if (monitor == NULL)
		return NULL;
	monitor->parts = *parts;
	monitor->timer = evtimer_new(base, on_late, monitor);
	if (monitor->timer != NULL)
		monitor->watch = watch_new(base, listen, routes, monitor, error, size);
	if (monitor->watch != NULL)
		monitor->store = store_new(base, &store, &handlers, monitor);
	if (monitor->store == NULL) {
		monitor_free(monitor);
		return NULL;
	}
	return monitor;
}

void monitor_free(struct monitor *monitor)
{
	if (monitor == NULL)
		return;
	while (monitor->scrapes != NULL) {
		struct scrape *scrape = monitor->scrapes;
		monitor->scrapes = scrape->next;
		free(scrape);
	}
	watch_free(monitor->watch);
	store_free(monitor->store);
	event_drop(monitor->timer);
	free(monitor);
}

void monitor_set_db(struct monitor *monitor, const char *db)
{
	store_set_db(monitor->store, db);
}

void monitor_drain(struct monitor *monitor)
{
	if (monitor != NULL)
		watch_drain(monitor->watch);
}

bool monitor_is_drained(const struct monitor *monitor)
{
	return monitor == NULL || watch_is_drained(monitor->watch);
}
