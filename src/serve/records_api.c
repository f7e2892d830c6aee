#include "serve/records_api.h"

#include "base/clock.h"
#include "http/http.h"
#include "http/reply.h"
#include "pg/events.h"
#include "serve/record_query.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_MAX   8
#define JOB_MAX_MS 300000
/* Names and zones that are looked at in one turn. */
#define STEP_BUDGET 500

/* An answer that is made in parts. */
struct job {
	struct job *next, **at; /* in api->jobs */
	struct records_api *api;
	struct evhttp_request *request;
	struct event *turn;    /* for parts in which there is nothing to send */
	struct mirror *mirror; /* a reference, so that a reload does not take it away */
	struct zone_pin *pin;  /* of the zone in hand, or NULL */
	struct record_query query;
	int64_t until_ms;
	bool is_all;	 /* zones; their table is held, so that a walk over it meets each once */
	uint32_t bucket; /* of that table, the next one */
	int32_t *zones;	 /* ids: those of the bucket in hand, or the only one */
	size_t cap;	 /* of zones[] */
	size_t n;	 /* in it */
	size_t zone;	 /* in it, the next one */
};

struct records_api {
	struct event_base *base;
	struct server *server;
	struct job *jobs; /* list of all */
	unsigned n_jobs;
};

struct records_api *records_api_new(struct event_base *base, struct server *server)
{
	struct records_api *api = calloc(1, sizeof(*api));

	if (api == NULL)
		return NULL;
	api->base = base;
	api->server = server;
	return api;
}

/* ---- long answers ---- */

static void drop_pin(struct job *job)
{
	struct zone *zone;

	if (job->pin == NULL)
		return;
	zone = zone_pin_zone(job->pin);
	zone_pin_free(job->pin);
	job->pin = NULL;
	if (zone->is_garbage && zone->pins == NULL)
		mirror_discard_zone(job->mirror, zone);
}

/* The request is the caller's to end. */
static void job_free(struct job *job)
{
	drop_pin(job);
	if (job->is_all)
		table_unhold(&job->mirror->zones_by_id);
	mirror_unref(job->mirror);
	event_drop(job->turn);
	free(job->zones);
	*job->at = job->next;
	if (job->next != NULL)
		job->next->at = job->at;
	job->api->n_jobs--;
	free(job);
}

void records_api_free(struct records_api *api)
{
	struct job *next;

	if (api == NULL)
		return;
	for (struct job *job = api->jobs; job != NULL; job = next) {
		next = job->next;
		evhttp_connection_set_closecb(
			evhttp_request_get_connection(job->request), NULL, NULL);
		job_free(job);
	}
	free(api);
}

static void on_gone(struct evhttp_connection *connection, void *arg)
{
	struct job *job = arg;
	struct evhttp_request *request = job->request;

	(void)connection;
	job_free(job);
	http_abandon(request);
}

struct part {
	struct job *job;
	struct buf *out;
	size_t looked_at; /* names and zones */
};

static void add_name(void *arg, const struct node *node, const struct rrs *rrs)
{
	struct part *part = arg;

	part->looked_at++;
	record_query_add(&part->job->query, part->out, zone_pin_zone(part->job->pin), node->name,
		node->name_len, rrs);
}

/* The zones of the next bucket. -1: no memory. */
static int next_bucket(struct job *job)
{
	const struct table *table = &job->mirror->zones_by_id;
	const struct table_entry *entry = table_bucket(table, job->bucket++);

	for (job->zone = job->n = 0; entry != NULL; entry = entry->next) {
		if (job->n == job->cap) {
			size_t cap = 2 * job->cap + 8;
			int32_t *zones = realloc(job->zones, cap * sizeof(*zones));
			if (zones == NULL)
				return -1;
			job->zones = zones;
			job->cap = cap;
		}
		job->zones[job->n++] = ((const struct zone *)entry)->id;
	}
	return 0;
}

static bool has_bucket(const struct job *job)
{
	return job->is_all && job->bucket < job->mirror->zones_by_id.buckets;
}

/* Goes to the next zone that is still there: 0; 1: there is none, -1: no memory. */
static int next_zone(struct part *part)
{
	struct job *job = part->job;

	for (; part->looked_at < STEP_BUDGET; part->looked_at++) {
		if (job->zone == job->n) {
			if (!has_bucket(job))
				return 1;
			if (next_bucket(job) < 0)
				return -1;
			continue;
		}
		struct zone *zone = mirror_find_zone_by_id(job->mirror, job->zones[job->zone++]);
		if (zone == NULL)
			continue;
		part->looked_at++;
		job->pin = zone_pin_new(zone);
		return job->pin == NULL ? -1 : 0;
	}
	return 0;
}

/* Appends a part. 1: that was the last, 0: there is more, -1: it cannot go on. */
static int job_make_part(struct job *job, struct buf *out)
{
	struct part part = {.job = job, .out = out};
	int rc = 0;

	if (clock_ms() > job->until_ms)
		return -1;
	while (rc == 0 && job->query.left > 0 && part.looked_at < STEP_BUDGET) {
		if (job->pin == NULL) {
			rc = next_zone(&part);
			continue;
		}
		int walked = zone_pin_walk(job->pin, STEP_BUDGET - part.looked_at, add_name, &part);
		if (walked < 0)
			rc = -1;
		else if (walked == 1)
			drop_pin(job);
	}
	return rc == 0 && job->query.left == 0 ? 1 : rc;
}

static void on_part_sent(struct evhttp_connection *connection, void *arg);

static void job_step(struct job *job)
{
	static const struct timeval at_once = {0, 0};
	struct evhttp_request *request = job->request;
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	struct evbuffer *chunk = evbuffer_new();
	struct buf out;

	buf_init(&out);
	int rc = job_make_part(job, &out);
	if (rc == 1)
		BUF_ADD_LIT(&out, "\n]}\n");
	if (rc < 0 || chunk == NULL || buf_failed(&out) ||
		evbuffer_add(chunk, out.data, out.len) < 0) {
		evhttp_connection_free(connection); /* calls on_gone */
	} else if (rc == 1) {
		evhttp_connection_set_closecb(connection, NULL, NULL);
		job_free(job);
		evhttp_send_reply_chunk(request, chunk);
		evhttp_send_reply_end(request);
	} else if (out.len > 0) {
		evhttp_send_reply_chunk_with_cb(request, chunk, on_part_sent, job);
	} else {
		(void)evtimer_add(job->turn, &at_once);
	}
	buf_fini(&out);
	if (chunk != NULL)
		evbuffer_free(chunk);
}

static void on_part_sent(struct evhttp_connection *connection, void *arg)
{
	(void)connection;
	job_step(arg);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	job_step(arg);
}

/* For one zone, or for all (NULL). NULL when memory is out. */
static struct job *job_new(struct records_api *api, struct mirror *mirror, const struct zone *only,
	const struct record_query *query)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	job->turn = evtimer_new(api->base, on_turn, job);
	job->zones = malloc(sizeof(*job->zones));
	if (job->turn == NULL || job->zones == NULL) {
		event_drop(job->turn);
		free(job->zones);
		free(job);
		return NULL;
	}
	job->api = api;
	job->query = *query;
	job->until_ms = clock_ms() + JOB_MAX_MS;
	job->mirror = mirror;
	mirror_ref(mirror);
	job->cap = 1;
	job->is_all = only == NULL;
	if (job->is_all)
		table_hold(&mirror->zones_by_id);
	else
		job->zones[job->n++] = only->id;
	job->at = &api->jobs;
	job->next = api->jobs;
	if (job->next != NULL)
		job->next->at = &job->next;
	api->jobs = job;
	api->n_jobs++;
	return job;
}

static void reply_begin(const struct mirror *mirror, struct buf *out)
{
	buf_printf(out, "{\"success\":true,\"version\":%" PRIu64 ",\"data\":[",
		mirror->version.number);
}

static void start_job(struct records_api *api, struct evhttp_request *request,
	struct mirror *mirror, const struct zone *only, const struct record_query *query)
{
	struct evbuffer *chunk = evbuffer_new();
	struct job *job = chunk == NULL ? NULL : job_new(api, mirror, only, query);
	struct buf out;

	if (job == NULL) {
		reply_error(request, HTTP_INTERNAL, "out of memory");
	} else {
		job->request = request;
		buf_init(&out);
		reply_begin(mirror, &out);
		(void)evbuffer_add(chunk, out.data, out.len);
		buf_fini(&out);
		(void)evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
			"application/json");
		evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_gone, job);
		evhttp_send_reply_start(request, HTTP_OK, NULL);
		evhttp_send_reply_chunk_with_cb(request, chunk, on_part_sent, job);
	}
	if (chunk != NULL)
		evbuffer_free(chunk);
}

/* ---- one name ---- */

/* In all zones that it may stand in: its own and those above a delegation. */
static void add_one_name(const struct mirror *mirror, struct record_query *query, struct buf *out)
{
	const struct name *name = &query->name;
	size_t at = 0;

	for (;;) {
		const struct zone *zone = mirror_find_zone(mirror, name->wire + at, name->len - at);
		bool is_wanted = zone != NULL &&
				 (!query->has_zone || (zone->name_len == query->zone.len &&
							      memcmp(zone->name, query->zone.wire,
								      zone->name_len) == 0));
		const struct node *node = is_wanted ? zone_find(zone, name->wire, at) : NULL;
		if (node != NULL)
			record_query_add(query, out, zone, node->name, node->name_len, node->rrs);
		if (at == name->len)
			return;
		at += name_first_label(name->wire + at, name->len - at);
	}
}

static void answer_name(
	struct evhttp_request *request, const struct mirror *mirror, struct record_query *query)
{
	struct buf out;

	buf_init(&out);
	reply_begin(mirror, &out);
	add_one_name(mirror, query, &out);
	BUF_ADD_LIT(&out, "\n]}\n");
	reply_send(request, HTTP_OK, "application/json", &out);
	buf_fini(&out);
}

/* ---- requests ---- */

static void answer(
	struct records_api *api, struct evhttp_request *request, struct record_query *query)
{
	struct mirror *mirror = server_protocol(api->server)->mirror;
	const struct zone *zone = NULL;

	if (mirror == NULL) {
		reply_error(request, HTTP_SERVUNAVAIL, "no data has been loaded yet");
		return;
	}
	if (query->has_zone)
		zone = mirror_find_zone(mirror, query->zone.wire, query->zone.len);
	if (query->has_zone && zone == NULL)
		reply_error(request, HTTP_NOTFOUND, "there is no such zone");
	else if (query->has_name)
		answer_name(request, mirror, query);
	else if (api->n_jobs >= JOBS_MAX)
		reply_error(request, HTTP_SERVUNAVAIL, "too many long answers are under way");
	else
		start_job(api, request, mirror, zone, query);
}

void records_api_get(struct records_api *api, struct evhttp_request *request)
{
	struct record_query query;
	struct evkeyvalq parameters;

	if (!request_query(request, &parameters)) {
		reply_error(request, HTTP_BADREQUEST, "the query is not name=value&name=value");
		return;
	}
	const char *problem = record_query_parse(&query, &parameters);
	evhttp_clear_headers(&parameters);
	if (problem != NULL)
		reply_error(request, HTTP_BADREQUEST, problem);
	else
		answer(api, request, &query);
}
