/*
 * tool: what the commands of csdns have in common: finding the command, its options, and the words
 * for errors. A group of commands ("schema") is one file with a table of options, a table of
 * commands and a struct tool_group; src/csdns.c lists the groups.
 */
#ifndef CSDNS_TOOL_TOOL_H
#define CSDNS_TOOL_TOOL_H

#include "base/options.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* What csdns exits with. */
enum tool_exit {
	TOOL_OK = 0,
	TOOL_FAILED = 1, /* tried, and did not work; the reason is on standard error */
	TOOL_USAGE = 2,	 /* the command line is wrong; nothing was tried */
	TOOL_NOT_SO = 3, /* a question was answered with no: not installed, not up to date */
};

/* The first member of every group's settings. */
struct tool_settings {
	bool help;
	bool json;
	char *db; /* conninfo; never NULL */
};

/* Stands at the front of every group's option table; type is its settings struct, whose first
 * member is called common. */
#define TOOL_OPTIONS(settings_type)                                                                \
	{.name = "db",                                                                             \
		.letter = 'd',                                                                     \
		.type = OPTION_STRING,                                                             \
		.offset = offsetof(settings_type, common.db),                                      \
		.value = "CONNINFO",                                                               \
		.initial = "",                                                                     \
		.help = "database as a libpq connection string or URI, for example "               \
			"\"service=csdns\"; what it leaves out comes from PGHOST, PGDATABASE and " \
			"so on"},                                                                  \
		{.name = "json",                                                                   \
			.type = OPTION_FLAG,                                                       \
			.offset = offsetof(settings_type, common.json),                            \
			.help = "print one JSON object instead of text"},                          \
	{                                                                                          \
		.name = "help", .letter = 'h', .type = OPTION_FLAG,                                \
		.offset = offsetof(settings_type, common.help), .help = "show this help"           \
	}

struct tool_command {
	const char *
		name; /* "": the group's only one, without a word of its own; NULL ends the table */
	const char *operands; /* for the help: "ZONE"; NULL when there are none */
	int min_operands;
	int max_operands;
	const char *help; /* one line */
	/* settings: the group's struct; operands: borrowed. Returns an enum tool_exit. */
	int (*run)(const void *settings, char **operands);
};

struct tool_group {
	const char *name; /* first word on the command line; NULL ends a list of groups */
	const char *help; /* one line */
	const struct tool_command *commands;
	const struct option_spec *options; /* of all its commands */
	size_t settings_size;
	/* Where the group has no such tables: does it all. argv[0] is the group's name. */
	int (*run)(const struct tool_group *group, int argc, char **argv);
};

extern const struct tool_group tool_schema[];
extern const struct tool_group tool_sync[];
extern const struct tool_group tool_events[];
extern const struct tool_group tool_export[];
extern const struct tool_group tool_import[];
extern const struct tool_group tool_verify[];

/* Runs the command that argv names. lists: of groups, ended by NULL, in the order of the help.
 * Returns what to exit with. */
int tool_main(const struct tool_group *const *lists, int argc, char **argv);

/* A list of options parsed, and what they own. */
struct tool_parsed {
	void *settings; /* the group's struct */
	int n_operands;
	char **operands; /* in argv */
};

/* Parses argv[1] and on into new settings; 0, or an enum tool_exit after telling. The caller ends
 * it with tool_parsed_fini in any case. */
int tool_parse(const struct tool_group *group, int argc, char **argv, struct tool_parsed *parsed);
void tool_parsed_fini(const struct tool_group *group, struct tool_parsed *parsed);

/* Columns of the terminal that standard output is; 0: it is none. */
size_t tool_terminal_width(void);
/* Prints and releases an object; NULL counts as out of memory. Returns what to exit with. */
int tool_print_json(json_t *object);
/* From now on tool_error prints JSON: {"errortext": "..."}. */
void tool_errors_as_json(void);
/* "csdns: " and the text on standard error, as one line. */
void tool_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
