/*
 * verb: "csdns VERB NOUN name=value...": CloudStack's DNS commands, run by csdns.api() in the
 * database, which knows what they mean and who may use them.
 *
 * Here is the table of them for people: help, completion and spelling work without a database. A
 * test holds the table against what the database tells of itself.
 */
#ifndef CSDNS_TOOL_VERB_H
#define CSDNS_TOOL_VERB_H

#include "base/buf.h"
#include "tool/tool.h"

#include <jansson.h>
#include <stdbool.h>

enum verb_type {
	VERB_TEXT,
	VERB_LIST, /* text with commas between; may be given several times */
	VERB_INT,
	VERB_BOOLEAN,
	VERB_JSON, /* an array of objects; also from a file, with file=PATH */
};

struct verb_param {
	const char *name; /* NULL ends the list */
	enum verb_type type;
	bool required;
	const char *help;    /* one line */
	const char *example; /* a value */
};

struct verb {
	const char *word; /* "create"; NULL ends the table */
	const char *noun; /* "DnsZone"; people write it in lower case */
	const char *help; /* one line */
	const struct verb_param *params;
	const char *columns; /* of the table for people, with commas between; NULL: all */
	const char *things;  /* of the rows that are answered: "zones"; NULL: no rows */
};

struct verb_settings {
	struct tool_settings common;
	char *user; /* of the cloud, NULL: not given */
};

/* For struct verb_settings. */
extern const struct option_spec verb_options[];
/* In the order of the help: all of a word together. */
extern const struct verb verbs[];
/* The words, as groups of commands, and "commands"; ended by a name that is NULL. */
extern const struct tool_group verb_groups[];

/* Every verb of the word, from `verb` on, or from the beginning where that is NULL. NULL: no more.
 */
const struct verb *verb_next(const char *word, const struct verb *verb);
/* The verb, or NULL. The case of letters does not count. */
const struct verb *verb_find(const char *word, const char *noun);
/* "dnszone". Adds to out. */
void verb_add_noun(struct buf *out, const struct verb *verb);
const struct verb_param *verb_find_param(const struct verb *verb, const char *name, size_t len);
/* The parameter that a file may fill, or NULL. */
const struct verb_param *verb_json_param(const struct verb *verb);

/* What is on the command line behind the noun. */
struct verb_args {
	json_t *params;	    /* for csdns.api(), an object; owned */
	const char *filter; /* filter=: fields to show, with commas between; NULL: not given */
	const char *file;   /* file=: NULL: not given */
};

/* Reads name=value operands, ended by NULL, into args, which the caller releases with
 * verb_args_fini in any case. 0, or -1 with the reason added to error. */
int verb_args_parse(const struct verb *verb, char **operands, struct verb_args *args,
	struct buf *error) __attribute__((warn_unused_result));
/* Puts the file's JSON, "-" for standard input, where the verb wants it. 0, or -1 with the reason
 * added to error. */
int verb_args_read_file(const struct verb *verb, struct verb_args *args, struct buf *error)
	__attribute__((warn_unused_result));
/* Whether all that is required is there. 0, or -1 with the reason added to error. */
int verb_args_check(const struct verb *verb, const struct verb_args *args, struct buf *error)
	__attribute__((warn_unused_result));
void verb_args_fini(struct verb_args *args);

/* Calls csdns.api() in one transaction. cloud_user: for the audit trail, or NULL. 0 with the
 * answer, owned by the caller, which can be a refusal; -1 after telling the reason. */
int verb_call(const char *conninfo, const char *cloud_user, const struct verb *verb,
	const json_t *params, json_t **answer) __attribute__((warn_unused_result));

/* Prints the answer of csdns.api(), as JSON or for people; a refusal goes to standard error.
 * Returns what to exit with. */
int verb_answer(
	const struct verb *verb, const struct verb_args *args, const json_t *answer, bool as_json);
/* The part for people, of the answer without its envelope; width: as for table_print. Pure. 0, or
 * -1 when memory is out. */
int verb_answer_text(const struct verb *verb, const char *filter, const json_t *inner, size_t width,
	struct buf *out) __attribute__((warn_unused_result));

/* Help on a word's nouns, and on one verb. */
void verb_help_word(const struct tool_group *group);
void verb_help(const struct verb *verb);
/* "csdns commands": the table, for people and programs. */
int verb_commands(bool as_json);

/* The words' and the commands' entry: argv[0] is the word. Returns what to exit with. */
int verb_main(const struct tool_group *group, int argc, char **argv);
int verb_commands_main(const struct tool_group *group, int argc, char **argv);

#endif
