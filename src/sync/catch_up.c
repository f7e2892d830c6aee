#include "config.h"

#include "sync/catch_up.h"

#include "base/clock.h"
#include "base/log.h"
#include "pg/events.h"
#include "sync/event.h"
#include "sync/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_MS	  10000
#define RETRY_MS  30000
#define TIME_SIZE 64
/* CloudStack reads startdate in its own time zone, which nobody tells: any will do. */
#define ZONES_S ((time_t)15 * 3600)

enum step {
	STEP_IDLE,
	STEP_BEGIN, /* from when on? */
	STEP_ASK,   /* the API, for a page */
	STEP_STORE, /* until all of the page is durable */
	STEP_PAUSE,
	STEP_END, /* tells the database how far */
};

struct catch_up {
	struct event_base *base;
	struct catch_up_settings settings;
	struct store *store;
	struct event *timer; /* looks while idle, else the pause */
	enum step step;
	bool is_at_once; /* without looking at when the last one was */
	bool is_asking;	 /* the API has a request of ours */
	bool is_stale;	 /* whose answer nobody wants any more */
	size_t waiting;	 /* events that the intake has not answered for */
	/* of the run */
	int64_t since_us;
	char until[TIME_SIZE]; /* the database's time from before the first page */
	bool in_projects;
	unsigned page;
	size_t listed;
	bool is_last;		/* the page in hand */
	bool is_start;		/* nobody may have listened before */
	bool is_unsure;		/* that was told, since the start or since the database was away */
	uint64_t rows, unknown; /* read; of those: of concern, but they name no entity */
	char problem[300];	/* why it failed, "" when it did not */
	char told[300];		/* what the log said last: an API that refuses does so each time */
	struct catch_up_status status;
};

static void step(struct catch_up *c);

static void wait_for(struct catch_up *c, long ms)
{
	struct timeval wait = clock_timeval(ms);

	(void)evtimer_add(c->timer, &wait);
}

static void go_idle(struct catch_up *c, long ms)
{
	c->step = STEP_IDLE;
	wait_for(c, ms);
}

static void fail(struct catch_up *c, const char *why)
{
	if (c->problem[0] == '\0')
		(void)snprintf(c->problem, sizeof(c->problem), "%s", why);
}

/* A run that failed is made again, later, from where it began. */
static void give_up(struct catch_up *c)
{
	c->status.failed++;
	if (strcmp(c->told, c->problem) != 0)
		log_warning("could not read the cloud's list of events: %s", c->problem);
	memcpy(c->told, c->problem, sizeof(c->told));
	c->is_at_once = c->is_at_once || c->is_start;
	if (c->is_start && !c->is_unsure && c->settings.on_unsure != NULL)
		c->settings.on_unsure(c->settings.arg);
	c->is_unsure = c->is_unsure || c->is_start;
	go_idle(c, RETRY_MS);
}

/* ---- rows ---- */

static void on_durable(void *arg, enum intake_outcome outcome, const char *why)
{
	struct catch_up *c = arg;

	c->waiting--;
	/* What is refused for good is passed by: the intake has logged it. */
	if (outcome == INTAKE_FAILED)
		fail(c, why);
	if (c->waiting == 0)
		step(c);
}

/* 2026-11-21T00:00:00+0000, in microseconds since 1970; false when it is no such time. */
static bool created_us(const json_t *row, int64_t *us)
{
	const char *text = json_string_value(json_object_get(row, "created"));
	struct tm tm = {.tm_sec = 0};

	if (text == NULL || strptime(text, "%Y-%m-%dT%H:%M:%S%z", &tm) == NULL)
		return false;
	long east_s = tm.tm_gmtoff; /* timegm changes it */
	*us = (int64_t)(timegm(&tm) - east_s) * 1000000;
	return true;
}

static bool is_older(const struct catch_up *c, const json_t *row)
{
	int64_t us;

	return created_us(row, &us) && us < c->since_us;
}

static void take_row(struct catch_up *c, const json_t *row)
{
	struct tally *tally = intake_tally(c->settings.intake);
	const char *id = json_string_value(json_object_get(row, "id"));
	struct cloud_event event;
	const char *problem;
	char why[256];

	c->rows++;
	if (event_decode_row(row, &event, why, sizeof(why)) < 0) {
		log_warning("the cloud's list of events has one that is passed by: %s", why);
		tally_add(tally, "catchup", event.type, TALLY_MALFORMED);
		return;
	}
	c->unknown += event.use == EVENT_UNKNOWN;
	if (event.use != EVENT_HINTS)
		tally_pass(tally, "catchup", &event);
	else if (intake_put(c->settings.intake, "catchup", id, &event, on_durable, c, &problem) < 0)
		fail(c, problem);
	else
		c->waiting++;
	event_fini(&event);
}

/* The newest come first: behind one that is older than all that is wanted, all are. */
static bool is_behind(const struct catch_up *c, const json_t *list)
{
	int64_t first, last;

	return created_us(json_array_get(list, 0), &first) &&
	       created_us(json_array_get(list, json_array_size(list) - 1), &last) && last < first &&
	       last < c->since_us;
}

static void take_page(struct catch_up *c, const json_t *list, const json_t *body)
{
	size_t n = json_array_size(list);
	size_t counted = entity_count(body);

	c->listed += n;
	c->is_last = n == 0 || is_behind(c, list) ||
		     (counted > 0 ? c->listed >= counted : n < (size_t)c->settings.page_size);
	c->step = STEP_STORE;
	for (size_t i = 0; i < n && c->problem[0] == '\0'; i++)
		if (!is_older(c, json_array_get(list, i)))
			take_row(c, json_array_get(list, i));
}

/* ---- the API ---- */

static void on_page(void *arg, const struct api_answer *answer)
{
	struct catch_up *c = arg;
	bool is_stale = c->is_stale;
	const json_t *list;

	c->is_asking = c->is_stale = false;
	if (!is_stale && answer->result == API_OK) {
		list = json_object_get(answer->body, "event");
		if (list == NULL || json_is_array(list))
			take_page(c, list, answer->body);
		else
			fail(c, "the API's answer has another shape");
	} else if (!is_stale) {
		fail(c, answer->why);
	}
	step(c);
}

static void ask_page(struct catch_up *c)
{
	char page[16], size[24], start[32];
	struct api_param params[] = {{"listall", "true"}, {"page", page}, {"pagesize", size},
		{"startdate", start}, {"projectid", "-1"}};
	time_t from = (time_t)(c->since_us / 1000000) - ZONES_S;
	struct tm tm;

	(void)snprintf(page, sizeof(page), "%u", c->page);
	(void)snprintf(size, sizeof(size), "%ld", c->settings.page_size);
	(void)gmtime_r(&from, &tm);
	(void)strftime(start, sizeof(start), "%Y-%m-%d %H:%M:%S", &tm);
	c->is_asking = true;
	if (api_ask(c->settings.api, "listEvents", params, c->in_projects ? 5 : 4, on_page, c) <
		0) {
		c->is_asking = false;
		fail(c, "out of memory");
		step(c);
	}
}

/* What belongs to projects is listed by itself; then it is over. */
static void next_page(struct catch_up *c)
{
	if (!c->is_last) {
		c->page++;
		c->step = STEP_PAUSE;
		return;
	}
	c->page = 1;
	c->listed = 0;
	c->step = c->in_projects ? STEP_END : STEP_ASK;
	c->in_projects = true;
}

/* ---- the database ---- */

static void take_begin(struct catch_up *c, const PGresult *rows)
{
	if (PQgetisnull(rows, 0, 0)) {
		c->is_at_once = false;
		go_idle(c, LOOK_MS);
		return;
	}
	c->since_us =
		strtoll(PQgetvalue(rows, 0, 0), NULL, 10) - (int64_t)CATCH_UP_OVERLAP_S * 1000000;
	(void)snprintf(c->until, sizeof(c->until), "%s", PQgetvalue(rows, 0, 1));
	c->is_start = c->is_at_once;
	c->is_at_once = false;
	c->in_projects = false;
	c->page = 1;
	c->listed = 0;
	c->rows = c->unknown = 0;
	c->problem[0] = '\0';
	c->step = STEP_ASK;
}

static void take_end(struct catch_up *c)
{
	c->status.complete++;
	c->status.rows += c->rows;
	c->status.last_us = clock_real_us();
	c->told[0] = '\0';
	log_line(c->is_start ? LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG, NULL,
		"read the cloud's list of events: %" PRIu64 " rows, %" PRIu64
		" that name no entity",
		c->rows, c->unknown);
	go_idle(c, LOOK_MS);
}

static void on_answer(void *arg, const struct store_answer *answer)
{
	struct catch_up *c = arg;

	if (answer->is_lost)
		return; /* on_down follows */
	if (answer->rows == NULL || PQntuples(answer->rows) != 1) {
		c->problem[0] = '\0';
		fail(c, answer->rows == NULL ? answer->problem : "no answer");
		give_up(c);
	} else if (c->step == STEP_BEGIN) {
		take_begin(c, answer->rows);
	} else {
		take_end(c);
	}
}

static void send_begin(struct catch_up *c)
{
	char every[40];
	const char *values[] = {c->settings.every_ms > 0 ? every : NULL, c->is_at_once ? "t" : "f"};

	(void)snprintf(every, sizeof(every), "%ld ms", c->settings.every_ms);
	store_ask(c->store,
		"SELECT (1000000 * extract(epoch FROM since))::bigint, now"
		"  FROM csdns.sync_begin_catch_up($1, $2)",
		2, values, on_answer, c);
}

/* Rows that name no entity matter when nobody may have listened. */
static void send_end(struct catch_up *c)
{
	const char *values[] = {c->until, c->is_start && c->unknown > 0 ? "t" : "f"};

	store_ask(c->store, "SELECT csdns.sync_caught_up($1, $2)", 2, values, on_answer, c);
}

/* ---- from step to step ---- */

static void step(struct catch_up *c)
{
	if (c->is_asking || c->waiting > 0)
		return;
	if (c->step > STEP_BEGIN && c->problem[0] != '\0') {
		give_up(c);
		return;
	}
	if (c->step == STEP_STORE)
		next_page(c);
	if (c->step == STEP_PAUSE) {
		wait_for(c, c->settings.pause_ms);
		return;
	}
	if (c->step == STEP_ASK)
		ask_page(c);
	else if (c->step == STEP_BEGIN && store_is_free(c->store))
		send_begin(c);
	else if (c->step == STEP_END && store_is_free(c->store))
		send_end(c);
}

static void on_free(void *arg)
{
	step(arg);
}

/* Events that came meanwhile were refused; the cloud may have given them up. */
static void on_down(void *arg, const char *why)
{
	struct catch_up *c = arg;

	(void)why;
	c->is_at_once = true;
	c->is_unsure = false;
	c->is_stale = c->is_asking;
	go_idle(c, 1000);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct catch_up *c = arg;

	(void)fd;
	(void)what;
	if (c->step == STEP_PAUSE)
		c->step = STEP_ASK;
	else if (c->step == STEP_IDLE && !c->is_asking && c->waiting == 0 &&
		 store_is_up(c->store) && intake_problem(c->settings.intake) == NULL)
		c->step = STEP_BEGIN;
	else if (c->step == STEP_IDLE)
		wait_for(c, 200);
	step(c);
}

static const struct store_handlers handlers = {.on_free = on_free, .on_down = on_down};

struct catch_up *catch_up_new(struct event_base *base, const struct catch_up_settings *settings)
{
	struct store_settings store = {.db = settings->db, .name = "csdns-sync catch-up"};
	struct catch_up *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->base = base;
	c->settings = *settings;
	c->is_at_once = true;
	c->timer = evtimer_new(base, on_timer, c);
	c->store = store_new(base, &store, &handlers, c);
	if (c->timer == NULL || c->store == NULL) {
		catch_up_free(c);
		return NULL;
	}
	wait_for(c, 10);
	return c;
}

void catch_up_free(struct catch_up *c)
{
	if (c == NULL)
		return;
	store_free(c->store);
	event_drop(c->timer);
	free(c);
}

void catch_up_set_db(struct catch_up *c, const char *db)
{
	store_set_db(c->store, db);
}

void catch_up_get_status(const struct catch_up *c, struct catch_up_status *status)
{
	*status = c->status;
}
