#include "config.h"

#include "sync/intake.h"

#include "base/buf.h"
#include "base/log.h"
#include "sync/store.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one statement carries at most beside its first event. */
#define BATCH_OCTETS ((size_t)4 * 1024 * 1024)

struct entry {
	struct entry *next;
	intake_fn fn;
	void *arg;
	uint64_t *tally; /* numbers of its source and type */
	size_t len;
	char text[]; /* the event as csdns.sync_take wants it */
};

struct intake {
	struct store *store;
	struct tally *tally;
	struct entry *first; /* the first n_sent are under way */
	struct entry **last;
	size_t n, n_sent;
	size_t octets;
	size_t singly; /* so many go one by one: together they failed */
	bool is_believing;
	struct intake_status status;
};

/* ---- out of the queue ---- */

static void finish_first(struct intake *intake, enum intake_outcome outcome, const char *why)
{
	struct entry *entry = intake->first;

	intake->first = entry->next;
	if (intake->first == NULL)
		intake->last = &intake->first;
	intake->n--;
	intake->octets -= entry->len;
	if (intake->singly > 0)
		intake->singly--;
	if (outcome == INTAKE_TAKEN)
		intake->status.taken++;
	else if (outcome == INTAKE_REPLAY)
		intake->status.replayed++;
	else
		intake->status.failed++;
	entry->tally[outcome == INTAKE_TAKEN	 ? TALLY_TAKEN
		     : outcome == INTAKE_REPLAY	 ? TALLY_REPLAY
		     : outcome == INTAKE_REFUSED ? TALLY_MALFORMED
						 : TALLY_FAILED]++;
	entry->fn(entry->arg, outcome, why);
	free(entry);
}

static void fail_all(struct intake *intake, const char *why)
{
	/* Only those that are there now: a callback may put another. */
	for (size_t n = intake->n; n > 0; n--)
		finish_first(intake, INTAKE_FAILED, why);
	intake->n_sent = 0;
}

static void take_rows(struct intake *intake, const PGresult *rows)
{
	size_t n = intake->n_sent;

	intake->n_sent = 0;
	for (size_t i = 0; i < n; i++) {
		bool is_there = (int)i < PQntuples(rows);
		bool is_replay = is_there && strcmp(PQgetvalue(rows, (int)i, 0), "replay") == 0;
		finish_first(intake,
			!is_there   ? INTAKE_FAILED
			: is_replay ? INTAKE_REPLAY
				    : INTAKE_TAKEN,
			is_there ? NULL : "the database did not answer for it");
	}
}

/* One event that the database refuses does not hold up the others. */
static void on_answer(void *arg, const struct store_answer *answer)
{
	struct intake *intake = arg;
	size_t n = intake->n_sent;

	if (answer->rows != NULL) {
		take_rows(intake, answer->rows);
	} else if (answer->is_lost) {
		fail_all(intake, answer->problem);
	} else if (n > 1) {
		log_warning("could not take %zu events at once, they are taken one by one: %s", n,
			answer->problem);
		intake->singly = n;
		intake->n_sent = 0;
	} else {
		log_error("could not take an event: %s", answer->problem);
		intake->n_sent = 0;
		finish_first(intake, answer->is_refused ? INTAKE_REFUSED : INTAKE_FAILED,
			answer->problem);
	}
}

/* ---- into the database ---- */

static void send_batch(struct intake *intake)
{
	size_t most = intake->singly > 0 ? 1 : INTAKE_BATCH;
	struct buf text;

	buf_init(&text);
	intake->n_sent = 0;
	for (struct entry *e = intake->first; e != NULL && intake->n_sent < most; e = e->next) {
		if (intake->n_sent > 0 && text.len + e->len > BATCH_OCTETS)
			break;
		buf_add_char(&text, intake->n_sent == 0 ? '[' : ',');
		buf_add(&text, e->text, e->len);
		intake->n_sent++;
	}
	buf_add(&text, "]", 2);
	if (buf_failed(&text)) {
		intake->n_sent = 0;
		fail_all(intake, "out of memory");
	} else {
		const char *values[] = {text.data};
		intake->status.batches++;
		store_ask(intake->store, "SELECT outcome FROM csdns.sync_take($1) ORDER BY at", 1,
			values, on_answer, intake);
	}
	buf_fini(&text);
}

static void on_free(void *arg)
{
	struct intake *intake = arg;

	if (intake->n > 0 && store_is_free(intake->store))
		send_batch(intake);
}

static void on_down(void *arg, const char *why)
{
	fail_all(arg, why);
}

static const struct store_handlers handlers = {.on_free = on_free, .on_down = on_down};

struct intake *intake_new(struct event_base *base, const char *db)
{
	struct store_settings settings = {.db = db, .name = "csdns-sync intake"};
	struct intake *intake = calloc(1, sizeof(*intake));

	if (intake == NULL)
		return NULL;
	intake->last = &intake->first;
	intake->store = store_new(base, &settings, &handlers, intake);
	intake->tally = tally_new();
	if (intake->store == NULL || intake->tally == NULL) {
		intake_free(intake);
		return NULL;
	}
	return intake;
}

void intake_free(struct intake *intake)
{
	if (intake == NULL)
		return;
	store_free(intake->store);
	while (intake->first != NULL) {
		struct entry *entry = intake->first;
		intake->first = entry->next;
		free(entry);
	}
	tally_free(intake->tally);
	free(intake);
}

void intake_set_db(struct intake *intake, const char *db)
{
	store_set_db(intake->store, db);
}

void intake_set_believing(struct intake *intake)
{
	intake->is_believing = true;
}

bool intake_is_believing(const struct intake *intake)
{
	return intake->is_believing;
}

/* ---- into the queue ---- */

static json_t *hint_json(const struct event_hint *hint)
{
	json_t *told = hint->told != NULL ? json_incref(hint->told) : NULL;
	json_t *json = json_pack("{s:s, s:s}", "kind", entity_name(hint->kind), "uuid", hint->uuid);

	if (json == NULL)
		json_decref(told);
	else if (told != NULL)
		(void)json_object_set_new(json, "hint", json_pack("{s:o}", "entity", told));
	else if (hint->is_gone)
		(void)json_object_set_new(json, "hint", json_pack("{s:b}", "gone", 1));
	return json;
}

/* Text to be freed, or NULL. */
static char *event_text(const char *source, const char *id, const struct cloud_event *event)
{
	json_t *hints = json_array();
	json_t *json;
	char *text;

	for (size_t i = 0; i < event->n_hints; i++)
		if (json_array_append_new(hints, hint_json(&event->hints[i])) < 0) {
			json_decref(hints);
			return NULL;
		}
	json = json_pack("{s:s, s:s*, s:s, s:o}", "source", source, "id", id, "type", event->type,
		"hints", hints);
	text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return text;
}

const char *intake_problem(const struct intake *intake)
{
	if (!store_is_up(intake->store))
		return store_problem(intake->store)[0] == '\0' ? "the database is not there yet"
							       : store_problem(intake->store);
	if (intake->n >= INTAKE_MAX || intake->octets >= INTAKE_OCTETS)
		return "too many events wait for the database";
	return NULL;
}

/* NULL for what is no id: the event is taken all the same. */
static const char *usable_id(const char *id)
{
	size_t n = 0;

	while (id != NULL && id[n] > ' ' && id[n] < 0x7f)
		n++;
	return n > 0 && id[n] == '\0' && n < INTAKE_ID_SIZE ? id : NULL;
}

static int put(struct intake *intake, const char *source, const char *id,
	const struct cloud_event *event, intake_fn fn, void *arg, const char **why)
{
	*why = intake_problem(intake);
	if (*why != NULL)
		return -1;
	char *text = event_text(source, usable_id(id), event);
	size_t len = text == NULL ? 0 : strlen(text);
	struct entry *entry = text == NULL ? NULL : malloc(sizeof(*entry) + len + 1);
	if (entry == NULL) {
		free(text);
		*why = "out of memory";
		return -1;
	}
	*entry = (struct entry){.fn = fn,
		.arg = arg,
		.len = len,
		.tally = tally_row(intake->tally, source, event->type)};
	memcpy(entry->text, text, len + 1);
	free(text);
	*intake->last = entry;
	intake->last = &entry->next;
	intake->n++;
	intake->octets += len;
	if (store_is_free(intake->store))
		send_batch(intake);
	return 0;
}

int intake_put(struct intake *intake, const char *source, const char *id,
	const struct cloud_event *event, intake_fn fn, void *arg, const char **why)
{
	int rc = put(intake, source, id, event, fn, arg, why);

	if (rc < 0)
		tally_add(intake->tally, source, event->type, TALLY_FAILED);
	return rc;
}

struct tally *intake_tally(struct intake *intake)
{
	return intake->tally;
}

bool intake_is_up(const struct intake *intake)
{
	return store_is_up(intake->store);
}

size_t intake_waiting(const struct intake *intake)
{
	return intake->n;
}

void intake_get_status(const struct intake *intake, struct intake_status *status)
{
	*status = intake->status;
}
