#include "config.h"

#include "sync/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "pg/events.h"
#include "sync/store.h"
#include "sync/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEASE	 "30 s" /* WORKER_LEASE_S */
#define RENEW_MS (WORKER_LEASE_S * 1000L / 3)
/* Answers in one statement at most: the rules' lock is held for so long. */
#define STORE_MAX 100
/* While the queue is long, answers wait for company, for so many and so long: a statement with one
 * costs a fifth of one with fifty. */
#define GATHER	  50
#define GATHER_MS 150

struct worker {
	struct worker_settings settings;
	struct store *store;
	struct event *poll;
	struct event *gathering; /* pending while answers wait for company */
	bool is_gathered;	 /* they have waited long enough */
	struct task *tasks;
	bool may_claim;	 /* somebody notified, or it is time to look */
	bool is_long;	 /* the queue: it had more than was asked for */
	unsigned asked;	 /* of the queue, the last time */
	unsigned singly; /* so many are to be stored one by one: together they failed */
	bool is_new;	 /* of a connection: what this name had in hand before is given back */
	bool is_draining;
	int64_t renewed_ms;
	struct worker_status status;
};

static void step(struct worker *worker);

static void drop_task(struct worker *worker, struct task *task)
{
	tasks_drop(&worker->tasks, task);
	worker->status.in_hand--;
}

/* ---- asking ---- */

static void on_looked_up(void *arg, const struct lookup_answer *answer)
{
	struct task *task = arg;
	struct worker *worker = task->worker;

	if (task->state == TASK_FORGOTTEN) {
		drop_task(worker, task);
		return;
	}
	if (answer->outcome == LOOKUP_GONE) {
		task_gone(task);
	} else if (answer->outcome == LOOKUP_FOUND) {
		task->entity = json_incref(answer->entity);
		task->state = TASK_ANSWERED;
	} else {
		task_fail(task, answer->why);
		task->is_passing = answer->is_passing;
	}
	step(worker);
}

static void ask(struct task *task)
{
	task->state = TASK_ASKING;
	task->lookup = (struct lookup){.api = task->worker->settings.api,
		.kind = task->kind,
		.uuid = task->uuid,
		.name = json_string_value(json_object_get(task->hint, "name")),
		.domain = json_string_value(json_object_get(task->hint, "domainid")),
		.fn = on_looked_up,
		.arg = task};
	if (lookup_ask(&task->lookup) < 0)
		task_fail(task, "out of memory");
}

/* What the event itself told. */
static void believe(struct task *task)
{
	json_t *entity = json_object_get(task->hint, "entity");

	if (entity != NULL) {
		task->entity = json_incref(entity);
		task->state = TASK_ANSWERED;
	} else if (json_is_true(json_object_get(task->hint, "gone"))) {
		task_gone(task);
	} else {
		task_fail(task, "the event does not tell what changed, and there is no API to ask");
	}
}

/* ---- claiming ---- */

static void add_task(struct worker *worker, const PGresult *rows, int row)
{
	struct task *task = task_new(rows, row);

	if (task == NULL)
		return; /* its lease ends */
	task->worker = worker;
	task->is_told = worker->settings.api == NULL;
	task->next = worker->tasks;
	worker->tasks = task;
	worker->status.in_hand++;
	worker->status.claimed++;
	if (worker->settings.api != NULL)
		ask(task);
	else
		believe(task);
}

static void on_claimed(void *arg, const struct store_answer *answer)
{
	struct worker *worker = arg;

	if (answer->rows == NULL) {
		if (!answer->is_lost)
			log_error("could not take work from the queue: %s", answer->problem);
		return;
	}
	for (int row = 0; row < PQntuples(answer->rows); row++)
		add_task(worker, answer->rows, row);
	/* There may be more. */
	if (PQntuples(answer->rows) > 0)
		worker->may_claim = true;
	worker->is_long = worker->asked >= GATHER && PQntuples(answer->rows) == (int)worker->asked;
}

static void claim(struct worker *worker)
{
	char most[16];

	worker->asked = worker->settings.max_tasks - worker->status.in_hand;
	(void)snprintf(most, sizeof(most), "%u", worker->asked);
	const char *values[] = {worker->settings.name, most, LEASE};
	worker->may_claim = false;
	store_ask(worker->store,
		"SELECT kind, uuid, generation, hint FROM csdns.sync_claim($1, $2, $3)", 3, values,
		on_claimed, worker);
}

/* ---- storing ---- */

static void count(struct worker *worker, const char *outcome)
{
	struct worker_status *status = &worker->status;

	if (strcmp(outcome, "stored") == 0)
		status->stored++;
	else if (strcmp(outcome, "gone") == 0)
		status->gone++;
	else if (strcmp(outcome, "lost") == 0)
		status->lost++;
	else
		status->failed++;
}

static void take_outcome(struct worker *worker, const PGresult *rows, int row)
{
	const char *kind = PQgetvalue(rows, row, 0);
	const char *uuid = PQgetvalue(rows, row, 1);
	const char *outcome = PQgetvalue(rows, row, 2);
	struct task *task = tasks_find_sent(worker->tasks, kind, uuid);

	count(worker, outcome);
	if (strcmp(outcome, "failed") == 0)
		log_warning("%s %s waits: %s", kind, uuid, PQgetvalue(rows, row, 3));
	else
		log_debug("%s %s: %s", kind, uuid, outcome);
	if (task == NULL)
		return;
	drop_task(worker, task);
	if (worker->settings.on_done != NULL &&
		(strcmp(outcome, "stored") == 0 || strcmp(outcome, "gone") == 0))
		worker->settings.on_done(worker->settings.arg, kind, uuid);
}

/* One of them may be what the database does not take: it shall not hold up the others. */
static void store_singly(struct worker *worker, unsigned n, const char *why)
{
	log_warning("could not store %u answers of the API at once, they are stored one by one: %s",
		n, why);
	worker->singly = n;
	for (struct task *task = worker->tasks; task != NULL; task = task->next)
		if (task->state == TASK_SENT)
			task->state = TASK_ANSWERED;
}

static void on_stored(void *arg, const struct store_answer *answer)
{
	struct worker *worker = arg;
	unsigned n = tasks_count(worker->tasks, TASK_SENT);

	if (answer->rows != NULL) {
		for (int row = 0; row < PQntuples(answer->rows); row++)
			take_outcome(worker, answer->rows, row);
		worker->may_claim = true;
	} else if (!answer->is_lost && n > 1) {
		store_singly(worker, n, answer->problem);
	} else if (!answer->is_lost) {
		log_error("could not store what the API answered: %s", answer->problem);
		tasks_fail_sent(worker->tasks, answer->problem);
	}
}

static void on_told(void *arg, const struct store_answer *answer)
{
	struct worker *worker = arg;
	struct task *next;

	if (answer->is_lost)
		return;
	if (answer->rows == NULL)
		log_error("could not put work back, its lease ends: %s", answer->problem);
	for (struct task *task = worker->tasks; task != NULL; task = next) {
		next = task->next;
		if (task->state == TASK_SENT) {
			worker->status.failed++;
			drop_task(worker, task);
		}
	}
}

/* False when there is nothing to send. */
static bool send_tasks(
	struct worker *worker, enum task_state state, unsigned most, const char *sql, store_fn fn)
{
	char *text = tasks_collect(worker->tasks, state, most);

	if (text == NULL) {
		tasks_fail_sent(worker->tasks, "out of memory");
		return false;
	}
	const char *values[] = {worker->settings.name, text};
	store_ask(worker->store, sql, 2, values, fn, worker);
	free(text);
	return true;
}

static bool store_answered(struct worker *worker)
{
	unsigned most = worker->singly > 0 ? 1 : STORE_MAX;

	worker->is_gathered = false;
	worker->singly -= worker->singly > 0;
	(void)evtimer_del(worker->gathering);
	return send_tasks(worker, TASK_ANSWERED, most,
		"SELECT kind, uuid, outcome, error FROM csdns.sync_store($1, $2)", on_stored);
}

/* ---- the loop ---- */

static void on_renewed(void *arg, const struct store_answer *answer)
{
	(void)arg;
	if (answer->rows == NULL && !answer->is_lost)
		log_warning("could not renew the lease of work in hand: %s", answer->problem);
}

/* Only these: what was claimed and is not in hand, for whatever reason, is for others to take. */
static void renew(struct worker *worker)
{
	char *text = tasks_list(worker->tasks);
	const char *values[] = {worker->settings.name, LEASE, text};

	worker->renewed_ms = clock_ms();
	if (text != NULL)
		store_ask(worker->store, "SELECT csdns.sync_renew($1, $2, $3)", 3, values,
			on_renewed, worker);
	free(text);
}

static void release(struct worker *worker)
{
	const char *values[] = {worker->settings.name};

	worker->is_new = false;
	store_ask(worker->store, "SELECT csdns.sync_release($1)", 1, values, on_renewed, worker);
}

/* Whether to wait for more answers before the next statement. Never for long: one of those that are
 * being asked may take its time. */
static bool is_gathering(struct worker *worker)
{
	struct timeval wait = clock_timeval(GATHER_MS);
	unsigned n;

	if (!worker->is_long || worker->is_draining || worker->is_gathered || worker->singly > 0)
		return false;
	n = tasks_count(worker->tasks, TASK_ANSWERED);
	if (n == 0 || n >= GATHER || tasks_count(worker->tasks, TASK_ASKING) == 0)
		return false;
	return evtimer_pending(worker->gathering, NULL) ||
	       evtimer_add(worker->gathering, &wait) == 0;
}

static void on_gathered(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)fd;
	(void)what;
	worker->is_gathered = true;
	step(worker);
}

/* A long queue is taken from before anything is stored, so that the API has work meanwhile. */
static bool wants_more(const struct worker *worker)
{
	unsigned room = worker->settings.max_tasks - worker->status.in_hand;

	return worker->may_claim && !worker->is_draining &&
	       room > (worker->is_long ? worker->settings.max_tasks / 2 : 0);
}

/* What has been answered, or has failed; false where there is nothing to tell. */
static bool tell(struct worker *worker)
{
	return (!is_gathering(worker) && store_answered(worker)) ||
	       send_tasks(
		       worker, TASK_FAILED, STORE_MAX, "SELECT csdns.sync_fail($1, $2)", on_told);
}

static void step(struct worker *worker)
{
	if (!store_is_free(worker->store))
		return;
	if (worker->is_new)
		release(worker);
	else if (worker->status.in_hand > 0 && clock_ms() - worker->renewed_ms >= RENEW_MS)
		renew(worker);
	/* From a long queue more is claimed before anything is told, so that answers come together.
	 */
	else if ((worker->is_long && wants_more(worker)) || (!tell(worker) && wants_more(worker)))
		claim(worker);
}

static void on_free(void *arg)
{
	step(arg);
}

/* What was in hand is the next connection's to give back: whatever was asked is forgotten. */
static void on_down(void *arg, const char *why)
{
	struct worker *worker = arg;
	struct task *next;

	if (worker->status.is_up)
		log_error("lost the database: %s", why);
	worker->status.is_up = false;
	worker->is_new = true;
	worker->may_claim = true;
	worker->singly = 0;
	for (struct task *task = worker->tasks; task != NULL; task = next) {
		next = task->next;
		if (task->state == TASK_ASKING || task->state == TASK_FORGOTTEN)
			task->state = TASK_FORGOTTEN;
		else
			drop_task(worker, task);
	}
}

static void on_notify(void *arg, const char *payload)
{
	struct worker *worker = arg;

	if (strcmp(payload, "reconcile") == 0) {
		if (worker->settings.on_wish != NULL)
			worker->settings.on_wish(worker->settings.arg);
		return;
	}
	worker->may_claim = true;
	step(worker);
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)fd;
	(void)what;
	worker->status.is_up = store_is_up(worker->store);
	worker->may_claim = true;
	step(worker);
}

static const struct store_handlers handlers = {
	.on_free = on_free, .on_down = on_down, .on_notify = on_notify};

struct worker *worker_new(struct event_base *base, const struct worker_settings *settings)
{
	struct store_settings store = {
		.db = settings->db, .name = "csdns-sync worker", .channel = "csdns_sync"};
	/* That is when leases are renewed, too, if nothing else happens. */
	struct timeval often =
		clock_timeval(settings->poll_ms < RENEW_MS ? settings->poll_ms : RENEW_MS);
	struct worker *worker = calloc(1, sizeof(*worker));

	if (worker == NULL)
		return NULL;
	worker->settings = *settings;
	worker->may_claim = true;
	worker->is_new = true;
	worker->store = store_new(base, &store, &handlers, worker);
	worker->poll = event_new(base, -1, EV_PERSIST, on_poll, worker);
	worker->gathering = evtimer_new(base, on_gathered, worker);
	if (worker->store == NULL || worker->poll == NULL || worker->gathering == NULL ||
		evtimer_add(worker->poll, &often) < 0) {
		worker_free(worker);
		return NULL;
	}
	return worker;
}

void worker_free(struct worker *worker)
{
	if (worker == NULL)
		return;
	store_free(worker->store);
	event_drop(worker->poll);
	event_drop(worker->gathering);
	while (worker->tasks != NULL) {
		struct task *task = worker->tasks;
		worker->tasks = task->next;
		task_free(task);
	}
	free(worker);
}

void worker_set_db(struct worker *worker, const char *db)
{
	store_set_db(worker->store, db);
}

void worker_drain(struct worker *worker)
{
	worker->is_draining = true;
}

bool worker_is_drained(const struct worker *worker)
{
	return worker->tasks == NULL;
}

void worker_get_status(const struct worker *worker, struct worker_status *status)
{
	*status = worker->status;
	status->is_up = store_is_up(worker->store);
}

const char *worker_problem(const struct worker *worker)
{
	return store_problem(worker->store);
}
