#include "tool/tool.h"

#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tool_error(const char *fmt, ...)
{
	va_list args;

	(void)fflush(stdout);
	(void)fputs("csdns: ", stderr);
	va_start(args, fmt);
	(void)vfprintf(stderr, fmt, args);
	va_end(args);
	(void)fputc('\n', stderr);
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

static void print_help(const struct tool_group *const *groups)
{
	(void)puts("csdns manages the store of a PowerDNS backend for CloudStack.\n\n"
		   "usage: csdns GROUP COMMAND [OPTION...]\n\ngroups:");
	for (; *groups != NULL; groups++)
		(void)printf("  %-10s %s\n", (*groups)->name, (*groups)->help);
	(void)puts("\n\"csdns GROUP --help\" shows a group's commands and options, "
		   "\"csdns --version\" the version.\n"
		   "exit status: 0 done, 1 failed, 2 wrong command line, 3 the answer is no.\n"
		   "More in csdns(1).");
}

static void print_group_help(const struct tool_group *group)
{
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

static const struct tool_group *find_group(const struct tool_group *const *groups, const char *name)
{
	while (*groups != NULL && strcmp((*groups)->name, name) != 0)
		groups++;
	return *groups;
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

/* argv: the options and operands, with the command's own name first. */
static int run_parsed(const struct tool_group *group, void *settings, int argc, char **argv)
{
	const struct tool_settings *common = settings;
	const struct tool_command *command = argc > 0 ? find_command(group, argv[0]) : NULL;

	if (common->help) {
		print_group_help(group);
		return TOOL_OK;
	}
	if (argc == 0) {
		tool_error("which command of \"%s\"? Try \"csdns %s --help\"", group->name,
			group->name);
		return TOOL_USAGE;
	}
	if (command == NULL) {
		tool_error("unknown command \"%s %s\"; try \"csdns %s --help\"", group->name,
			argv[0], group->name);
		return TOOL_USAGE;
	}
	if (argc - 1 < command->min_operands || argc - 1 > command->max_operands) {
		tool_error("usage: csdns %s %s%s%s [OPTION...]", group->name, command->name,
			command->operands != NULL ? " " : "",
			command->operands != NULL ? command->operands : "");
		return TOOL_USAGE;
	}
	return command->run(settings, argv + 1);
}

/* argv[0] is the group's name. */
static int run_group(const struct tool_group *group, int argc, char **argv)
{
	size_t n = 0;
	int first;
	int rc = TOOL_USAGE;
	struct option_error error;

	while (group->options[n].name != NULL)
		n++;
	bool *seen = calloc(n + 1, sizeof(*seen));
	void *settings = calloc(1, group->settings_size);
	if (seen == NULL || settings == NULL || options_init(group->options, settings) != 0) {
		tool_error("out of memory");
		rc = TOOL_FAILED;
	} else if (options_parse_args(group->options, settings, seen, argc, argv, &first, &error) !=
		   0) {
		tool_error("%s; try \"csdns %s --help\"", error.text, group->name);
	} else {
		rc = run_parsed(group, settings, argc - first, argv + first);
	}
	if (settings != NULL)
		options_fini(group->options, settings);
	free(settings);
	free(seen);
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

int tool_main(const struct tool_group *const *groups, int argc, char **argv)
{
	if (argc < 2) {
		tool_error("which command? Try \"csdns --help\"");
		return TOOL_USAGE;
	}
	if (is_option(argv[1], "--help", "-h")) {
		print_help(groups);
		return finish(TOOL_OK);
	}
	if (is_option(argv[1], "--version", "-V")) {
		(void)puts("csdns " PACKAGE_VERSION);
		return finish(TOOL_OK);
	}
	const struct tool_group *group = find_group(groups, argv[1]);
	if (group == NULL) {
		tool_error("unknown %s \"%s\"; try \"csdns --help\"",
			argv[1][0] == '-' ? "option" : "command", argv[1]);
		return TOOL_USAGE;
	}
	return finish(run_group(group, argc - 1, argv + 1));
}
