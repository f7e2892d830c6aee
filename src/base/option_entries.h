/*
 * option_entries: entries that the option tables of several programs have in common, word by word,
 * and what is said of a wrong value. `at` is the offset of the program's field.
 */
#ifndef CSDNS_BASE_OPTION_ENTRIES_H
#define CSDNS_BASE_OPTION_ENTRIES_H

#include "base/options.h"

/* char *; file: the one that is read without this option, a literal. For options_parse_config. */
#define OPTION_ENTRY_CONFIG(at, file)                                                              \
	{                                                                                          \
		.name = "config", .letter = 'c', .type = OPTION_STRING, .offset = (at),            \
		.value = "FILE", .command_line_only = true,                                        \
		.help = "configuration file; without this option " file " where it exists"         \
	}

/* char * */
#define OPTION_ENTRY_DB(at)                                                                        \
	{                                                                                          \
		.name = "db", .type = OPTION_STRING, .offset = (at), .value = "CONNINFO",          \
		.initial = "dbname=pdns",                                                          \
		.help = "the store: a libpq connection string or URI, also with a service or "     \
			"several hosts; keep passwords in a service or password file"              \
	}

/* char *, for option_entry_check_log_level */
#define OPTION_ENTRY_LOG_LEVEL(at)                                                                 \
	{                                                                                          \
		.name = "log-level", .type = OPTION_STRING, .offset = (at), .value = "LEVEL",      \
		.initial = "notice", .help = "error, warning, notice, info or debug"               \
	}

/* bool */
#define OPTION_ENTRY_CHECK(at)                                                                     \
	{                                                                                          \
		.name = "check", .type = OPTION_FLAG, .offset = (at), .command_line_only = true,   \
		.help = "check the configuration and leave"                                        \
	}

/* bool */
#define OPTION_ENTRY_HELP(at)                                                                      \
	{                                                                                          \
		.name = "help", .letter = 'h', .type = OPTION_FLAG, .offset = (at),                \
		.command_line_only = true, .help = "this text"                                     \
	}

/* bool */
#define OPTION_ENTRY_VERSION(at)                                                                   \
	{                                                                                          \
		.name = "version", .letter = 'V', .type = OPTION_FLAG, .offset = (at),             \
		.command_line_only = true, .help = "the version of csdns"                          \
	}

/* 0, or -1 with *error filled when it is the name of no level. */
int option_entry_check_log_level(const char *text, struct option_error *error)
	__attribute__((warn_unused_result));

#endif
