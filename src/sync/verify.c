#include "sync/verify.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "sync/question.h"
#include "sync/repeat.h"
#include "sync/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH	 16    /* record sets, or instances, of one statement */
#define KEPT_MAX 10000 /* instances that wait; more are let go, and counted */
/* When the database could not say what differs. */
#define FAULTS_AGAIN_MS 10000

/* A question of the batch in hand. */
struct asked {
	struct verify *verify;
	struct repeat *item;
	struct verify_server *server;
	json_t *result; /* {server, zone, name, type, expected, got} */
	struct question *question;
};

struct verify {
	struct event_base *base;
	struct verify_settings settings;
	struct store *store;
	struct event *timer;
	struct repeats repeats;
	json_t *instances;     /* uuids that changed, with when to ask: {uuid: ms} */
	json_t *in_hand;       /* those of the batch in hand */
	bool is_busy;	       /* from the question to the database until all is noted */
	int64_t faults_due_ms; /* when those of the database are looked at again */
	struct verify_server servers[VERIFY_SERVERS_MAX + 1];
	size_t n_servers;
	uint64_t left_out;
	struct asked *asked;
	size_t n_asked, n_open;
	json_t *results; /* to be noted */
};

static void step(struct verify *verify);

static void wait_for(struct verify *verify, long ms)
{
	struct timeval wait = clock_timeval(ms);

	(void)evtimer_add(verify->timer, &wait);
}

static void end_batch(struct verify *verify)
{
	for (size_t i = 0; i < verify->n_asked; i++) {
		question_free(verify->asked[i].question);
		json_decref(verify->asked[i].result);
	}
	free(verify->asked);
	verify->asked = NULL;
	verify->n_asked = verify->n_open = 0;
	json_decref(verify->results);
	verify->results = NULL;
	repeats_settle(&verify->repeats, verify->settings.after_ms);
	verify->is_busy = false;
	wait_for(verify, 0);
}

/* The database was of no help: all of the batch is to be asked again. */
static void keep_batch(struct verify *verify)
{
	const char *uuid;
	json_t *due;

	for (struct repeat *item = verify->repeats.first; item != NULL; item = item->next)
		item->differs |= item->is_asked;
	json_object_foreach(verify->in_hand, uuid, due)
	{
		verify_instance(verify, uuid);
	}
}

/* ---- noting ---- */

static void on_noted(void *arg, const struct store_answer *answer)
{
	if (answer->rows == NULL) {
		log_warning(
			"verification: could not note how servers answered: %s", answer->problem);
		keep_batch(arg);
	}
	end_batch(arg);
}

static void add_result(struct verify *verify, struct asked *asked)
{
	const json_t *got = json_object_get(asked->result, "got");
	struct repeat *item = asked->item;

	/* an answer that differs is noted when it was one too often */
	if (!json_is_null(got) && item->answers + 1 < verify->settings.tries)
		return;
	(void)json_array_append(verify->results, asked->result);
	if (!json_is_null(got) && item->answers + 1 == verify->settings.tries)
		log_warning("verification: server %s, %s %s: expected %s, got %s",
			json_string_value(json_object_get(asked->result, "server")),
			json_string_value(json_object_get(asked->result, "name")),
			json_string_value(json_object_get(asked->result, "type")),
			json_string_value(json_object_get(asked->result, "expected")),
			json_string_value(got));
}

/* All have answered. */
static void note(struct verify *verify)
{
	verify->results = json_array();
	for (size_t i = 0; i < verify->n_asked; i++)
		add_result(verify, &verify->asked[i]);
	for (struct repeat *item = verify->repeats.first; item != NULL; item = item->next) {
		if (item->is_asked && item->differs)
			item->answers++;
	}
	char *text = json_array_size(verify->results) > 0
			     ? json_dumps(verify->results, JSON_COMPACT)
			     : NULL;
	if (text == NULL || !store_is_free(verify->store)) {
		if (text != NULL)
			keep_batch(verify);
		free(text);
		end_batch(verify);
		return;
	}
	const char *const values[] = {text};
	store_ask(
		verify->store, "SELECT csdns.verify_noted($1::jsonb)", 1, values, on_noted, verify);
	free(text);
}

/* ---- asking ---- */

static void count(struct verify_server *server, enum question_result result)
{
	server->right += result == QUESTION_RIGHT;
	server->wrong += result == QUESTION_WRONG;
	server->unanswered += result == QUESTION_UNANSWERED;
}

static void on_answer(void *arg, enum question_result result, const char *got)
{
	struct asked *asked = arg;
	struct verify *verify = asked->verify;

	asked->question = NULL;
	count(asked->server, result);
	if (got != NULL) {
		asked->item->differs = true;
		(void)json_object_set_new(asked->result, "got", json_string(got));
	}
	if (--verify->n_open == 0)
		note(verify);
}

/* Its numbers; the last place is that of all that have none. */
static struct verify_server *find_server(struct verify *verify, const char *name)
{
	size_t i = 0;

	while (i < verify->n_servers && strcmp(verify->servers[i].name, name) != 0)
		i++;
	if (i == verify->n_servers) {
		i = i < VERIFY_SERVERS_MAX ? i : VERIFY_SERVERS_MAX;
		verify->n_servers = i + 1;
		(void)snprintf(verify->servers[i].name, sizeof(verify->servers[i].name), "%s",
			i < VERIFY_SERVERS_MAX ? name : "other");
	}
	return &verify->servers[i];
}

static json_t *result_of(const json_t *row)
{
	const json_t *records = json_object_get(row, "records");
	struct buf expected;
	json_t *result = NULL;

	buf_init(&expected);
	for (size_t i = 0; i < json_array_size(records); i++) {
		const json_t *record = json_array_get(records, i);
		const char *content = json_string_value(json_object_get(record, "content"));
		buf_printf(&expected, "%s%lld %s", i > 0 ? ", " : "",
			(long long)json_integer_value(json_object_get(record, "ttl")),
			content != NULL ? content : "");
	}
	if (expected.len == 0)
		buf_add_str(&expected, "nothing");
	buf_add_char(&expected, '\0');
	if (!buf_failed(&expected))
		result = json_pack("{s:o, s:O, s:O, s:O, s:s, s:n}", "server",
			json_sprintf("%s:%d", json_string_value(json_object_get(row, "server")),
				(int)json_integer_value(json_object_get(row, "port"))),
			"zone", json_object_get(row, "zone"), "name", json_object_get(row, "name"),
			"type", json_object_get(row, "type"), "expected", expected.data, "got");
	buf_fini(&expected);
	return result;
}

static void ask_one(struct verify *verify, const json_t *row)
{
	const struct question_about about = {
		.server = json_string_value(json_object_get(row, "server")),
		.port = (int)json_integer_value(json_object_get(row, "port")),
		.name = json_string_value(json_object_get(row, "name")),
		.type = json_string_value(json_object_get(row, "type")),
		.records = json_object_get(row, "records"),
	};
	struct asked *asked = &verify->asked[verify->n_asked];
	const char *why = "too many record sets differ already";
	struct repeat *item = repeats_find(&verify->repeats, row);

	*asked = (struct asked){.verify = verify, .item = item};
	if (item != NULL)
		asked->question = question_new(verify->base, &about, on_answer, asked, &why);
	if (asked->question == NULL) {
		log_warning("verification: server %s is not asked for %s %s: %s", about.server,
			about.name, about.type, why);
		verify->left_out++;
		return;
	}
	asked->result = result_of(row);
	asked->server =
		find_server(verify, json_string_value(json_object_get(asked->result, "server")));
	asked->server->asked++;
	item->is_asked = true;
	item->differs = false;
	verify->n_asked++;
	verify->n_open++;
}

static void on_wanted(void *arg, const struct store_answer *answer)
{
	struct verify *verify = arg;
	json_t *rows = answer->rows != NULL && PQntuples(answer->rows) > 0
			       ? json_loads(PQgetvalue(answer->rows, 0, 0), 0, NULL)
			       : NULL;
	size_t n = json_array_size(rows);

	if (answer->rows == NULL) {
		log_warning("verification: could not ask what is expected: %s", answer->problem);
		keep_batch(verify);
	}
	verify->asked = calloc(n + 1, sizeof(*verify->asked));
	for (size_t i = 0; verify->asked != NULL && i < n; i++)
		ask_one(verify, json_array_get(rows, i));
	json_decref(rows);
	if (verify->n_open == 0)
		end_batch(verify);
}

/* ---- what the database has ---- */

static void on_faults(void *arg, const struct store_answer *answer)
{
	struct verify *verify = arg;
	json_t *rows = answer->rows != NULL && PQntuples(answer->rows) > 0
			       ? json_loads(PQgetvalue(answer->rows, 0, 0), 0, NULL)
			       : NULL;

	if (answer->rows == NULL)
		log_warning("verification: could not ask what differed: %s", answer->problem);
	verify->faults_due_ms =
		clock_ms() + (answer->rows == NULL ? FAULTS_AGAIN_MS : VERIFY_FAULTS_MS);
	for (size_t i = 0; i < json_array_size(rows); i++)
		(void)repeats_find(&verify->repeats, json_array_get(rows, i));
	json_decref(rows);
	end_batch(verify);
}

/* ---- what is due ---- */

/* {a,b}: instances whose time has come, taken out. */
static bool take_instances(struct verify *verify, struct buf *list)
{
	const char *uuid;
	json_t *due;
	void *next;
	size_t n = 0;

	(void)json_object_clear(verify->in_hand);
	json_object_foreach_safe(verify->instances, next, uuid, due)
	{
		if (n == BATCH || json_integer_value(due) > clock_ms())
			continue;
		buf_printf(list, "%c%s", n++ == 0 ? '{' : ',', uuid);
		(void)json_object_set(verify->in_hand, uuid, due);
		(void)json_object_del(verify->instances, uuid);
	}
	buf_add_str(list, "}");
	buf_add_char(list, '\0');
	return n > 0 && !buf_failed(list);
}

#define ROWS "SELECT coalesce(jsonb_agg(to_jsonb(w)), '[]') FROM "

static void ask_store(struct verify *verify, const char *sql, const char *value, store_fn fn)
{
	verify->is_busy = true;
	store_ask(verify->store, sql, value == NULL ? 0 : 1, &value, fn, verify);
}

static bool is_idle(const struct verify *verify)
{
	return json_object_size(verify->instances) == 0 && verify->repeats.first == NULL;
}

static void wait_for_more(struct verify *verify)
{
	int64_t pause = is_idle(verify) ? verify->faults_due_ms - clock_ms()
					: verify->settings.after_ms / 2;

	wait_for(verify, pause < 100 ? 100 : (long)pause);
}

static void step(struct verify *verify)
{
	struct buf list;

	if (verify->is_busy || !store_is_free(verify->store))
		return;
	buf_init(&list);
	char *items = NULL;
	if (verify->faults_due_ms <= clock_ms())
		ask_store(verify, ROWS "csdns.verify_faulty() AS w", NULL, on_faults);
	else if (take_instances(verify, &list))
		ask_store(
			verify, ROWS "csdns.verify_wanted($1::uuid[]) AS w", list.data, on_wanted);
	else if ((items = repeats_due(&verify->repeats, BATCH)) != NULL)
		ask_store(verify, ROWS "csdns.verify_expected($1::jsonb) AS w", items, on_wanted);
	else
		wait_for_more(verify);
	free(items);
	buf_fini(&list);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	step(arg);
}

static void on_free(void *arg)
{
	step(arg);
}

void verify_instance(struct verify *verify, const char *uuid)
{
	if (verify == NULL)
		return;
	if (json_object_size(verify->instances) >= KEPT_MAX) {
		verify->left_out++;
		return;
	}
	bool was_idle = is_idle(verify);
	(void)json_object_set_new(
		verify->instances, uuid, json_integer(clock_ms() + verify->settings.after_ms));
	if (was_idle && !verify->is_busy)
		wait_for(verify, verify->settings.after_ms);
}

struct verify *verify_new(struct event_base *base, const struct verify_settings *settings)
{
	static const struct store_handlers handlers = {.on_free = on_free};
	const struct store_settings store = {.db = settings->db, .name = "csdns-sync verify"};
	struct verify *verify = calloc(1, sizeof(*verify));

	if (verify == NULL)
		return NULL;
	verify->base = base;
	verify->settings = *settings;
	verify->instances = json_object();
	verify->in_hand = json_object();
	verify->timer = evtimer_new(base, on_timer, verify);
	if (verify->timer != NULL)
		verify->store = store_new(base, &store, &handlers, verify);
	if (verify->store != NULL && verify->instances != NULL && verify->in_hand != NULL)
		return verify;
	verify_free(verify);
	return NULL;
}

void verify_free(struct verify *verify)
{
	if (verify == NULL)
		return;
	if (verify->store != NULL)
		store_free(verify->store);
	for (size_t i = 0; i < verify->n_asked; i++) {
		question_free(verify->asked[i].question);
		json_decref(verify->asked[i].result);
	}
	free(verify->asked);
	json_decref(verify->results);
	repeats_fini(&verify->repeats);
	json_decref(verify->instances);
	json_decref(verify->in_hand);
	if (verify->timer != NULL)
		event_free(verify->timer);
	free(verify);
}

void verify_set_db(struct verify *verify, const char *db)
{
	if (verify != NULL)
		store_set_db(verify->store, db);
}

void verify_get_status(const struct verify *verify, struct verify_status *status)
{
	*status = (struct verify_status){
		.servers = verify->servers,
		.n_servers = verify->n_servers,
		.waiting = json_object_size(verify->instances),
		.left_out = verify->left_out,
	};
	for (const struct repeat *item = verify->repeats.first; item != NULL; item = item->next)
		status->repeating += item->answers > 0;
}
