#include "sync/verify.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "sync/question.h"
#include "sync/store.h"

#include <stdlib.h>
#include <string.h>

#define BATCH	      16     /* record sets, or instances, of one statement */
#define KEPT_MAX      10000  /* record sets that wait; more are let go, and told */
#define PAUSE_MAX_MS  600000 /* between questions about what goes on to differ */
#define PAUSE_DOUBLES 20

/* A record set to be asked for again. */
struct item {
	struct item *next;
	json_t *about; /* {zone, name, type} */
	long answers;  /* that differed so far */
	int64_t due_ms;
	bool is_asked; /* of the batch in hand */
	bool differs;  /* likewise */
};

/* A question of the batch in hand. */
struct asked {
	struct verify *verify;
	struct item *item;
	json_t *result; /* {server, zone, name, type, expected, got} */
	struct question *question;
};

struct verify {
	struct event_base *base;
	struct verify_settings settings;
	struct store *store;
	struct event *timer;
	struct item *items;
	size_t n_items;
	json_t *instances; /* uuids that changed, with when to ask: {uuid: ms} */
	json_t *in_hand;   /* those of the batch in hand */
	bool is_busy;	   /* from the question to the database until all is noted */
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

static void free_item(struct item *item)
{
	json_decref(item->about);
	free(item);
}

static bool is_about(const struct item *item, const json_t *row)
{
	static const char *const keys[] = {"zone", "name", "type"};

	for (size_t i = 0; i < 3; i++) {
		if (!json_equal(
			    json_object_get(item->about, keys[i]), json_object_get(row, keys[i])))
			return false;
	}
	return true;
}

static struct item *find_item(struct verify *verify, const json_t *row)
{
	for (struct item *item = verify->items; item != NULL; item = item->next) {
		if (is_about(item, row))
			return item;
	}
	if (verify->n_items >= KEPT_MAX)
		return NULL;
	struct item *item = calloc(1, sizeof(*item));
	if (item == NULL)
		return NULL;
	item->about = json_pack("{s:O, s:O, s:O}", "zone", json_object_get(row, "zone"), "name",
		json_object_get(row, "name"), "type", json_object_get(row, "type"));
	item->next = verify->items;
	verify->items = item;
	verify->n_items++;
	return item;
}

/* What is done with is dropped; what differs waits, longer each time. */
static void settle_items(struct verify *verify)
{
	for (struct item **at = &verify->items; *at != NULL;) {
		struct item *item = *at;
		if (item->is_asked && !item->differs) {
			*at = item->next;
			free_item(item);
			verify->n_items--;
			continue;
		}
		if (item->is_asked) {
			long doubles =
				item->answers < PAUSE_DOUBLES ? item->answers : PAUSE_DOUBLES;
			int64_t pause = (int64_t)verify->settings.after_ms << doubles;
			item->due_ms = clock_ms() + (pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS);
			item->is_asked = false;
		}
		at = &item->next;
	}
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
	settle_items(verify);
	verify->is_busy = false;
	wait_for(verify, 0);
}

/* The database was of no help: all of the batch is to be asked again. */
static void keep_batch(struct verify *verify)
{
	const char *uuid;
	json_t *due;

	for (struct item *item = verify->items; item != NULL; item = item->next)
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
	struct item *item = asked->item;

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
	for (struct item *item = verify->items; item != NULL; item = item->next) {
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

static void on_answer(void *arg, const char *got)
{
	struct asked *asked = arg;
	struct verify *verify = asked->verify;

	asked->question = NULL;
	if (got != NULL) {
		asked->item->differs = true;
		(void)json_object_set_new(asked->result, "got", json_string(got));
	}
	if (--verify->n_open == 0)
		note(verify);
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
	struct item *item = find_item(verify, row);

	*asked = (struct asked){.verify = verify, .item = item};
	if (item != NULL)
		asked->question = question_new(verify->base, &about, on_answer, asked, &why);
	if (asked->question == NULL) {
		log_warning("verification: server %s is not asked for %s %s: %s", about.server,
			about.name, about.type, why);
		return;
	}
	asked->result = result_of(row);
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

static char *due_items(struct verify *verify)
{
	json_t *list = json_array();
	char *text = NULL;

	for (struct item *item = verify->items; item != NULL; item = item->next) {
		if (item->due_ms > clock_ms() || json_array_size(list) == BATCH)
			continue;
		(void)json_array_append(list, item->about);
		/* what no server is asked about any more is dropped */
		item->is_asked = true;
		item->differs = false;
	}
	if (json_array_size(list) > 0)
		text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

#define ROWS "SELECT coalesce(jsonb_agg(to_jsonb(w)), '[]') FROM "

static void step(struct verify *verify)
{
	struct buf list;

	if (verify->is_busy || !store_is_free(verify->store))
		return;
	buf_init(&list);
	char *items = NULL;
	if (take_instances(verify, &list)) {
		const char *const values[] = {list.data};
		verify->is_busy = true;
		store_ask(verify->store, ROWS "csdns.verify_wanted($1::uuid[]) AS w", 1, values,
			on_wanted, verify);
	} else if ((items = due_items(verify)) != NULL) {
		const char *const values[] = {items};
		verify->is_busy = true;
		store_ask(verify->store, ROWS "csdns.verify_expected($1::jsonb) AS w", 1, values,
			on_wanted, verify);
	} else if (json_object_size(verify->instances) > 0 || verify->items != NULL) {
		long pause = verify->settings.after_ms / 2;
		wait_for(verify, pause < 100 ? 100 : pause);
	}
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
	if (verify == NULL || json_object_size(verify->instances) >= KEPT_MAX)
		return;
	(void)json_object_set_new(
		verify->instances, uuid, json_integer(clock_ms() + verify->settings.after_ms));
	if (!verify->is_busy && !evtimer_pending(verify->timer, NULL))
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
	while (verify->items != NULL) {
		struct item *item = verify->items;
		verify->items = item->next;
		free_item(item);
	}
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
