#include "http/watch.h"

#include "base/metrics.h"
#include "http/http.h"
#include "http/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BODY	1024
#define MAX_CONNECTIONS 64
#define TIMEOUT_MS	10000
#define IDLE_MS		120000

struct watch {
	struct http *http;
	const struct watch_route *routes;
	void *arg;
};

/* Whoever gets this answer knows that the loop turns. */
static void get_livez(void *arg, struct evhttp_request *request)
{
	struct buf text;

	(void)arg;
	buf_init(&text);
	BUF_ADD_LIT(&text, "{\"status\":\"ok\"}\n");
	reply_send(request, HTTP_OK, "application/json", &text);
	buf_fini(&text);
}

static const struct watch_route livez[] = {{"/livez", true, get_livez}, {NULL, false, NULL}};

static const struct watch_route *find(const struct watch_route *routes, const char *path)
{
	for (; routes->path != NULL; routes++)
		if (strcmp(routes->path, path) == 0)
			return routes;
	return NULL;
}

static void on_request(void *arg, struct evhttp_request *request)
{
	struct watch *watch = arg;
	const char *path = request_path(request);
	const struct watch_route *route = find(watch->routes, path);
	enum evhttp_cmd_type method = evhttp_request_get_command(request);

	if (route == NULL)
		route = find(livez, path);
	if (route == NULL)
		reply_error(request, HTTP_NOTFOUND, "there is nothing at this address");
	else if (method == EVHTTP_REQ_GET || (method == EVHTTP_REQ_HEAD && route->has_head))
		route->fn(watch->arg, request);
	else
		reply_not_allowed(request, route->has_head ? "GET, HEAD" : "GET");
}

struct watch *watch_new(struct event_base *base, const struct option_list *listen,
	const struct watch_route *routes, void *arg, char *error, size_t size)
{
	struct http_settings settings = {
		.listen = listen,
		.max_body = MAX_BODY,
		.max_connections = MAX_CONNECTIONS,
		.timeout_ms = TIMEOUT_MS,
		.idle_ms = IDLE_MS,
	};
	struct watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL) {
		(void)snprintf(error, size, "out of memory");
		return NULL;
	}
	watch->routes = routes;
	watch->arg = arg;
	watch->http = http_new(base, &settings, on_request, watch, error, size);
	if (watch->http == NULL) {
		free(watch);
		return NULL;
	}
	return watch;
}

void watch_free(struct watch *watch)
{
	if (watch == NULL)
		return;
	http_free(watch->http);
	free(watch);
}

void watch_drain(struct watch *watch)
{
	http_drain(watch->http);
}

bool watch_is_drained(const struct watch *watch)
{
	return http_is_drained(watch->http);
}

void watch_write_health(
	struct buf *out, bool is_ready, const struct watch_problem *problems, size_t n)
{
	bool is_healthy = true;

	BUF_ADD_LIT(out, "{\"problems\":[");
	for (size_t i = 0; i < n; i++) {
		if (!problems[i].is_there)
			continue;
		buf_printf(out, "%s\"%s\"", is_healthy ? "" : ",", problems[i].text);
		is_healthy = false;
	}
	buf_printf(out, "],\"status\":\"%s\"",
		!is_ready    ? "unready"
		: is_healthy ? "ok"
			     : "degraded");
}

void watch_reply_health(struct evhttp_request *request, bool is_ready, const struct buf *text)
{
	reply_send(request, is_ready ? HTTP_OK : HTTP_SERVUNAVAIL, "application/json", text);
}

void watch_write_reloads(struct buf *out, const char *name, const struct watch_reloads *reloads)
{
	struct metric metric =
		metric_counter(out, name, "Times that the configuration was read again.");

	metric_add(&metric, METRIC_LABEL("result", "ok"), reloads->done);
	metric_add(&metric, METRIC_LABEL("result", "refused"), reloads->refused);
}
