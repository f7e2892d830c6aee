/*
 * options: one table drives the command line, the configuration file and --help.
 *
 * A program fills a table of struct option_spec; each entry writes one field of the program's own
 * settings struct. The command line wins over the file, the file over the defaults.
 * File syntax: "name = value" a line, the long option's name without dashes, "#" starts a comment
 * line, value may be in double quotes (inside, \" and \\ stand for those characters); without them
 * it is what is left of the line; a flag takes yes or no; an unknown name is an error.
 * Parsing never touches the settings that are in use: parse into a fresh struct, then switch.
 */
#ifndef CSDNS_BASE_OPTIONS_H
#define CSDNS_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum option_type {
	OPTION_STRING,	/* char *, owned by the settings; the last one wins */
	OPTION_LIST,	/* struct option_list, repeatable; a configuration file's list is replaced
			 * as a whole by one from the command line */
	OPTION_INT,	/* long, min to max */
	OPTION_MODE,	/* unsigned, octal file mode 0 to 0777 */
	OPTION_FLAG,	/* bool; "--name" or "--no-name"; yes or no in a file */
	OPTION_SECONDS, /* long, milliseconds; text is "5s", "250ms", "2m", "1h"; a bare number:
			   seconds */
	OPTION_SIZE,	/* size_t, bytes; text is "64k", "16M", or a bare number of bytes */
};

struct option_list {
	char **items; /* n strings, owned */
	size_t n;
};

struct option_spec {
	const char *name;	/* long option without dashes; NULL ends the table */
	char letter;		/* short option or 0 */
	bool command_line_only; /* refused in a file: --config, --help, … */
	enum option_type type;
	size_t offset;	     /* of the field in the settings struct */
	const char *value;   /* what --help calls the value: "PATH"; NULL for a flag */
	const char *initial; /* default as text, or NULL for zero/NULL/empty */
	const char *help;    /* one or more lines for --help */
	long min, max;	     /* of a number, in the field's unit; both 0: no bounds */
};

struct option_error {
	char text[512]; /* names the option or file:line, the value and the reason */
};

/* Sets every field to its default. Returns 0, or -1 when memory is out (settings are safe to
 * free). */
int options_init(const struct option_spec *specs, void *settings)
	__attribute__((warn_unused_result));
/* Frees what the fields own. */
void options_fini(const struct option_spec *specs, void *settings);
/* Reads long and short options into settings, marking them in `seen` (one bool a spec, all false
 * at first). Operands are moved to the end of argv, as GNU programs do; *first_operand is the index
 * of the first, argc when there is none. Returns 0 or -1 with *error filled. */
int options_parse_args(const struct option_spec *specs, void *settings, bool *seen, int argc,
	char **argv, int *first_operand, struct option_error *error)
	__attribute__((warn_unused_result));
/* The same for a program that takes no operands: one is an error. */
int options_parse_without_operands(const struct option_spec *specs, void *settings, bool *seen,
	int argc, char **argv, struct option_error *error) __attribute__((warn_unused_result));
/* Reads a file into settings; fields given on the command line are not touched: call
 * options_parse_args first, then this, with the same `seen` array. Returns 0 or -1 with *error
 * filled. */
int options_parse_file(const struct option_spec *specs, void *settings, bool *seen,
	const char *path, struct option_error *error) __attribute__((warn_unused_result));
/* Reads the file that was named, or the usual one, where it exists, when `named` is NULL. The same.
 */
int options_parse_config(const struct option_spec *specs, void *settings, bool *seen,
	const char *named, const char *usual, struct option_error *error)
	__attribute__((warn_unused_result));
/* Have these fields the same value? A string that is NULL is as an empty one. */
bool option_string_is_same(const char *a, const char *b);
bool option_list_is_same(const struct option_list *a, const struct option_list *b);
/* What OPTION_SECONDS takes, for times that stand inside a value. Milliseconds; NULL, or what is
 * wrong with the text. */
const char *option_parse_time(const char *text, long *ms) __attribute__((warn_unused_result));
/* The options' part of --help on standard output, wrapped at 80 columns, with defaults. */
void options_print_help(const struct option_spec *specs);

#endif
