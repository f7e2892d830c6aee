#include "tool/db.h"

#include "base/buf.h"
#include "tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENT_LINES 5 /* shown of a statement that failed */

/* Adds text with its further lines indented. Control characters that data brought along could
 * command a terminal; they become "?". */
static void add_text(struct buf *out, const char *text, size_t len)
{
	while (len > 0 && text[len - 1] == '\n')
		len--;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '\n')
			buf_add_str(out, "\n      ");
		else
			buf_add_char(out, (c < 0x20 && c != '\t') || c == 0x7f ? '?' : text[i]);
	}
}

static void add_field(struct buf *out, const PGresult *result, int code, const char *name)
{
	const char *text = PQresultErrorField(result, code);

	if (text == NULL)
		return;
	buf_printf(out, "\n  %s: ", name);
	add_text(out, text, strlen(text));
}

/* Severity, message and what explains it. */
static void add_message(struct buf *out, const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (message == NULL) { /* libpq's own: the connection was lost */
		message = PQresultErrorMessage(result);
		if (*message == '\0') /* not even a result */
			message = "no answer from the database";
		add_text(out, message, strlen(message));
		return;
	}
	buf_printf(out, "%s: ", severity != NULL ? severity : "ERROR");
	add_text(out, message, strlen(message));
	if (code != NULL && strcmp(code, "00000") != 0 && strcmp(code, "01000") != 0)
		buf_printf(out, " (%s)", code);
	add_field(out, result, PG_DIAG_MESSAGE_DETAIL, "detail");
	add_field(out, result, PG_DIAG_MESSAGE_HINT, "hint");
}

static void tell(struct buf *out)
{
	if (buf_failed(out))
		tool_error("out of memory");
	else
		tool_error("%.*s", (int)out->len, out->data);
	buf_fini(out);
}

long db_error_position(const PGresult *result)
{
	const char *text = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
	long position = text != NULL ? strtol(text, NULL, 10) : 0;

	return position - 1;
}

/* Where the n-th character is; PostgreSQL counts characters, and the connection speaks UTF-8. */
static const char *character(const char *text, long n)
{
	for (; *text != '\0' && n > 0; n--) {
		text++;
		while (((unsigned char)*text & 0xc0) == 0x80)
			text++;
	}
	return text;
}

/* The beginning of the line n lines before the one that holds `at`, or of the text. */
static const char *lines_before(const char *text, const char *at, int n)
{
	while (at > text && (at[-1] != '\n' || n-- > 0))
		at--;
	return at;
}

/* The end of the n-th line from `at` on, or of the text. */
static const char *lines_after(const char *at, int n)
{
	while (*at != '\0' && (*at != '\n' || --n > 0))
		at++;
	return at;
}

/* A few lines of the statement: up to the one with the error where that is known, else the first.
 */
static void add_statement(struct buf *out, const PGresult *result, const char *statement)
{
	long position = db_error_position(result);
	const char *from = statement;
	const char *to = lines_after(statement, STATEMENT_LINES);

	if (position >= 0) {
		const char *at = character(statement, position);
		from = lines_before(statement, at, STATEMENT_LINES - 1);
		to = lines_after(at, 1);
	}
	buf_printf(out, "\n  statement: %s", from > statement ? "... " : "");
	add_text(out, from, (size_t)(to - from));
	if (*to != '\0')
		buf_add_str(out, " ...");
}

void db_tell_error(const PGresult *result, const char *where, const char *statement)
{
	struct buf out;

	buf_init(&out);
	if (where != NULL)
		buf_printf(&out, "%s: ", where);
	add_message(&out, result);
	add_field(&out, result, PG_DIAG_CONTEXT, "context");
	if (statement != NULL)
		add_statement(&out, result, statement);
	tell(&out);
}

static bool is_field(const PGresult *result, int code, const char *value)
{
	const char *text = PQresultErrorField(result, code);

	return text != NULL && strcmp(text, value) == 0;
}

/* "already exists, skipping" is no news; what the schema itself has to say is, and warnings are. */
static void on_notice(void *arg, const PGresult *result)
{
	struct buf out;

	(void)arg;
	if (!is_field(result, PG_DIAG_SEVERITY_NONLOCALIZED, "WARNING") &&
		!is_field(result, PG_DIAG_SOURCE_FUNCTION, "exec_stmt_raise"))
		return;
	buf_init(&out);
	add_message(&out, result);
	tell(&out);
}

/* argv is for all users of the machine to see. */
static void warn_of_password(const char *conninfo)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);

	for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL;
		option++) {
		if (strcmp(option->keyword, "password") == 0 && option->val != NULL)
			tool_error("a password on the command line can be seen by every user of "
				   "this machine: use a service file or PGPASSFILE");
	}
	PQconninfoFree(options);
}

PGconn *db_connect(const char *conninfo)
{
	const char *const keywords[] = {
		"dbname", "fallback_application_name", "client_encoding", NULL};
	const char *const values[] = {conninfo, "csdns", "UTF8", NULL};

	warn_of_password(conninfo);
	PGconn *conn = PQconnectdbParams(keywords, values, 1);
	if (conn == NULL) {
		tool_error("out of memory");
		return NULL;
	}
	if (PQstatus(conn) != CONNECTION_OK) {
		struct buf out;
		const char *message = PQerrorMessage(conn);
		buf_init(&out);
		buf_add_str(&out, "could not connect to the database: ");
		add_text(&out, message, strlen(message));
		tell(&out);
		PQfinish(conn);
		return NULL;
	}
	(void)PQsetNoticeReceiver(conn, on_notice, NULL);
	return conn;
}

bool db_is_ok(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
	       status == PGRES_EMPTY_QUERY;
}

/* Passes on a result that worked; else tells and releases it. */
static PGresult *checked(PGconn *conn, PGresult *result, const char *sql)
{
	if (result == NULL) {
		tool_error("%s", PQerrorMessage(conn));
	} else if (!db_is_ok(result)) {
		db_tell_error(result, NULL, sql);
		PQclear(result);
		result = NULL;
	}
	return result;
}

PGresult *db_query(PGconn *conn, const char *sql)
{
	return checked(conn, PQexec(conn, sql), sql);
}

PGresult *db_query_params(PGconn *conn, const char *sql, int n, const char *const *values)
{
	return checked(conn, PQexecParams(conn, sql, n, NULL, values, NULL, NULL, 0), sql);
}

int db_exec(PGconn *conn, const char *sql)
{
	PGresult *result = db_query(conn, sql);

	PQclear(result);
	return result != NULL ? 0 : -1;
}
