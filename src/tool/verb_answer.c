/*
 * verb_answer: what csdns.api() answered, as JSON or as tables and lines for people. Control
 * characters that the data brings along do not reach the terminal.
 */
#include "tool/cell.h"
#include "tool/table.h"
#include "tool/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fields of an answer to show, by their names or by their places in an object. */
struct fields {
	char **names; /* n, owned; NULL after the last */
	size_t n;
};

static void fields_fini(struct fields *fields)
{
	for (size_t i = 0; i < fields->n; i++)
		free(fields->names[i]);
	free(fields->names);
}

static int add_field(struct fields *fields, const char *name, size_t len)
{
	char **names = realloc(fields->names, (fields->n + 1) * sizeof(*names));

	if (names == NULL)
		return -1;
	fields->names = names;
	names[fields->n] = strndup(name, len);
	return names[fields->n++] != NULL ? 0 : -1;
}

/* "id,name" */
static int add_listed(struct fields *fields, const char *list)
{
	int rc = 0;

	while (*list != '\0' && rc == 0) {
		size_t len = strcspn(list, ",");
		if (len > 0)
			rc = add_field(fields, list, len);
		list += len + (list[len] == ',' ? 1 : 0);
	}
	return rc;
}

static int add_all(struct fields *fields, const json_t *object)
{
	const char *key;
	json_t *value;
	int rc = 0;

	json_object_foreach((json_t *)object, key, value)
	{
		if (rc == 0)
			rc = add_field(fields, key, strlen(key));
	}
	return rc;
}

/* What was asked for, else the usual ones, else all that are there. */
static int choose_fields(
	struct fields *fields, const char *filter, const char *usual, const json_t *object)
{
	int rc = 0;

	*fields = (struct fields){.names = NULL};
	if (filter != NULL)
		rc = add_listed(fields, filter);
	else if (usual != NULL)
		rc = add_listed(fields, usual);
	return rc == 0 && fields->n == 0 ? add_all(fields, object) : rc;
}

static void add_value(struct buf *out, const json_t *value);

static void add_array(struct buf *out, const json_t *array)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i > 0)
			buf_add_str(out, ", ");
		add_value(out, json_array_get(array, i));
	}
}

/* NULL is nothing, an object is its JSON. */
static void add_value(struct buf *out, const json_t *value)
{
	char *text;

	if (json_is_string(value)) {
		buf_add(out, json_string_value(value), json_string_length(value));
	} else if (json_is_boolean(value)) {
		buf_add_str(out, json_is_true(value) ? "yes" : "no");
	} else if (json_is_array(value)) {
		add_array(out, value);
	} else if (value != NULL && !json_is_null(value)) {
		text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		if (text != NULL)
			buf_add_str(out, text);
		else
			out->failed = true;
		free(text);
	}
}

static void add_title(struct table *table, const char *name)
{
	char title[64];
	size_t i = 0;

	for (; i < sizeof(title) - 1 && name[i] != '\0'; i++)
		title[i] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 'a' + 'A' : name[i]);
	title[i] = '\0';
	table_add(table, title, false);
}

static int add_row(struct table *table, const struct fields *fields, const json_t *row)
{
	struct buf text;
	bool failed = false;

	buf_init(&text);
	for (size_t i = 0; i < fields->n; i++) {
		const json_t *value = json_object_get(row, fields->names[i]);
		buf_reset(&text, 4096);
		add_value(&text, value);
		buf_add_char(&text, '\0');
		failed |= buf_failed(&text);
		table_add(table, buf_failed(&text) ? "" : text.data, json_is_number(value));
	}
	buf_fini(&text);
	return failed ? -1 : 0;
}

static int add_table(struct buf *out, const struct fields *fields, const json_t *rows, size_t width)
{
	struct table table;

	table_init(&table, fields->n);
	for (size_t i = 0; i < fields->n; i++)
		add_title(&table, fields->names[i]);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < json_array_size(rows); i++)
		rc = add_row(&table, fields, json_array_get(rows, i));
	if (rc == 0)
		rc = table_print(&table, out, width);
	table_fini(&table);
	return rc;
}

static int print_rows(const struct verb *verb, const char *filter, const json_t *rows, size_t width,
	struct buf *out)
{
	struct fields fields;

	if (json_array_size(rows) == 0)
		return 0;
	int rc = choose_fields(&fields, filter, verb->columns, json_array_get(rows, 0));
	if (rc == 0 && fields.n > 0)
		rc = add_table(out, &fields, rows, width);
	fields_fini(&fields);
	return rc;
}

/* "name: value" lines. */
static int print_object(const char *filter, const json_t *object, struct buf *out)
{
	struct fields fields;
	struct buf text;
	int rc = choose_fields(&fields, filter, NULL, object);

	buf_init(&text);
	for (size_t i = 0; rc == 0 && i < fields.n; i++) {
		buf_reset(&text, 4096);
		add_value(&text, json_object_get(object, fields.names[i]));
		rc = buf_failed(&text) ? -1 : 0;
		cell_add_escaped(out, fields.names[i], strlen(fields.names[i]));
		buf_add_str(out, text.len > 0 ? ": " : ":");
		cell_add_escaped(out, text.data, text.len);
		buf_add_char(out, '\n');
	}
	buf_fini(&text);
	fields_fini(&fields);
	return rc;
}

/* The one member that is an array of rows or an object; NULL: there is none. */
static const json_t *find_content(const json_t *inner)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)inner, key, value)
	{
		if (json_is_object(value) ||
			(json_is_array(value) && json_is_object(json_array_get(value, 0))))
			return value;
	}
	return NULL;
}

int verb_answer_text(const struct verb *verb, const char *filter, const json_t *inner, size_t width,
	struct buf *out)
{
	const json_t *content = find_content(inner);
	const char *text = json_string_value(json_object_get(inner, "displaytext"));
	int rc = 0;

	if (json_is_array(content)) {
		rc = print_rows(verb, filter, content, width, out);
	} else if (json_is_object(content)) {
		rc = print_object(filter, content, out);
	} else if (text != NULL) {
		cell_add_escaped(out, text, strlen(text));
		buf_add_char(out, '\n');
	} else if (verb->things == NULL) {
		rc = print_object(filter, inner, out);
	}
	return rc != 0 || buf_failed(out) ? -1 : 0;
}

/* Nothing at all, or a page of more. */
static void tell_rest(const struct verb *verb, const json_t *inner)
{
	size_t shown = json_array_size(find_content(inner));
	json_int_t count = json_integer_value(json_object_get(inner, "count"));

	(void)fflush(stdout);
	if (shown == 0 && count == 0)
		(void)fprintf(stderr, "no %s\n", verb->things);
	else if (count > (json_int_t)shown)
		(void)fprintf(stderr,
			"%zu of %" JSON_INTEGER_FORMAT " %s: more with page= and "
			"pagesize=\n",
			shown, count, verb->things);
}

static int print_text(const struct verb *verb, const char *filter, const json_t *inner)
{
	struct buf out;
	int rc = TOOL_OK;

	buf_init(&out);
	if (verb_answer_text(verb, filter, inner, tool_terminal_width(), &out) != 0) {
		tool_error("out of memory");
		rc = TOOL_FAILED;
	} else {
		if (out.len > 0)
			(void)fwrite(out.data, 1, out.len, stdout);
		if (verb->things != NULL)
			tell_rest(verb, inner);
	}
	buf_fini(&out);
	return rc;
}

static void add_detail(struct buf *out, const json_t *detail)
{
	struct buf text;

	buf_init(&text);
	add_value(&text, detail);
	buf_add_str(out, "\n  ");
	cell_add_escaped(out, text.data, text.len);
	buf_fini(&text);
}

/* The reason, and a line for each detail. */
static void tell_refusal(const json_t *inner)
{
	const char *reason = json_string_value(json_object_get(inner, "errortext"));
	const json_t *details = json_object_get(inner, "details");
	struct buf out;

	if (reason == NULL)
		reason = json_string_value(json_object_get(inner, "displaytext"));
	if (reason == NULL)
		reason = "refused";
	buf_init(&out);
	cell_add_escaped(&out, reason, strlen(reason));
	for (size_t i = 0; i < json_array_size(details); i++)
		add_detail(&out, json_array_get(details, i));
	tool_error("%.*s", (int)out.len, out.data);
	buf_fini(&out);
}

static int refuse(const json_t *inner, bool as_json)
{
	if (!as_json) {
		tell_refusal(inner);
	} else {
		(void)json_dumpf(inner, stderr, JSON_INDENT(2));
		(void)fputc('\n', stderr);
	}
	return TOOL_FAILED;
}

static json_t *filtered_object(const json_t *object, const struct fields *fields)
{
	json_t *kept = json_object();

	for (size_t i = 0; i < fields->n; i++) {
		json_t *value = json_object_get(object, fields->names[i]);
		if (value != NULL)
			(void)json_object_set(kept, fields->names[i], value);
	}
	return kept;
}

static json_t *filtered_content(const json_t *content, const struct fields *fields)
{
	json_t *kept;

	if (json_is_object(content))
		return filtered_object(content, fields);
	kept = json_array();
	for (size_t i = 0; i < json_array_size(content); i++)
		(void)json_array_append_new(
			kept, filtered_object(json_array_get(content, i), fields));
	return kept;
}

/* The answer with the fields that were asked for, where it has rows or an object. */
static json_t *filtered(const json_t *answer, const char *filter)
{
	const json_t *content = find_content(answer);
	json_t *copy = json_copy((json_t *)answer);
	struct fields fields = {.names = NULL};
	const char *key;
	json_t *value;

	if (add_listed(&fields, filter) == 0) {
		json_object_foreach((json_t *)answer, key, value)
		{
			if (value == content && fields.n > 0)
				(void)json_object_set_new(
					copy, key, filtered_content(content, &fields));
		}
	}
	fields_fini(&fields);
	return copy;
}

int verb_answer(
	const struct verb *verb, const struct verb_args *args, const json_t *answer, bool as_json)
{
	if (json_object_get(answer, "errorcode") != NULL ||
		json_is_false(json_object_get(answer, "success")))
		return refuse(answer, as_json);
	if (as_json)
		return tool_print_json(args->filter != NULL ? filtered(answer, args->filter)
							    : json_incref((json_t *)answer));
	return print_text(verb, args->filter, answer);
}
