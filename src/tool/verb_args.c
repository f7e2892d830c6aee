/*
 * verb_args: name=value operands, and files, to the parameters of csdns.api(). Values go as text:
 * the database knows what they must be.
 */
#include "tool/near.h"
#include "tool/verb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void add_command(struct buf *out, const struct verb *verb)
{
	buf_printf(out, "\"%s ", verb->word);
	verb_add_noun(out, verb);
	buf_add_char(out, '"');
}

static bool is_name(const char *name, size_t len, const char *wanted)
{
	return strlen(wanted) == len && strncasecmp(name, wanted, len) == 0;
}

static void refuse_name(const struct verb *verb, const char *name, size_t len, struct buf *error)
{
	char word[64];
	struct near near;

	(void)snprintf(word, sizeof(word), "%.*s", (int)len, name);
	near_init(&near, word);
	buf_printf(error, "unknown parameter \"%.*s\" of ", (int)len, name);
	add_command(error, verb);
	for (const struct verb_param *param = verb->params; param->name != NULL; param++)
		near_offer(&near, param->name);
	if (near.best != NULL)
		buf_printf(error, "; did you mean \"%s\"", near.best);
	buf_add_str(error, near.best != NULL ? "? There is" : "; there is");
	if (verb->params->name == NULL)
		buf_add_str(error, " none");
	for (const struct verb_param *param = verb->params; param->name != NULL; param++)
		buf_printf(error, "%s %s", param > verb->params ? "," : "", param->name);
	if (verb_json_param(verb) != NULL)
		buf_add_str(error, ", file");
}

static int refuse_twice(const char *name, struct buf *error)
{
	buf_printf(error, "parameter \"%s\" is given twice", name);
	return -1;
}

/* A second value of a list goes behind the first, as if it had been given there. */
static json_t *with_more(const json_t *before, const char *value)
{
	return json_sprintf("%s,%s", json_string_value(before), value);
}

static json_t *parse_json(const char *name, const char *text, struct buf *error)
{
	json_error_t why;
	json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &why);

	if (value == NULL)
		buf_printf(error, "parameter \"%s\": not JSON: line %d, column %d: %s", name,
			why.line, why.column, why.text);
	return value;
}

static int set_param(
	struct verb_args *args, const struct verb_param *param, const char *text, struct buf *error)
{
	const json_t *before = json_object_get(args->params, param->name);
	json_t *value;

	if (before != NULL && param->type != VERB_LIST)
		return refuse_twice(param->name, error);
	if (param->type == VERB_JSON)
		value = parse_json(param->name, text, error);
	else
		value = before != NULL ? with_more(before, text) : json_string(text);
	if (value == NULL && error->len == 0)
		buf_printf(error, "parameter \"%s\": not UTF-8", param->name);
	/* takes NULL for an error */
	return json_object_set_new(args->params, param->name, value);
}

/* The parameters that stay here. */
static int set_own(const char **place, const char *name, const char *value, struct buf *error)
{
	if (*place != NULL)
		return refuse_twice(name, error);
	*place = value;
	return 0;
}

static int set_operand(
	const struct verb *verb, struct verb_args *args, const char *operand, struct buf *error)
{
	const char *equals = strchr(operand, '=');

	if (equals == NULL || equals == operand) {
		buf_printf(error, "\"%s\" is not name=value", operand);
		return -1;
	}
	size_t len = (size_t)(equals - operand);
	const struct verb_param *param = verb_find_param(verb, operand, len);
	if (param != NULL)
		return set_param(args, param, equals + 1, error);
	if (is_name(operand, len, "filter"))
		return set_own(&args->filter, "filter", equals + 1, error);
	if (is_name(operand, len, "file") && verb_json_param(verb) != NULL)
		return set_own(&args->file, "file", equals + 1, error);
	refuse_name(verb, operand, len, error);
	return -1;
}

int verb_args_parse(
	const struct verb *verb, char **operands, struct verb_args *args, struct buf *error)
{
	*args = (struct verb_args){.params = json_object()};
	if (args->params == NULL) {
		buf_add_str(error, "out of memory");
		return -1;
	}
	for (; *operands != NULL; operands++) {
		if (set_operand(verb, args, *operands, error) != 0)
			return -1;
	}
	return 0;
}

static json_t *load(const char *path, struct buf *error)
{
	bool is_input = strcmp(path, "-") == 0;
	FILE *file = is_input ? stdin : fopen(path, "re");
	json_error_t why;

	if (file == NULL) {
		buf_printf(error, "could not open \"%s\": %s", path, strerror(errno));
		return NULL;
	}
	json_t *value = json_loadf(file, JSON_REJECT_DUPLICATES, &why);
	if (ferror(file))
		buf_printf(error, "could not read \"%s\": %s", path, strerror(errno));
	else if (value == NULL)
		buf_printf(error, "\"%s\" is not JSON: line %d, column %d: %s", path, why.line,
			why.column, why.text);
	if (!is_input)
		(void)fclose(file);
	return value;
}

int verb_args_read_file(const struct verb *verb, struct verb_args *args, struct buf *error)
{
	const struct verb_param *param = verb_json_param(verb);

	if (args->file == NULL || param == NULL)
		return 0;
	if (json_object_get(args->params, param->name) != NULL) {
		buf_printf(error, "file and %s are both given", param->name);
		return -1;
	}
	json_t *value = load(args->file, error);
	return value != NULL ? json_object_set_new(args->params, param->name, value) : -1;
}

int verb_args_check(const struct verb *verb, const struct verb_args *args, struct buf *error)
{
	for (const struct verb_param *param = verb->params; param->name != NULL; param++) {
		if (!param->required || json_object_get(args->params, param->name) != NULL)
			continue;
		add_command(error, verb);
		buf_printf(error, " needs %s: %s", param->name, param->help);
		if (param->type == VERB_JSON)
			buf_add_str(error, "; also from a file: file=PATH");
		return -1;
	}
	return 0;
}

void verb_args_fini(struct verb_args *args)
{
	json_decref(args->params);
}
