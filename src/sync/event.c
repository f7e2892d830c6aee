#include "config.h"

#include "sync/event.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Types that names or addresses may follow from. Others are not worth a question. */
static const char *const prefixes[] = {"VM.", "NIC.", "NET.", "NETWORK.", "STATICNAT.", "PORTABLE.",
	"ACCOUNT.", "DOMAIN.", "PROJECT.", "VPC.", "USER.MOVE"};

struct decoding {
	const json_t *body;
	struct cloud_event *event;
	char *why;
	size_t size;
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

static bool is_of_concern(const char *type)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(type, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* Printable, so that it can be a label of a metric and a word in a log. */
static void set_type(struct cloud_event *event, const char *type)
{
	size_t n = 0;

	for (; n < sizeof(event->type) - 1 && type[n] != '\0'; n++)
		event->type[n] =
			type[n] > ' ' && type[n] < 0x7f && type[n] != '"' && type[n] != '\\'
				? type[n]
				: '?';
	event->type[n] = '\0';
}

static struct event_hint *find_hint(
	struct cloud_event *event, enum entity_kind kind, const char *uuid)
{
	for (size_t i = 0; i < event->n_hints; i++)
		if (event->hints[i].kind == kind && strcasecmp(event->hints[i].uuid, uuid) == 0)
			return &event->hints[i];
	return NULL;
}

/* NULL where there is no room; more than a few entities are in no event. */
static struct event_hint *add_hint(
	struct cloud_event *event, enum entity_kind kind, const char *uuid)
{
	struct event_hint *hint = find_hint(event, kind, uuid);

	if (hint != NULL || event->n_hints == EVENT_HINTS_MAX)
		return hint;
	hint = &event->hints[event->n_hints++];
	*hint = (struct event_hint){.kind = kind};
	for (size_t i = 0; i < UUID_SIZE; i++)
		hint->uuid[i] = uuid[i];
	return hint;
}

/* A uuid under a key; where it is none, that is said, and the rest of the event counts. */
static void take_hint(struct decoding *d, enum entity_kind kind, const json_t *value)
{
	const char *uuid = json_string_value(value);

	if (kind == ENTITY_NONE || uuid == NULL)
		return;
	if (uuid_is(uuid))
		(void)add_hint(d->event, kind, uuid);
	else if (d->why[0] == '\0')
		(void)snprintf(
			d->why, d->size, "\"%.60s\" of %s is not a uuid", uuid, entity_name(kind));
}

static int finish_hints(struct decoding *d)
{
	if (d->event->n_hints == 0 && d->why[0] != '\0')
		return -1;
	d->event->use = d->event->n_hints == 0 ? EVENT_UNKNOWN : EVENT_HINTS;
	return 0;
}

/* ---- what only a description tells ---- */

/* "… Vm Id: 6f2c…": older rows of listEvents, and actions whose entity is none of the cloud's, name
 * it nowhere else. */
static const char *uuid_in(const char *text, char uuid[UUID_SIZE])
{
	size_t len = strlen(text);

	for (size_t i = 0; i + UUID_SIZE - 1 <= len; i++) {
		memcpy(uuid, text + i, UUID_SIZE - 1);
		uuid[UUID_SIZE - 1] = '\0';
		if (uuid_is(uuid))
			return text + i + UUID_SIZE - 1;
	}
	return NULL;
}

static enum entity_kind kind_of_type(const char *type)
{
	static const struct {
		const char *prefix;
		enum entity_kind kind;
	} kinds[] = {{"VM.", ENTITY_INSTANCE}, {"NETWORK.", ENTITY_NETWORK},
		{"NET.IP", ENTITY_PUBLIC_ADDRESS}, {"ACCOUNT.", ENTITY_ACCOUNT},
		{"DOMAIN.", ENTITY_DOMAIN}, {"PROJECT.", ENTITY_PROJECT},
		{"STATICNAT.", ENTITY_PUBLIC_ADDRESS}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(type, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
			return kinds[i].kind;
	return ENTITY_NONE;
}

static void take_described(struct decoding *d, const char *type)
{
	enum entity_kind kind = kind_of_type(type);
	const char *at = text_of(d->body, "description");
	char uuid[UUID_SIZE];

	while (kind != ENTITY_NONE && (at = uuid_in(at, uuid)) != NULL)
		(void)add_hint(d->event, kind, uuid);
}

/* ---- ActionEvent ---- */

static bool is_failure(const char *description)
{
	return strncmp(description, "Error while", strlen("Error while")) == 0;
}

static void mark_gone(struct cloud_event *event, const char *type)
{
	static const struct {
		const char *type;
		enum entity_kind kind;
	} ends[] = {{"VM.DESTROY", ENTITY_INSTANCE}, {"VM.EXPUNGE", ENTITY_INSTANCE},
		{"NETWORK.DELETE", ENTITY_NETWORK}, {"NET.IPRELEASE", ENTITY_PUBLIC_ADDRESS},
		{"ACCOUNT.DELETE", ENTITY_ACCOUNT}, {"DOMAIN.DELETE", ENTITY_DOMAIN},
		{"PROJECT.DELETE", ENTITY_PROJECT}};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		for (size_t k = 0; k < event->n_hints; k++)
			if (strcmp(ends[i].type, type) == 0 && event->hints[k].kind == ends[i].kind)
				event->hints[k].is_gone = !event->is_failed;
}

/* Every key that is the simple name of a class we know, beside entity and entityuuid. */
static void take_entity_keys(struct decoding *d)
{
	json_t *body = (json_t *)d->body;

	take_hint(
		d, entity_find_class(text_of(body, "entity")), json_object_get(body, "entityuuid"));
	for (void *at = json_object_iter(body); at != NULL; at = json_object_iter_next(body, at))
		take_hint(
			d, entity_find_class(json_object_iter_key(at)), json_object_iter_value(at));
}

static int decode_action(struct decoding *d)
{
	const char *type = text_of(d->body, "event");
	const char *status = text_of(d->body, "status");

	d->event->form = EVENT_ACTION;
	set_type(d->event, type);
	d->event->is_failed = is_failure(text_of(d->body, "description"));
	if (!is_of_concern(type))
		return 0;
	if (strcasecmp(status, "Completed") != 0) {
		d->event->use = EVENT_EARLY;
		return 0;
	}
	take_entity_keys(d);
	if (d->event->n_hints == 0 && d->why[0] == '\0')
		take_described(d, type);
	mark_gone(d->event, type);
	return finish_hints(d);
}

/* ---- ResourceStateEvent ---- */

static int decode_state(struct decoding *d)
{
	const char *status = text_of(d->body, "status");

	d->event->form = EVENT_STATE;
	set_type(d->event, text_of(d->body, "new-state"));
	if (strncasecmp(status, "pre", 3) == 0) {
		d->event->use = EVENT_EARLY;
		return 0;
	}
	enum entity_kind kind = entity_find_class(text_of(d->body, "resource"));
	if (kind == ENTITY_NONE)
		return 0;
	take_hint(d, kind, json_object_get(d->body, "id"));
	return finish_hints(d);
}

/* ---- AsyncJobEvent ---- */

/* Up to 4.11 a string, "org.apache.cloudstack.api.response.UserVmResponse/virtualmachine/{…}",
 * since then the object itself, or the same text in it. New reference, or NULL. */
static json_t *job_result(const json_t *body)
{
	json_t *result = json_object_get(body, "jobResult");
	const char *text = json_string_value(result);

	if (json_is_object(result))
		return json_incref(result);
	text = text == NULL ? NULL : strchr(text, '{');
	return text == NULL ? NULL : json_loads(text, JSON_REJECT_DUPLICATES, NULL);
}

/* The response itself, also where it lies in {"virtualmachine": …}. Borrowed. */
static const json_t *job_entity(const json_t *result, enum entity_kind kind)
{
	const json_t *inner;

	if (json_object_get(result, "id") != NULL)
		return result;
	inner = kind < ENTITY_NIC ? json_object_get(result, entity_key(kind)) : NULL;
	return json_is_object(inner) ? inner : NULL;
}

static void take_job_result(struct decoding *d, enum entity_kind kind)
{
	json_t *result = job_result(d->body);
	const json_t *entity = job_entity(result, kind);
	const char *id = text_of(entity, "id");

	/* Of an instance it is complete: with owner and NICs. */
	if (kind == ENTITY_INSTANCE && uuid_is(id) &&
		json_is_array(json_object_get(entity, "nic"))) {
		struct event_hint *hint = add_hint(d->event, kind, id);
		if (hint != NULL && hint->told == NULL)
			hint->told = entity_trim(kind, entity);
	}
	json_decref(result);
}

static int decode_job(struct decoding *d)
{
	const char *status = text_of(d->body, "status");
	const char *type = text_of(d->body, "commandEventType");

	d->event->form = EVENT_JOB;
	set_type(d->event, type);
	if (!is_of_concern(type))
		return 0;
	if (strcasecmp(status, "SUCCEEDED") != 0 && strcasecmp(status, "FAILED") != 0) {
		d->event->use = EVENT_EARLY;
		return 0;
	}
	d->event->is_failed = strcasecmp(status, "FAILED") == 0;
	enum entity_kind kind = entity_find_class(text_of(d->body, "instanceType"));
	if (!d->event->is_failed)
		take_job_result(d, kind == ENTITY_NONE && strncmp(type, "VM.", 3) == 0
					   ? ENTITY_INSTANCE
					   : kind);
	take_hint(d, kind, json_object_get(d->body, "instanceUuid"));
	return finish_hints(d);
}

/* ---- a row of listEvents ---- */

static void take_row_entity(struct decoding *d, const char *type)
{
	enum entity_kind kind = entity_find_class(text_of(d->body, "resourcetype"));

	if (kind != ENTITY_NONE && json_is_string(json_object_get(d->body, "resourceid")))
		take_hint(d, kind, json_object_get(d->body, "resourceid"));
	else
		take_described(d, type);
}

int event_decode_row(const json_t *row, struct cloud_event *event, char *why, size_t size)
{
	struct decoding d = {row, event, why, size};
	const char *type = text_of(row, "type");

	*event = (struct cloud_event){.form = EVENT_ROW, .use = EVENT_IGNORED};
	why[0] = '\0';
	set_type(event, type);
	event->is_failed = strcasecmp(text_of(row, "level"), "ERROR") == 0;
	if (!is_of_concern(type))
		return 0;
	if (strcasecmp(text_of(row, "state"), "Completed") != 0) {
		event->use = EVENT_EARLY;
		return 0;
	}
	take_row_entity(&d, type);
	mark_gone(event, type);
	return finish_hints(&d);
}

/* ---- telling them apart ---- */

static int decode_object(struct decoding *d)
{
	const json_t *body = d->body;

	if (json_object_get(body, "jobId") != NULL &&
		json_object_get(body, "commandEventType") != NULL)
		return decode_job(d);
	if (json_object_get(body, "new-state") != NULL)
		return decode_state(d);
	if (json_object_get(body, "event") != NULL && json_object_get(body, "status") != NULL)
		return decode_action(d);
	if (json_object_get(body, "event") != NULL && json_object_get(body, "resource") != NULL)
		d->event->form = EVENT_USAGE;
	set_type(d->event, text_of(body, "event"));
	return 0;
}

int event_decode(const char *body, size_t len, struct cloud_event *event, char *why, size_t size)
{
	json_error_t error;
	json_t *json;
	int rc;

	*event = (struct cloud_event){.form = EVENT_OTHER, .use = EVENT_IGNORED};
	why[0] = '\0';
	if (len > EVENT_BODY_MAX) {
		(void)snprintf(why, size, "longer than %zu octets", EVENT_BODY_MAX);
		return -1;
	}
	json = json_loadb(body, len, 0, &error);
	if (!json_is_object(json)) {
		(void)snprintf(why, size, "not %s", json == NULL ? "JSON" : "a JSON object");
		json_decref(json);
		return -1;
	}
	struct decoding d = {json, event, why, size};
	rc = decode_object(&d);
	if (rc < 0)
		event_fini(event);
	json_decref(json);
	return rc;
}

void event_fini(struct cloud_event *event)
{
	for (size_t i = 0; i < event->n_hints; i++)
		json_decref(event->hints[i].told);
	event->n_hints = 0;
}

static bool tells(const struct event_hint *hint)
{
	return hint->told != NULL || hint->is_gone;
}

void event_keep_told(struct cloud_event *event)
{
	size_t n = 0;

	for (size_t i = 0; i < event->n_hints; i++)
		if (tells(&event->hints[i]))
			event->hints[n++] = event->hints[i];
	event->n_hints = n;
	if (event->use == EVENT_HINTS && n == 0)
		event->use = EVENT_IGNORED;
}

void event_forget_older(struct cloud_event *older, const struct cloud_event *newer)
{
	for (size_t i = 0; i < newer->n_hints; i++) {
		const struct event_hint *hint = &newer->hints[i];
		struct event_hint *other = find_hint(older, hint->kind, hint->uuid);
		if (other == NULL || !tells(hint))
			continue;
		json_decref(other->told);
		other->told = NULL;
		other->is_gone = false;
	}
}

const char *event_form_name(enum event_form form)
{
	static const char *const names[] = {"action", "state", "job", "usage", "row", "other"};

	return names[form];
}

const char *event_use_name(enum event_use use)
{
	static const char *const names[] = {"taken", "early", "ignored", "unknown"};

	return names[use];
}
