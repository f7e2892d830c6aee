/*
 * sql_text: a file of SQL, statement by statement, as psql cuts it.
 *
 * Knows strings, identifiers and dollar quotes, comments, parentheses and the bodies of SQL
 * functions (BEGIN ATOMIC). Does not know psql's backslash commands and variables. Pure.
 */
#ifndef CSDNS_TOOL_SQL_TEXT_H
#define CSDNS_TOOL_SQL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct sql_text {
	const char *at; /* what is left, up to end */
	const char *end;
	int line; /* of at, from 1 */
};

struct sql_statement {
	const char *text; /* in the file's text: without leading space and comments, nor the ";" */
	size_t len;
	int line; /* where it starts */
};

/* text is borrowed and needs no terminating zero. */
void sql_text_init(struct sql_text *sql, const char *text, size_t len);
/* The next statement; false at the end. A quote that is not closed takes all that is left. */
bool sql_text_next(struct sql_text *sql, struct sql_statement *statement);

#endif
