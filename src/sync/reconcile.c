#include "config.h"

#include "sync/reconcile.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "pg/events.h"
#include "sync/entity.h"
#include "sync/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 30000
/* Until one that broke off is repeated: twice as long each time. */
#define RETRY_FIRST_MS 10000
#define RETRY_MAX_MS   600000
#define EMPTY_MAX      3 /* an empty page in the middle is asked for so often */
#define TIME_SIZE      64

enum step {
	STEP_IDLE,
	STEP_BEGIN, /* may we? */
	STEP_BEGIN_PASS,
	STEP_ASK,   /* the API, for a page */
	STEP_STORE, /* the page */
	STEP_PAUSE,
	STEP_END_PASS,
	STEP_NEXT, /* kind */
};

struct reconcile {
	struct event_base *base;
	struct reconcile_settings settings;
	struct store *store;
	struct event *timer; /* looks while idle, else the pause */
	enum step step;
	bool is_wanted;	   /* without looking at when the last one was */
	int64_t wanted_ms; /* since when */
	bool is_forced;	   /* until one has been made so */
	long retry_ms;	   /* the next pause */
	int64_t rests_until_ms;
	bool is_asking; /* the API has a request of ours */
	bool is_stale;	/* whose answer nobody wants any more */
	/* of the pass */
	enum entity_kind kind;
	char pass[24];
	char asked[TIME_SIZE];	    /* the database's time from before the page was asked for */
	char next_asked[TIME_SIZE]; /* the newest that it told */
	bool in_projects;
	unsigned page, empty;
	int64_t answered_ms;	/* when the API answered last: the pause counts from then */
	size_t listed, counted; /* of this round: with or without projects */
	bool is_last;		/* the page that is being stored */
	char *rows;
	char problem[300]; /* why the pass is not complete */
	/* of the whole */
	unsigned n_failed;
	bool is_broken; /* something failed that may work the next time */
	uint64_t listed_all, changed_all, missing_all;
	int64_t began_us;
	struct reconcile_status status;
};

static void step(struct reconcile *r);

static void wait_for(struct reconcile *r, long ms)
{
	struct timeval wait = clock_timeval(ms);

	(void)evtimer_add(r->timer, &wait);
}

static void go_idle(struct reconcile *r, long ms)
{
	r->step = STEP_IDLE;
	r->status.is_running = false;
	free(r->rows);
	r->rows = NULL;
	wait_for(r, ms);
}

/* Until the next look. One that is due after a pause is begun in time. */
static void look_later(struct reconcile *r)
{
	int64_t left = r->rests_until_ms - clock_ms();

	go_idle(r, r->is_wanted && left > 0 && left < LOOK_MS ? (long)left : LOOK_MS);
}

static void want(struct reconcile *r)
{
	r->is_wanted = true;
	r->wanted_ms = clock_ms();
}

static void repeat_later(struct reconcile *r)
{
	want(r);
	r->rests_until_ms = clock_ms() + r->retry_ms;
	r->retry_ms = r->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : r->retry_ms * 2;
	look_later(r);
}

/* ---- one page ---- */

/* The pass is not complete, for a reason that will be there the next time, too. */
static void refuse_pass(struct reconcile *r, const char *why)
{
	utf8_copy(r->problem, sizeof(r->problem), why);
	r->step = STEP_END_PASS;
}

/* For one that may not. */
static void fail_pass(struct reconcile *r, const char *why)
{
	refuse_pass(r, why);
	r->is_broken = true;
}

/* What belongs to projects is listed by itself; then the pass is over. */
static void end_round(struct reconcile *r)
{
	r->page = 1;
	r->empty = 0;
	r->listed = r->counted = 0;
	if (entity_in_projects(r->kind) && !r->in_projects) {
		r->in_projects = true;
		r->step = STEP_ASK;
	} else {
		r->step = STEP_END_PASS;
	}
}

static char *trimmed(enum entity_kind kind, const json_t *list)
{
	json_t *rows = json_array();
	char *text = NULL;
	size_t i = 0;

	while (i < json_array_size(list) &&
		json_array_append_new(rows, entity_trim(kind, json_array_get(list, i))) == 0)
		i++;
	if (i == json_array_size(list))
		text = json_dumps(rows, JSON_COMPACT);
	json_decref(rows);
	return text;
}

static void take_page(struct reconcile *r, const json_t *list, const json_t *body)
{
	size_t n = json_array_size(list);
	size_t counted = entity_count(body);

	r->counted = counted;
	r->listed += n;
	r->empty = 0;
	r->is_last = counted > 0 ? r->listed >= counted : n < (size_t)r->settings.page_size;
	r->rows = trimmed(r->kind, list);
	r->step = STEP_STORE;
	if (r->rows == NULL)
		fail_pass(r, "out of memory");
}

static void take_empty(struct reconcile *r, const json_t *body)
{
	char why[100];

	if (entity_count(body) > 0)
		r->counted = entity_count(body);
	if (r->listed >= r->counted) {
		end_round(r);
	} else if (++r->empty < EMPTY_MAX) {
		r->step = STEP_PAUSE;
	} else {
		(void)snprintf(why, sizeof(why), "page %u is empty, with %zu of %zu listed",
			r->page, r->listed, r->counted);
		fail_pass(r, why);
	}
}

static void take_body(struct reconcile *r, const json_t *body)
{
	bool is_empty;
	const json_t *list = entity_list(r->kind, body, &is_empty);

	if (list != NULL)
		take_page(r, list, body);
	else if (is_empty || entity_is_behind(r->kind, body))
		take_empty(r, body);
	else
		fail_pass(r, "the API's answer has another shape");
}

static void take_answer(struct reconcile *r, const struct api_answer *answer)
{
	if (answer->result == API_OK)
		take_body(r, answer->body);
	else if (answer->result == API_REFUSED && answer->code != 401)
		refuse_pass(r, answer->why);
	else
		fail_pass(r, answer->why);
}

static void on_page(void *arg, const struct api_answer *answer)
{
	struct reconcile *r = arg;
	bool is_stale = r->is_stale;

	r->is_asking = r->is_stale = false;
	r->answered_ms = clock_ms();
	if (!is_stale)
		take_answer(r, answer);
	step(r);
}

static void ask_page(struct reconcile *r)
{
	char page[16], size[24];
	struct api_param params[6] = {{"listall", "true"}, {"page", page}, {"pagesize", size}};
	size_t n = 3;

	(void)snprintf(page, sizeof(page), "%u", r->page);
	(void)snprintf(size, sizeof(size), "%ld", r->settings.page_size);
	if (r->kind == ENTITY_INSTANCE)
		params[n++] = (struct api_param){"details", "nics,group"};
	if (r->in_projects)
		params[n++] = (struct api_param){"projectid", "-1"};
	memcpy(r->asked, r->next_asked, sizeof(r->asked));
	r->is_asking = true;
	if (api_ask(r->settings.api, entity_command(r->kind), params, n, on_page, r) < 0) {
		r->is_asking = false;
		fail_pass(r, "out of memory");
		step(r);
	}
}

/* ---- the database ---- */

static uint64_t number(const PGresult *rows, int column)
{
	return strtoull(PQgetvalue(rows, 0, column), NULL, 10);
}

static void set_time(struct reconcile *r, const PGresult *rows, int column)
{
	(void)snprintf(r->next_asked, sizeof(r->next_asked), "%s", PQgetvalue(rows, 0, column));
}

static void take_begin(struct reconcile *r, const PGresult *rows)
{
	if (PQgetvalue(rows, 0, 0)[0] != 't') {
		if (r->is_wanted && PQgetvalue(rows, 0, 2)[0] == 't') {
			log_info("another csdns-sync has reconciled with the cloud");
			r->is_wanted = false;
		}
		look_later(r);
		return;
	}
	r->is_wanted = false;
	r->is_forced = r->is_forced || PQgetvalue(rows, 0, 1)[0] == 't';
	r->kind = ENTITY_DOMAIN;
	r->n_failed = 0;
	r->is_broken = false;
	r->listed_all = r->changed_all = r->missing_all = 0;
	r->began_us = clock_real_us();
	r->status.is_running = true;
	r->step = STEP_BEGIN_PASS;
	log_info("reconciling with the cloud");
}

static void take_pass(struct reconcile *r, const PGresult *rows)
{
	(void)snprintf(r->pass, sizeof(r->pass), "%s", PQgetvalue(rows, 0, 0));
	set_time(r, rows, 1);
	r->problem[0] = '\0';
	r->in_projects = false;
	r->page = 1;
	r->empty = 0;
	r->listed = r->counted = 0;
	r->step = STEP_ASK;
}

static void take_stored(struct reconcile *r, const PGresult *rows)
{
	size_t before = r->listed;

	r->status.changed += number(rows, 0);
	r->status.faulty += number(rows, 1);
	r->changed_all += number(rows, 0);
	set_time(r, rows, 2);
	free(r->rows);
	r->rows = NULL;
	if (r->is_last) {
		r->listed_all += before;
		r->status.listed += before;
		end_round(r);
	} else {
		r->page++;
		r->step = STEP_PAUSE;
	}
}

static void take_end(struct reconcile *r, const PGresult *rows)
{
	const char *kind = entity_name(r->kind);

	if (PQgetisnull(rows, 0, 1)) {
		r->status.complete++;
		r->status.missing += number(rows, 0);
		r->missing_all += number(rows, 0);
	} else {
		r->status.failed++;
		r->n_failed++;
		log_warning(
			"could not list every %s of the cloud: %s", kind, PQgetvalue(rows, 0, 1));
	}
	r->step = STEP_NEXT;
}

static void on_answer(void *arg, const struct store_answer *answer)
{
	struct reconcile *r = arg;

	if (answer->is_lost)
		return; /* on_down follows */
	if (answer->rows == NULL || PQntuples(answer->rows) != 1) {
		const char *why = answer->rows == NULL ? answer->problem : "no answer";
		log_error("could not reconcile: %s", why);
		if (r->step == STEP_STORE)
			fail_pass(r, why);
		else if (r->status.is_running)
			repeat_later(r);
		else
			look_later(r);
		return;
	}
	if (r->step == STEP_BEGIN)
		take_begin(r, answer->rows);
	else if (r->step == STEP_BEGIN_PASS)
		take_pass(r, answer->rows);
	else if (r->step == STEP_STORE)
		take_stored(r, answer->rows);
	else
		take_end(r, answer->rows);
}

static bool is_last_kind(const struct reconcile *r)
{
	return (size_t)r->kind + 1 == ENTITY_KINDS;
}

static void send_begin(struct reconcile *r)
{
	char every[40], waited[40];
	bool is_resting = clock_ms() < r->rests_until_ms;
	bool is_timed = r->settings.every_ms > 0 && !is_resting;

	(void)snprintf(every, sizeof(every), "%ld ms", r->settings.every_ms);
	(void)snprintf(waited, sizeof(waited), "%" PRId64 " ms", clock_ms() - r->wanted_ms);
	/* One that another csdns-sync made is not forced. */
	const char *values[] = {r->settings.worker, is_timed ? every : NULL,
		r->is_wanted && !is_resting ? "t" : "f",
		r->is_wanted && !r->is_forced ? waited : NULL};
	store_ask(r->store,
		"SELECT begin, forced, done FROM csdns.sync_begin_reconcile($1, $2, $3, $4)", 4,
		values, on_answer, r);
}

static void send_begin_pass(struct reconcile *r)
{
	const char *values[] = {r->settings.worker, entity_name(r->kind)};

	store_ask(r->store, "SELECT pass, now FROM csdns.sync_begin_pass($1, $2)", 2, values,
		on_answer, r);
}

static void send_page(struct reconcile *r)
{
	const char *values[] = {r->pass, r->asked, r->rows};

	store_ask(r->store, "SELECT changed, faulty, now FROM csdns.sync_page($1, $2, $3)", 3,
		values, on_answer, r);
}

static void send_end(struct reconcile *r)
{
	const char *values[] = {r->pass, r->problem[0] == '\0' ? NULL : r->problem,
		r->is_forced ? "t" : "f", is_last_kind(r) ? "t" : "f"};

	store_ask(r->store, "SELECT missing, error FROM csdns.sync_end_pass($1, $2, $3, $4)", 4,
		values, on_answer, r);
}

/* ---- from step to step ---- */

static void next_kind(struct reconcile *r)
{
	if (!is_last_kind(r)) {
		r->kind++;
		r->step = STEP_BEGIN_PASS;
		return;
	}
	double seconds = (double)(clock_real_us() - r->began_us) / 1e6;
	if (r->n_failed == 0) {
		r->status.last_complete_us = r->began_us;
		r->status.last_seconds = seconds;
	}
	log_notice("%s: %" PRIu64 " listed, %" PRIu64 " changed, %" PRIu64 " missing, %.1f s",
		r->n_failed == 0 ? "reconciled" : "reconciled in part", r->listed_all,
		r->changed_all, r->missing_all, seconds);
	if (r->is_broken) {
		repeat_later(r);
		return;
	}
	r->is_forced = false;
	r->retry_ms = RETRY_FIRST_MS;
	go_idle(r, r->is_wanted ? 1 : LOOK_MS);
}

static void step(struct reconcile *r)
{
	if (r->step == STEP_NEXT)
		next_kind(r);
	if (r->step == STEP_PAUSE) {
		long left =
			(r->settings.pause_ms << r->empty) - (long)(clock_ms() - r->answered_ms);
		wait_for(r, left > 0 ? left : 0);
		return;
	}
	if (r->step == STEP_IDLE || r->is_asking || !store_is_free(r->store))
		return;
	if (r->step == STEP_ASK)
		ask_page(r);
	else if (r->step == STEP_BEGIN)
		send_begin(r);
	else if (r->step == STEP_BEGIN_PASS)
		send_begin_pass(r);
	else if (r->step == STEP_STORE)
		send_page(r);
	else if (r->step == STEP_END_PASS)
		send_end(r);
}

static void on_free(void *arg)
{
	step(arg);
}

/* The pass is lost with the connection; another begins when that is back. */
static void on_down(void *arg, const char *why)
{
	struct reconcile *r = arg;

	(void)why;
	if (r->step == STEP_IDLE)
		return;
	r->is_stale = r->is_asking;
	want(r); /* what somebody asked for may be gone with the answer */
	go_idle(r, 1000);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct reconcile *r = arg;

	(void)fd;
	(void)what;
	if (r->step == STEP_PAUSE)
		r->step = STEP_ASK;
	else if (r->step == STEP_IDLE && store_is_up(r->store))
		r->step = STEP_BEGIN;
	else if (r->step == STEP_IDLE)
		wait_for(r, 1000);
	step(r);
}

static const struct store_handlers handlers = {.on_free = on_free, .on_down = on_down};

struct reconcile *reconcile_new(struct event_base *base, const struct reconcile_settings *settings)
{
	struct store_settings store = {.db = settings->db, .name = "csdns-sync reconcile"};
	struct reconcile *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->base = base;
	r->settings = *settings;
	r->is_wanted = settings->every_ms > 0;
	r->wanted_ms = clock_ms();
	r->retry_ms = RETRY_FIRST_MS;
	r->timer = evtimer_new(base, on_timer, r);
	r->store = store_new(base, &store, &handlers, r);
	if (r->timer == NULL || r->store == NULL) {
		reconcile_free(r);
		return NULL;
	}
	wait_for(r, 10);
	return r;
}

void reconcile_free(struct reconcile *r)
{
	if (r == NULL)
		return;
	store_free(r->store);
	event_drop(r->timer);
	free(r->rows);
	free(r);
}

void reconcile_set_db(struct reconcile *r, const char *db)
{
	store_set_db(r->store, db);
}

void reconcile_now(struct reconcile *r)
{
	want(r);
	r->rests_until_ms = 0;
	reconcile_look(r);
}

void reconcile_ensure(struct reconcile *r)
{
	if (!r->is_wanted && !r->status.is_running)
		reconcile_now(r);
}

void reconcile_look(struct reconcile *r)
{
	if (r->step == STEP_IDLE)
		wait_for(r, 0);
}

void reconcile_get_status(const struct reconcile *r, struct reconcile_status *status)
{
	*status = r->status;
}
