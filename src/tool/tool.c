#include "tool/tool.h"

#include "config.h"
#include "tool/near.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define USUAL_WIDTH 80

static bool errors_are_json;

void tool_errors_as_json(void)
{
	errors_are_json = true;
}

static int print_json_error(const char *text)
{
	json_t *object = json_pack("{s:s}", "errortext", text);
	int rc = object != NULL ? json_dumpf(object, stderr, 0) : -1;

	json_decref(object);
	return rc;
}

void tool_error(const char *fmt, ...)
{
	va_list args;
	char *text = NULL;

	(void)fflush(stdout);
	va_start(args, fmt);
	int n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		text = NULL;
	/* text that is not UTF-8 is no JSON */
	if (!errors_are_json || text == NULL || print_json_error(text) != 0)
		(void)fprintf(stderr, "csdns: %s", text != NULL ? text : "out of memory");
	(void)fputc('\n', stderr);
	free(text);
}

size_t tool_terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return USUAL_WIDTH;
	return size.ws_col;
}

int tool_print_json(json_t *object)
{
	int rc = object != NULL ? json_dumpf(object, stdout, JSON_INDENT(2)) : -1;

	json_decref(object);
	if (rc != 0) {
		tool_error("could not print JSON");
		return TOOL_FAILED;
	}
	(void)putchar('\n');
	return TOOL_OK;
}

static void print_help(const struct tool_group *const *lists)
{
	(void)puts(
		"csdns manages the DNS of a CloudStack cloud, in the store of a PowerDNS backend."
		"\n\nusage: csdns GROUP COMMAND [NAME=VALUE...] [OPTION...]\n\ngroups:");
	for (; *lists != NULL; lists++) {
		for (const struct tool_group *group = *lists; group->name != NULL; group++)
			(void)printf("  %-14s%s\n", group->name, group->help);
	}
	(void)puts("\n\"csdns GROUP --help\" shows a group's commands and options, "
		   "\"csdns --version\" the version.\n"
		   "exit status: 0 done, 1 failed, 2 wrong command line, 3 the answer is no.\n"
		   "More in csdns(1).");
}

/* A group that is one command, without a word for it. */
static bool is_single(const struct tool_group *group)
{
	return group->commands[0].name[0] == '\0';
}

/* "schema install", "export ZONE" with what separates the words. */
static void usage(const struct tool_group *group, const struct tool_command *command)
{
	const char *operands = command->operands != NULL ? command->operands : "";

	tool_error("usage: csdns %s%s%s%s%s [OPTION...]", group->name,
		*command->name != '\0' ? " " : "", command->name, *operands != '\0' ? " " : "",
		operands);
}

static void print_group_help(const struct tool_group *group)
{
	if (is_single(group)) {
		const char *operands = group->commands[0].operands;
		(void)printf("%s\n\nusage: csdns %s%s%s [OPTION...]\n\noptions:\n", group->help,
			group->name, operands != NULL ? " " : "", operands != NULL ? operands : "");
		options_print_help(group->options);
		return;
	}
	(void)printf("%s\n\nusage: csdns %s COMMAND [OPTION...]\n\ncommands:\n", group->help,
		group->name);
	for (const struct tool_command *command = group->commands; command->name != NULL;
		command++) {
		int n = printf("  %s%s%s", command->name, command->operands != NULL ? " " : "",
			command->operands != NULL ? command->operands : "");
		(void)printf("%*s %s\n", n < 12 ? 12 - n : 0, "", command->help);
	}
	(void)puts("\noptions:");
	options_print_help(group->options);
}

/* NULL: none; then near holds a name like it. */
static const struct tool_group *find_group(
	const struct tool_group *const *lists, const char *name, struct near *near)
{
	near_init(near, name);
	for (; *lists != NULL; lists++) {
		for (const struct tool_group *group = *lists; group->name != NULL; group++) {
			if (strcmp(group->name, name) == 0)
				return group;
			near_offer(near, group->name);
		}
	}
	return NULL;
}

static const struct tool_command *find_command(const struct tool_group *group, const char *name)
{
	for (const struct tool_command *command = group->commands; command->name != NULL;
		command++) {
		if (strcmp(command->name, name) == 0)
			return command;
	}
	return NULL;
}

static int run_command(const struct tool_group *group, const struct tool_command *command,
	void *settings, int n_operands, char **operands)
{
	if (n_operands < command->min_operands || n_operands > command->max_operands) {
		usage(group, command);
		return TOOL_USAGE;
	}
	return command->run(settings, operands);
}

/* argv: the operands, with the command's own name first where it has one. */
static int run_parsed(const struct tool_group *group, void *settings, int argc, char **argv)
{
	const struct tool_settings *common = settings;

	if (common->help) {
		print_group_help(group);
		return TOOL_OK;
	}
	if (is_single(group))
		return run_command(group, group->commands, settings, argc, argv);
	if (argc == 0) {
		tool_error("which command of \"%s\"? Try \"csdns %s --help\"", group->name,
			group->name);
		return TOOL_USAGE;
	}
	const struct tool_command *command = find_command(group, argv[0]);
	if (command == NULL) {
		tool_error("unknown command \"%s %s\"; try \"csdns %s --help\"", group->name,
			argv[0], group->name);
		return TOOL_USAGE;
	}
	return run_command(group, command, settings, argc - 1, argv + 1);
}

int tool_parse(const struct tool_group *group, int argc, char **argv, struct tool_parsed *parsed)
{
	size_t n = 0;
	int first = argc;
	int rc = 0;
	struct option_error error;

	while (group->options[n].name != NULL)
		n++;
	bool *seen = calloc(n + 1, sizeof(*seen));
	*parsed = (struct tool_parsed){.settings = calloc(1, group->settings_size)};
	if (seen == NULL || parsed->settings == NULL ||
		options_init(group->options, parsed->settings) != 0) {
		tool_error("out of memory");
		rc = TOOL_FAILED;
	} else if (options_parse_args(group->options, parsed->settings, seen, argc, argv, &first,
			   &error) != 0) {
		tool_error("%s; try \"csdns %s --help\"", error.text, group->name);
		rc = TOOL_USAGE;
	} else {
		parsed->n_operands = argc - first;
		parsed->operands = argv + first;
	}
	free(seen);
	return rc;
}

void tool_parsed_fini(const struct tool_group *group, struct tool_parsed *parsed)
{
	if (parsed->settings != NULL)
		options_fini(group->options, parsed->settings);
	free(parsed->settings);
}

/* argv[0] is the group's name. */
static int run_group(const struct tool_group *group, int argc, char **argv)
{
	struct tool_parsed parsed;

	if (group->run != NULL)
		return group->run(group, argc, argv);
	int rc = tool_parse(group, argc, argv, &parsed);
	if (rc == 0)
		rc = run_parsed(group, parsed.settings, parsed.n_operands, parsed.operands);
	tool_parsed_fini(group, &parsed);
	return rc;
}

static bool is_option(const char *word, const char *name, const char *letter)
{
	return strcmp(word, name) == 0 || strcmp(word, letter) == 0;
}

/* Output that did not arrive is a failure, whatever the command says. */
static int finish(int rc)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		tool_error("could not write to standard output");
		return TOOL_FAILED;
	}
	return rc;
}

int tool_main(const struct tool_group *const *lists, int argc, char **argv)
{
	struct near near;

	if (argc < 2) {
		tool_error("which command? Try \"csdns --help\"");
		return TOOL_USAGE;
	}
	if (is_option(argv[1], "--help", "-h")) {
		print_help(lists);
		return finish(TOOL_OK);
	}
	if (is_option(argv[1], "--version", "-V")) {
		(void)puts("csdns " PACKAGE_VERSION);
		return finish(TOOL_OK);
	}
	const struct tool_group *group = find_group(lists, argv[1], &near);
	if (group == NULL) {
		tool_error("unknown %s \"%s\"%s%s%s \"csdns --help\"",
			argv[1][0] == '-' ? "option" : "command", argv[1],
			near.best != NULL ? "; did you mean \"" : "",
			near.best != NULL ? near.best : "",
			near.best != NULL ? "\"? Try" : "; try");
		return TOOL_USAGE;
	}
	return finish(run_group(group, argc - 1, argv + 1));
}
