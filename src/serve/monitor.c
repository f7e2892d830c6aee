#include "serve/monitor.h"

#include "base/metrics.h"
#include "http/reply.h"
#include "http/watch.h"
#include "serve/health.h"
#include "serve/metrics_page.h"
#include "serve/records_api.h"

#include <stdio.h>
#include <stdlib.h>

struct monitor {
	struct watch *watch;
	struct monitor_parts parts;
	long max_age_ms;
	struct records_api *records;
};

static void get_metrics(void *arg, struct evhttp_request *request)
{
	struct monitor *monitor = arg;
	struct buf page;

	buf_init(&page);
	metrics_page(&page, &monitor->parts);
	reply_send(request, HTTP_OK, METRICS_CONTENT_TYPE, &page);
	buf_fini(&page);
}

static void get_healthz(void *arg, struct evhttp_request *request)
{
	struct monitor *monitor = arg;
	struct buf text;

	buf_init(&text);
	bool is_ready = health_write(&text, &monitor->parts, monitor->max_age_ms);
	watch_reply_health(request, is_ready, &text);
	buf_fini(&text);
}

static void get_records(void *arg, struct evhttp_request *request)
{
	struct monitor *monitor = arg;

	records_api_get(monitor->records, request);
}

static const struct watch_route routes[] = {
	{"/metrics", true, get_metrics},
	{"/healthz", true, get_healthz},
	{"/api/v1/dns/records", false, get_records},
	{NULL, false, NULL},
};

struct monitor *monitor_new(struct event_base *base, const struct option_list *listen,
	long max_age_ms, const struct monitor_parts *parts, char *error, size_t size)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));

	(void)snprintf(error, size, "out of memory");
	if (monitor == NULL)
		return NULL;
	monitor->parts = *parts;
	monitor->max_age_ms = max_age_ms;
	monitor->records = records_api_new(base, parts->server);
	if (monitor->records != NULL)
		monitor->watch = watch_new(base, listen, routes, monitor, error, size);
	if (monitor->watch == NULL) {
		monitor_free(monitor);
		return NULL;
	}
	return monitor;
}

void monitor_free(struct monitor *monitor)
{
	if (monitor == NULL)
		return;
	records_api_free(monitor->records);
	watch_free(monitor->watch);
	free(monitor);
}

void monitor_set_max_age(struct monitor *monitor, long max_age_ms)
{
	monitor->max_age_ms = max_age_ms;
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
