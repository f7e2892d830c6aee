#include "serve/monitor.h"

#include "base/metrics.h"
#include "http/http.h"
#include "http/reply.h"
#include "serve/health.h"
#include "serve/metrics_page.h"
#include "serve/records_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BODY	1024
#define MAX_CONNECTIONS 64
#define TIMEOUT_MS	10000
#define IDLE_MS		120000

struct monitor {
	struct http *http;
	struct monitor_parts parts;
	long max_age_ms;
	struct records_api *records;
};

static void get_metrics(struct monitor *monitor, struct evhttp_request *request)
{
	struct buf page;

	buf_init(&page);
	metrics_page(&page, &monitor->parts);
	reply_send(request, HTTP_OK, METRICS_CONTENT_TYPE, &page);
	buf_fini(&page);
}

static void get_healthz(struct monitor *monitor, struct evhttp_request *request)
{
	struct buf text;

	buf_init(&text);
	bool is_ready = health_write(&text, &monitor->parts, monitor->max_age_ms);
	reply_send(request, is_ready ? HTTP_OK : HTTP_SERVUNAVAIL, "application/json", &text);
	buf_fini(&text);
}

/* Whoever gets this answer knows that the loop turns. */
static void get_livez(struct monitor *monitor, struct evhttp_request *request)
{
	struct buf text;

	(void)monitor;
	buf_init(&text);
	BUF_ADD_LIT(&text, "{\"status\":\"ok\"}\n");
	reply_send(request, HTTP_OK, "application/json", &text);
	buf_fini(&text);
}

static void get_records(struct monitor *monitor, struct evhttp_request *request)
{
	records_api_get(monitor->records, request);
}

static const struct route {
	const char *path;
	const char *methods;
	void (*fn)(struct monitor *monitor, struct evhttp_request *request);
} routes[] = {
	{"/metrics", "GET, HEAD", get_metrics},
	{"/healthz", "GET, HEAD", get_healthz},
	{"/livez", "GET, HEAD", get_livez},
	{"/api/v1/dns/records", "GET", get_records},
};

static const struct route *route_find(const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strcmp(routes[i].path, path) == 0)
			return &routes[i];
	return NULL;
}

static void on_request(void *arg, struct evhttp_request *request)
{
	const struct route *route = route_find(request_path(request));
	enum evhttp_cmd_type method = evhttp_request_get_command(request);

	if (route == NULL)
		reply_error(request, HTTP_NOTFOUND, "there is nothing at this address");
	else if (method == EVHTTP_REQ_GET ||
		 (method == EVHTTP_REQ_HEAD && strstr(route->methods, "HEAD") != NULL))
		route->fn(arg, request);
	else
		reply_not_allowed(request, route->methods);
}

struct monitor *monitor_new(struct event_base *base, const struct option_list *listen,
	long max_age_ms, const struct monitor_parts *parts, char *error, size_t size)
{
	struct http_settings settings = {
		.listen = listen,
		.max_body = MAX_BODY,
		.max_connections = MAX_CONNECTIONS,
		.timeout_ms = TIMEOUT_MS,
		.idle_ms = IDLE_MS,
	};
	struct monitor *monitor = calloc(1, sizeof(*monitor));

	(void)snprintf(error, size, "out of memory");
	if (monitor == NULL)
		return NULL;
	monitor->parts = *parts;
	monitor->max_age_ms = max_age_ms;
	monitor->records = records_api_new(base, parts->server);
	if (monitor->records != NULL)
		monitor->http = http_new(base, &settings, on_request, monitor, error, size);
	if (monitor->http == NULL) {
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
	http_free(monitor->http);
	free(monitor);
}

void monitor_set_max_age(struct monitor *monitor, long max_age_ms)
{
	monitor->max_age_ms = max_age_ms;
}

void monitor_drain(struct monitor *monitor)
{
	http_drain(monitor->http);
}

bool monitor_is_drained(const struct monitor *monitor)
{
	return http_is_drained(monitor->http);
}
