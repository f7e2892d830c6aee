#include "protocol/call.h"

#include "base/json_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void reply_true(struct buf *reply)
{
	BUF_ADD_LIT(reply, "{\"result\":true}\n");
}

void reply_result(struct buf *reply, const char *json, size_t len)
{
	BUF_ADD_LIT(reply, "{\"result\":");
	buf_add(reply, json, len);
	BUF_ADD_LIT(reply, "}\n");
}

static void add_problem(struct buf *reply, const char *problem)
{
	BUF_ADD_LIT(reply, "\"log\":[\"csdns: ");
	for (; *problem != '\0'; problem++) {
		/* The text may have been cut inside a character of several octets. */
		char c = *problem >= ' ' && *problem <= '~' ? *problem : '?';
		json_text_add(reply, &c, 1);
	}
	BUF_ADD_LIT(reply, "\"]}\n");
}

void reply_false(struct buf *reply, const char *problem)
{
	BUF_ADD_LIT(reply, "{\"result\":false,");
	add_problem(reply, problem);
}

void reply_no_result(struct buf *reply, const char *problem)
{
	BUF_ADD_LIT(reply, "{");
	add_problem(reply, problem);
}

void call_fail(struct call *call, const char *fmt, ...)
{
	struct answer *answer = call->answer;
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(answer->problem, sizeof(answer->problem), fmt, args);
	va_end(args);
	reply_false(call->reply, answer->problem);
}

/* The parameter, or NULL after failing the call. */
static json_t *call_parameter(struct call *call, const char *key)
{
	json_t *value = json_object_get(call->parameters, key);

	if (value == NULL)
		call_fail(call, "%s: parameter \"%s\" is missing", call->answer->method, key);
	return value;
}

static bool call_wrong_type(struct call *call, const char *key, const char *type)
{
	call_fail(call, "%s: parameter \"%s\" is not %s", call->answer->method, key, type);
	return false;
}

bool call_text(struct call *call, const char *key, struct text *text)
{
	json_t *value = call_parameter(call, key);

	if (value == NULL)
		return false;
	if (!json_is_string(value))
		return call_wrong_type(call, key, "a string");
	text->at = json_string_value(value);
	text->len = json_string_length(value);
	return true;
}

void call_bad_name(struct call *call, const char *key, struct text text, int error)
{
	call_fail(call, "%s: %s \"%.*s\": %s", call->answer->method, key,
		text.len > 100 ? 100 : (int)text.len, text.at, name_error_text(error));
}

bool call_name(struct call *call, const char *key, struct name *name)
{
	struct text text;

	if (!call_text(call, key, &text))
		return false;
	int error = name_parse(name, text.at, text.len);
	if (error != NAME_OK)
		call_bad_name(call, key, text, error);
	return error == NAME_OK;
}

json_t *call_object(struct call *call, const char *key)
{
	json_t *value = call_parameter(call, key);

	if (value == NULL || json_is_object(value))
		return value;
	(void)call_wrong_type(call, key, "an object");
	return NULL;
}

json_t *call_array(struct call *call, const char *key)
{
	json_t *value = call_parameter(call, key);

	if (value == NULL || json_is_array(value))
		return value;
	(void)call_wrong_type(call, key, "an array");
	return NULL;
}

const struct zone *call_zone(struct call *call, const char *key)
{
	char text[NAME_TEXT_MAX];
	struct name name;

	if (!call_name(call, key, &name))
		return NULL;
	const struct zone *zone = mirror_find_zone(call->protocol->mirror, name.wire, name.len);
	if (zone == NULL) {
		size_t len = name_print(text, name.wire, name.len);
		call_fail(call, "%s: there is no zone \"%.*s\"", call->answer->method,
			len > 100 ? 100 : (int)len, text);
	}
	return zone;
}

const struct zone *call_zone_id(struct call *call, const char *key)
{
	int64_t id;

	if (!call_int(call, key, INT32_MIN, INT32_MAX, &id))
		return NULL;
	const struct zone *zone = mirror_find_zone_by_id(call->protocol->mirror, (int32_t)id);
	if (zone == NULL)
		call_fail(call, "%s: there is no zone with id %ld", call->answer->method, (long)id);
	return zone;
}

static bool number_in_range(struct call *call, const char *key, const json_t *value, int64_t min,
	int64_t max, int64_t *out)
{
	/* PowerDNS sends numbers beyond an int as doubles. */
	double number = json_number_value(value);

	if (number < (double)min || number > (double)max || number != (double)(int64_t)number) {
		call_fail(call, "%s: parameter \"%s\" is out of range: %g", call->answer->method,
			key, number);
		return false;
	}
	*out = (int64_t)number;
	return true;
}

bool call_int(struct call *call, const char *key, int64_t min, int64_t max, int64_t *value)
{
	json_t *number = call_parameter(call, key);

	if (number == NULL)
		return false;
	if (!json_is_number(number))
		return call_wrong_type(call, key, "a number");
	return number_in_range(call, key, number, min, max, value);
}

bool call_int_or(struct call *call, const char *key, int64_t absent, int64_t min, int64_t max,
	int64_t *value)
{
	*value = absent;
	return json_object_get(call->parameters, key) == NULL ||
	       call_int(call, key, min, max, value);
}

bool call_bool_or(struct call *call, const char *key, bool absent, bool *value)
{
	const json_t *flag = json_object_get(call->parameters, key);

	*value = absent;
	if (flag == NULL)
		return true;
	if (!json_is_boolean(flag))
		return call_wrong_type(call, key, "true or false");
	*value = json_is_true(flag);
	return true;
}

bool call_text_or(struct call *call, const char *key, const char *absent, struct text *text)
{
	*text = (struct text){absent, strlen(absent)};
	return json_object_get(call->parameters, key) == NULL || call_text(call, key, text);
}

struct write *call_write(struct call *call, enum write_kind kind)
{
	call->answer->kind = ANSWER_WRITE;
	write_init(&call->answer->write, kind);
	return &call->answer->write;
}

void call_write_drop(struct call *call)
{
	call->answer->kind = ANSWER_REPLY;
	write_fini(&call->answer->write);
}

void call_write_name(struct write *write, const struct name *name)
{
	char text[NAME_TEXT_MAX];
	size_t len = name_print(text, name->wire, name->len);

	if (len == 0)
		text[len++] = '.';
	write_add(write, text, len);
}
