#include "write/transaction.h"

#include "base/clock.h"
#include "base/log.h"
#include "pg/events.h"
#include "write/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For a connection; PowerDNS waits for two seconds by default, and shall hear the reason. */
#define WAIT_MS 1500
/* For one operation, such as the COMMIT of a large zone. */
#define OPERATION_MS 300000
/* Looks at the clock. */
#define TICK_MS 250

struct slot {
	struct transactions *all;
	struct session *session;
	struct transaction *user; /* NULL: nobody's, but it may still be rolling back */
};

struct transactions {
	struct transactions_settings settings;
	struct event_base *base;
	struct transaction *list;    /* of all, the newest first */
	struct transaction *waiting; /* for a slot; the one that has waited longest first */
	struct transaction **waiting_last;
	struct event
		*serve; /* gives slots to those who wait: never inside a connection's handler */
	struct event *tick;
	unsigned open;
	unsigned n; /* slots that have been made */
	struct slot slots[];
};

struct transaction {
	struct transaction *next, **at; /* in the list of all */
	struct transaction *next_waiting;
	struct transactions *all;
	struct slot *slot;  /* NULL while it waits, and when it has been rolled back */
	struct write begin; /* while it waits */
	struct buf soa;	    /* parameters of the first SOA that was fed; empty before that */
	bool is_waiting;
	bool is_working;  /* an operation is under way; the first one may be waiting */
	int64_t since_ms; /* that it works, or works not */
	write_done_fn fn;
	void *arg;
	char problem[512]; /* "" while there is none but the session's */
};

unsigned transactions_open(const struct transactions *all)
{
	return all->open;
}

static void set_working(struct transaction *transaction, bool is_working)
{
	transaction->is_working = is_working;
	transaction->since_ms = clock_ms();
}

static void serve_soon(struct transactions *all)
{
	if (all->waiting != NULL)
		event_active(all->serve, EV_TIMEOUT, 0);
}

static void leave_slot(struct transaction *transaction)
{
	struct slot *slot = transaction->slot;

	if (slot == NULL)
		return;
	transaction->slot = NULL;
	slot->user = NULL;
	enum session_state state = session_state(slot->session);
	if (state == SESSION_OPEN || state == SESSION_BUSY)
		session_abandon(slot->session);
	serve_soon(slot->all);
}

static void leave_queue(struct transaction *transaction)
{
	struct transactions *all = transaction->all;
	struct transaction **at = &all->waiting;

	if (!transaction->is_waiting)
		return;
	while (*at != transaction)
		at = &(*at)->next_waiting;
	*at = transaction->next_waiting;
	if (all->waiting_last == &transaction->next_waiting)
		all->waiting_last = at;
	transaction->is_waiting = false;
}

/* The transaction may be gone after it. */
static void tell(struct transaction *transaction, const struct write_done *done)
{
	set_working(transaction, false);
	transaction->fn(transaction->arg, done);
}

/* ---- slots ---- */

static void on_done(void *owner, const struct write_done *done)
{
	tell(owner, done);
}

static void on_free(void *arg, struct session *session)
{
	struct transactions *all = arg;

	(void)session;
	serve_soon(all);
}

static const struct session_handlers session_handlers = {.on_done = on_done, .on_free = on_free};

static bool slot_is_usable(const struct slot *slot, enum session_state state)
{
	return slot->user == NULL && session_state(slot->session) == state;
}

/* One that is connected rather than one that is not, and that rather than a new one. */
static struct slot *find_slot(struct transactions *all)
{
	for (unsigned i = 0; i < all->n; i++)
		if (slot_is_usable(&all->slots[i], SESSION_FREE))
			return &all->slots[i];
	for (unsigned i = 0; i < all->n; i++)
		if (slot_is_usable(&all->slots[i], SESSION_CLOSED))
			return &all->slots[i];
	if (all->n == all->settings.max)
		return NULL;
	struct slot *slot = &all->slots[all->n];
	slot->all = all;
	slot->session = session_new(all->base, &session_handlers, all);
	if (slot->session == NULL)
		return NULL;
	all->n++;
	return slot;
}

static void on_serve(evutil_socket_t fd, short what, void *arg)
{
	struct transactions *all = arg;
	struct slot *slot;

	(void)fd;
	(void)what;
	while (all->waiting != NULL && (slot = find_slot(all)) != NULL) {
		struct transaction *transaction = all->waiting;
		leave_queue(transaction);
		transaction->slot = slot;
		slot->user = transaction;
		set_working(transaction, true);
		session_begin(slot->session, all->settings.db, all->settings.idle_ms,
			&transaction->begin, transaction);
	}
}

/* ---- the clock ---- */

static void give_up(struct transaction *transaction, const char *problem)
{
	struct write_done done = {.problem = transaction->problem};

	if (transaction->is_waiting)
		write_fini(&transaction->begin);
	leave_queue(transaction);
	(void)snprintf(transaction->problem, sizeof(transaction->problem), "%s", problem);
	leave_slot(transaction);
	if (transaction->is_working)
		tell(transaction, &done);
}

static void look_at(struct transaction *transaction, int64_t now_ms)
{
	struct transactions *all = transaction->all;
	int64_t ms = now_ms - transaction->since_ms;
	char problem[128];

	if (transaction->is_waiting && ms > WAIT_MS) {
		(void)snprintf(problem, sizeof(problem),
			"no connection to the database is free: %u transactions are open",
			all->settings.max);
		give_up(transaction, problem);
	} else if (transaction->slot != NULL && transaction->is_working && ms > OPERATION_MS) {
		give_up(transaction, "the database does not answer");
	} else if (transaction->slot != NULL && !transaction->is_working &&
		   ms > all->settings.idle_ms) {
		(void)snprintf(problem, sizeof(problem),
			"it was rolled back after %" PRId64 " s without a request",
			all->settings.idle_ms / 1000);
		log_warning("a transaction of PowerDNS is not ended: %s", problem);
		give_up(transaction, problem);
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct transactions *all = arg;
	struct transaction *next;
	int64_t now_ms = clock_ms();

	(void)fd;
	(void)what;
	for (struct transaction *transaction = all->list; transaction != NULL; transaction = next) {
		next = transaction->next; /* this one may go, and no other */
		look_at(transaction, now_ms);
	}
	if (all->list == NULL)
		(void)evtimer_del(all->tick);
}

/* ---- for the owner ---- */

struct transactions *transactions_new(
	struct event_base *base, const struct transactions_settings *settings)
{
	struct transactions *all = calloc(1, sizeof(*all) + settings->max * sizeof(all->slots[0]));

	if (all == NULL)
		return NULL;
	all->base = base;
	all->settings = *settings;
	all->waiting_last = &all->waiting;
	all->serve = event_new(base, -1, 0, on_serve, all);
	all->tick = event_new(base, -1, EV_PERSIST, on_tick, all);
	if (all->serve == NULL || all->tick == NULL) {
		transactions_free(all);
		return NULL;
	}
	return all;
}

void transactions_free(struct transactions *all)
{
	if (all == NULL)
		return;
	for (unsigned i = 0; i < all->n; i++)
		session_free(all->slots[i].session);
	event_drop(all->serve);
	event_drop(all->tick);
	free(all);
}

void transactions_set(struct transactions *all, const struct transactions_settings *settings)
{
	unsigned max = all->settings.max;

	all->settings = *settings;
	all->settings.max = max;
	/* They may be to another database. */
	for (unsigned i = 0; i < all->n; i++)
		if (slot_is_usable(&all->slots[i], SESSION_FREE))
			session_close(all->slots[i].session);
}

struct transaction *transaction_begin(
	struct transactions *all, struct write *begin, write_done_fn fn, void *arg)
{
	struct transaction *transaction = calloc(1, sizeof(*transaction));
	struct timeval tick = clock_timeval(TICK_MS);

	if (transaction == NULL)
		return NULL;
	if (all->list == NULL)
		(void)evtimer_add(all->tick, &tick);
	transaction->all = all;
	transaction->begin = *begin;
	transaction->fn = fn;
	transaction->arg = arg;
	transaction->at = &all->list;
	transaction->next = all->list;
	if (transaction->next != NULL)
		transaction->next->at = &transaction->next;
	all->list = transaction;
	all->open++;
	*all->waiting_last = transaction;
	all->waiting_last = &transaction->next_waiting;
	transaction->is_waiting = true;
	set_working(transaction, true);
	serve_soon(all);
	return transaction;
}

void transaction_free(struct transaction *transaction)
{
	if (transaction == NULL)
		return;
	if (transaction->is_waiting)
		write_fini(&transaction->begin);
	buf_fini(&transaction->soa);
	leave_queue(transaction);
	leave_slot(transaction);
	*transaction->at = transaction->next;
	if (transaction->next != NULL)
		transaction->next->at = transaction->at;
	transaction->all->open--;
	free(transaction);
}

/* A transfer ends with the SOA that it began with. PowerDNS feeds that one as well when the answer
 * to IXFR is the whole zone (its issue 12984). */
static bool is_soa_again(struct transaction *transaction, const struct write *write)
{
	struct buf *soa = &transaction->soa;

	if (write->kind != WRITE_FEED || strcmp(write_param(write, 2), "SOA") != 0)
		return false;
	if (soa->len > 0)
		return soa->len == write->text.len &&
		       memcmp(soa->data, write->text.data, soa->len) == 0;
	buf_add(soa, write->text.data, write->text.len);
	return false;
}

enum transaction_outcome transaction_do(
	struct transaction *transaction, struct write *write, write_done_fn fn, void *arg)
{
	if (transaction_problem(transaction) != NULL) {
		write_fini(write);
		return TRANSACTION_FAILED;
	}
	if (is_soa_again(transaction, write)) {
		write_fini(write);
		return TRANSACTION_DONE;
	}
	transaction->fn = fn;
	transaction->arg = arg;
	set_working(transaction, true);
	if (!session_do(transaction->slot->session, write))
		return TRANSACTION_LATER;
	set_working(transaction, false);
	return TRANSACTION_DONE;
}

void transaction_doom(struct transaction *transaction, const char *problem)
{
	if (transaction_problem(transaction) == NULL)
		(void)snprintf(transaction->problem, sizeof(transaction->problem), "%s", problem);
}

const char *transaction_problem(const struct transaction *transaction)
{
	if (transaction->problem[0] != '\0')
		return transaction->problem;
	return transaction->slot == NULL ? NULL : session_problem(transaction->slot->session);
}
