#include "tool/verb.h"

#include "tool/cell.h"
#include "tool/near.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const struct option_spec verb_options[] = {
	TOOL_OPTIONS(struct verb_settings),
	{.name = "user",
		.letter = 'u',
		.type = OPTION_STRING,
		.offset = offsetof(struct verb_settings, user),
		.value = "NAME",
		.help = "user of the cloud for whom this is done, for the audit trail"},
	{.name = NULL},
};

const struct verb *verb_next(const char *word, const struct verb *verb)
{
	for (verb = verb == NULL ? verbs : verb + 1; verb->word != NULL; verb++) {
		if (strcmp(verb->word, word) == 0)
			return verb;
	}
	return NULL;
}

const struct verb *verb_find(const char *word, const char *noun)
{
	const struct verb *verb = verb_next(word, NULL);

	while (verb != NULL && strcasecmp(verb->noun, noun) != 0)
		verb = verb_next(word, verb);
	return verb;
}

void verb_add_noun(struct buf *out, const struct verb *verb)
{
	for (const char *c = verb->noun; *c != '\0'; c++)
		buf_add_char(out, (char)tolower((unsigned char)*c));
}

const struct verb_param *verb_find_param(const struct verb *verb, const char *name, size_t len)
{
	for (const struct verb_param *param = verb->params; param->name != NULL; param++) {
		if (strlen(param->name) == len && strncasecmp(param->name, name, len) == 0)
			return param;
	}
	return NULL;
}

const struct verb_param *verb_json_param(const struct verb *verb)
{
	for (const struct verb_param *param = verb->params; param->name != NULL; param++) {
		if (param->type == VERB_JSON)
			return param;
	}
	return NULL;
}

/* Tells what is wrong, and releases it. */
static int refuse(struct buf *error, int rc)
{
	if (buf_failed(error) || error->len == 0)
		tool_error("out of memory");
	else
		tool_error("%.*s", (int)error->len, error->data);
	buf_fini(error);
	return rc;
}

static void add_nouns(struct buf *out, const char *word)
{
	const char *separator = "";

	for (const struct verb *verb = verb_next(word, NULL); verb != NULL;
		verb = verb_next(word, verb)) {
		buf_add_str(out, separator);
		verb_add_noun(out, verb);
		separator = ", ";
	}
}

/* noun: NULL when there is none. */
static int refuse_noun(const char *word, const char *noun)
{
	struct buf error;
	struct near near;

	buf_init(&error);
	if (noun == NULL) {
		buf_printf(&error, "%s what? There is ", word);
		add_nouns(&error, word);
		return refuse(&error, TOOL_USAGE);
	}
	near_init(&near, noun);
	for (const struct verb *verb = verb_next(word, NULL); verb != NULL;
		verb = verb_next(word, verb))
		near_offer(&near, verb->noun);
	buf_printf(&error, "unknown command \"%s %s\"", word, noun);
	if (near.best != NULL) {
		buf_printf(&error, "; did you mean \"%s ", word);
		verb_add_noun(&error, verb_find(word, near.best));
		buf_add_str(&error, "\"");
	}
	buf_printf(&error, "%s %s ", near.best != NULL ? "? There is" : "; there is", word);
	add_nouns(&error, word);
	return refuse(&error, TOOL_USAGE);
}

/* The database's part; args are complete. */
static int run_call(
	const struct verb_settings *settings, const struct verb *verb, const struct verb_args *args)
{
	json_t *answer;

	if (verb_call(settings->common.db, settings->user, verb, args->params, &answer) != 0)
		return TOOL_FAILED;
	int rc = verb_answer(verb, args, answer, settings->common.json);
	json_decref(answer);
	return rc;
}

static int run_verb(const struct verb_settings *settings, const struct verb *verb, char **operands)
{
	struct verb_args args;
	struct buf error;

	buf_init(&error);
	int rc = verb_args_parse(verb, operands, &args, &error) != 0 ? TOOL_USAGE : 0;
	if (rc == 0 && verb_args_read_file(verb, &args, &error) != 0)
		rc = TOOL_FAILED;
	if (rc == 0 && verb_args_check(verb, &args, &error) != 0)
		rc = TOOL_USAGE;
	rc = rc != 0 ? refuse(&error, rc) : run_call(settings, verb, &args);
	verb_args_fini(&args);
	return rc;
}

static int run_word(const struct tool_group *group, const struct tool_parsed *parsed)
{
	const struct verb_settings *settings = parsed->settings;
	const char *noun = parsed->n_operands > 0 ? parsed->operands[0] : NULL;
	const struct verb *verb = noun != NULL ? verb_find(group->name, noun) : NULL;

	cell_init();
	if (verb == NULL && (noun != NULL || !settings->common.help))
		return refuse_noun(group->name, noun);
	if (verb == NULL) {
		verb_help_word(group);
		return TOOL_OK;
	}
	if (settings->common.help) {
		verb_help(verb);
		return TOOL_OK;
	}
	return run_verb(settings, verb, parsed->operands + 1);
}

/* Errors in the options are told as JSON as well. */
static void look_for_json(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			tool_errors_as_json();
	}
}

int verb_main(const struct tool_group *group, int argc, char **argv)
{
	struct tool_parsed parsed;

	look_for_json(argc, argv);
	int rc = tool_parse(group, argc, argv, &parsed);
	if (rc == 0)
		rc = run_word(group, &parsed);
	tool_parsed_fini(group, &parsed);
	return rc;
}

int verb_commands_main(const struct tool_group *group, int argc, char **argv)
{
	struct tool_parsed parsed;
	int rc = tool_parse(group, argc, argv, &parsed);

	if (rc == 0) {
		const struct verb_settings *settings = parsed.settings;
		if (parsed.n_operands > 0) {
			tool_error("usage: csdns %s [--json]", group->name);
			rc = TOOL_USAGE;
		} else if (settings->common.help) {
			(void)printf("%s\n\nusage: csdns %s [--json]\n", group->help, group->name);
		} else {
			rc = verb_commands(settings->common.json);
		}
	}
	tool_parsed_fini(group, &parsed);
	return rc;
}
