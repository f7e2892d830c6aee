/*
 * verb_help: help on words and verbs, and the whole table, for people and programs. Needs no
 * database.
 */
#include "tool/verb.h"

#include <stdio.h>
#include <strings.h>

static const char *type_name(enum verb_type type)
{
	switch (type) {
	case VERB_LIST:
		return "list";
	case VERB_INT:
		return "int";
	case VERB_BOOLEAN:
		return "boolean";
	case VERB_JSON:
		return "json";
	case VERB_TEXT:
	default:
		return "text";
	}
}

static int print_buf(struct buf *out)
{
	int rc = TOOL_OK;

	if (buf_failed(out)) {
		tool_error("out of memory");
		rc = TOOL_FAILED;
	} else {
		(void)fwrite(out->data, 1, out->len, stdout);
	}
	buf_fini(out);
	return rc;
}

void verb_help_word(const struct tool_group *group)
{
	struct buf out;

	buf_init(&out);
	buf_printf(&out, "%s\n\nusage: csdns %s NOUN [NAME=VALUE...] [OPTION...]\n\nnouns:\n",
		group->help, group->name);
	for (const struct verb *verb = verb_next(group->name, NULL); verb != NULL;
		verb = verb_next(group->name, verb)) {
		size_t start = out.len;
		buf_add_str(&out, "  ");
		verb_add_noun(&out, verb);
		while (!buf_failed(&out) && out.len < start + 26)
			buf_add_char(&out, ' ');
		buf_printf(&out, " %s\n", verb->help);
	}
	buf_printf(&out, "\n\"csdns %s NOUN --help\" shows the parameters of one.\n\noptions:\n",
		group->name);
	(void)print_buf(&out);
	options_print_help(verb_options);
}

static void add_usage(struct buf *out, const struct verb *verb)
{
	bool has_more = false;

	buf_printf(out, "usage: csdns %s ", verb->word);
	verb_add_noun(out, verb);
	for (const struct verb_param *param = verb->params; param->name != NULL; param++) {
		if (param->type == VERB_JSON)
			buf_add_str(out, " file=PATH");
		else if (param->required)
			buf_printf(out, " %s=VALUE", param->name);
		else
			has_more = true;
	}
	buf_add_str(out, has_more ? " [NAME=VALUE...] [OPTION...]\n" : " [OPTION...]\n");
}

static void add_param(struct buf *out, const struct verb_param *param)
{
	buf_printf(out, "  %s=%s\n          %s", param->name, param->example, param->help);
	if (param->type == VERB_LIST)
		buf_add_str(out, "; several with commas between, or given several times");
	if (param->type == VERB_JSON)
		buf_add_str(out, "; better as file=PATH, or file=- for standard input");
	buf_add_str(out, param->required ? " (required)\n" : "\n");
}

void verb_help(const struct verb *verb)
{
	struct buf out;

	buf_init(&out);
	buf_printf(&out, "%s\n\n", verb->help);
	add_usage(&out, verb);
	buf_add_str(&out, "\nparameters:\n");
	for (const struct verb_param *param = verb->params; param->name != NULL; param++)
		add_param(&out, param);
	buf_add_str(
		&out, "  filter=id,name\n          fields to show, in this order\n\noptions:\n");
	(void)print_buf(&out);
	options_print_help(verb_options);
}

/* One line: the command and its parameters, those in brackets that may be left out. */
static void add_line(struct buf *out, const struct verb *verb)
{
	buf_printf(out, "%s ", verb->word);
	verb_add_noun(out, verb);
	for (const struct verb_param *param = verb->params; param->name != NULL; param++)
		buf_printf(out, param->required && param->type != VERB_JSON ? " %s=" : " [%s=]",
			param->name);
	if (verb_json_param(verb) != NULL)
		buf_add_str(out, " [file=]");
	buf_add_str(out, " [filter=]\n");
}

static json_t *param_object(const struct verb_param *param)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:s}", "name", param->name, "description",
		param->help, "type", type_name(param->type), "required", param->required, "example",
		param->example);
}

static json_t *verb_object(const struct verb *verb)
{
	json_t *params = json_array();
	struct buf noun;

	for (const struct verb_param *param = verb->params; param->name != NULL; param++)
		(void)json_array_append_new(params, param_object(param));
	buf_init(&noun);
	verb_add_noun(&noun, verb);
	json_t *object = json_pack("{s:s+, s:s, s:s%, s:s, s:o}", "name", verb->word, verb->noun,
		"verb", verb->word, "noun", noun.data, noun.len, "description", verb->help,
		"params", params);
	buf_fini(&noun);
	return object;
}

/* In the shape of CloudStack's listApis. */
static json_t *all_objects(void)
{
	json_t *array = json_array();

	for (const struct verb *verb = verbs; verb->word != NULL; verb++)
		(void)json_array_append_new(array, verb_object(verb));
	return json_pack("{s:I, s:o}", "count", (json_int_t)json_array_size(array), "api", array);
}

int verb_commands(bool as_json)
{
	struct buf out;

	if (as_json)
		return tool_print_json(all_objects());
	buf_init(&out);
	for (const struct verb *verb = verbs; verb->word != NULL; verb++)
		add_line(&out, verb);
	return print_buf(&out);
}
