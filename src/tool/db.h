/*
 * db: a database connection for commands that may wait, and PostgreSQL's messages in a form for
 * people.
 *
 * Every function that fails has told the reason on standard error.
 */
#ifndef CSDNS_TOOL_DB_H
#define CSDNS_TOOL_DB_H

#include <libpq-fe.h>
#include <stdbool.h>

/* Connects; warnings of the server go to standard error from then on. NULL when it failed.
 * The owner ends it with PQfinish. */
PGconn *db_connect(const char *conninfo);
/* Runs one statement. Its result, to be cleared by the caller, or NULL. */
PGresult *db_query(PGconn *conn, const char *sql) __attribute__((warn_unused_result));
/* The same with text parameters, n of them. */
PGresult *db_query_params(PGconn *conn, const char *sql, int n, const char *const *values)
	__attribute__((warn_unused_result));
/* db_query where no rows are wanted. 0 or -1. */
int db_exec(PGconn *conn, const char *sql) __attribute__((warn_unused_result));
/* Did it work, rows or none? */
bool db_is_ok(const PGresult *result);
/* Tells an error: where ("file:line", or NULL), the message, detail, hint and context, and the
 * lines of the statement around the place (NULL: none). */
void db_tell_error(const PGresult *result, const char *where, const char *statement);
/* Characters before the error within the statement, or -1. */
long db_error_position(const PGresult *result);

#endif
