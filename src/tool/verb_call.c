/*
 * verb_call: one command in one transaction of the database.
 */
#include "tool/db.h"
#include "tool/verb.h"

#include <stdlib.h>
#include <string.h>

static bool is_state(const PGresult *result, const char *sqlstate)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return state != NULL && strcmp(state, sqlstate) == 0;
}

/* csdns.api() answers with what commands refuse; what comes as an error is about getting to it, or
 * about the transaction. */
static void tell_error(PGconn *conn, const PGresult *result)
{
	bool is_outside = PQresultErrorField(result, PG_DIAG_CONTEXT) == NULL;

	if (PQstatus(conn) != CONNECTION_OK)
		tool_error("the connection to the database was lost, nothing was done: try again");
	else if (is_state(result, "3F000") && is_outside)
		tool_error("csdns' schema is not in database \"%s\": see \"csdns schema install\"",
			PQdb(conn));
	else if (is_state(result, "42883") && is_outside)
		tool_error("csdns' schema in database \"%s\" is too old for this command: see "
			   "\"csdns schema upgrade\"",
			PQdb(conn));
	else if (is_state(result, "42501") && is_outside)
		tool_error(
			"role \"%s\" may not run commands: it must be a member of csdns_admin or "
			"csdns_tenant",
			PQuser(conn));
	else if (is_state(result, "40001") || is_state(result, "40P01"))
		tool_error("others changed the same at this moment, nothing was done: try again");
	else
		db_tell_error(result, NULL, NULL);
}

/* One statement with text parameters; its result, to be cleared, or NULL after telling. */
static PGresult *query(PGconn *conn, const char *sql, int n, const char *const *values)
{
	PGresult *result = PQexecParams(conn, sql, n, NULL, values, NULL, NULL, 0);

	if (db_is_ok(result))
		return result;
	tell_error(conn, result);
	PQclear(result);
	return NULL;
}

static int run(PGconn *conn, const char *sql, int n, const char *const *values)
{
	PGresult *result = query(conn, sql, n, values);

	PQclear(result);
	return result != NULL ? 0 : -1;
}

/* {"creatednszoneresponse": {...}}: what is inside. */
static json_t *parse_answer(const char *text)
{
	json_error_t why;
	json_t *answer = json_loads(text, 0, &why);
	json_t *inner = json_object_iter_value(json_object_iter(answer));

	if (!json_is_object(inner))
		tool_error("the database's answer is not understood: %s",
			answer == NULL ? why.text : "no object in an object");
	json_t *kept = json_is_object(inner) ? json_incref(inner) : NULL;
	json_decref(answer);
	return kept;
}

static int call_api(PGconn *conn, const char *command, const char *params, json_t **answer)
{
	const char *const values[] = {command, params};
	PGresult *result = query(conn, "SELECT csdns.api($1, $2)", 2, values);

	if (result == NULL)
		return -1;
	*answer = parse_answer(PQgetvalue(result, 0, 0));
	PQclear(result);
	return *answer != NULL ? 0 : -1;
}

/* Without an answer to COMMIT nobody knows. */
static int commit(PGconn *conn)
{
	PGresult *result = PQexec(conn, "COMMIT");
	int rc = db_is_ok(result) ? 0 : -1;

	if (rc != 0 && PQstatus(conn) != CONNECTION_OK)
		tool_error("the connection was lost while the change was stored: whether it was "
			   "is not known");
	else if (rc != 0)
		tell_error(conn, result);
	PQclear(result);
	return rc;
}

static int transact(PGconn *conn, const char *cloud_user, const char *command, const char *params,
	json_t **answer)
{
	int rc = run(conn, "BEGIN", 0, NULL);

	if (rc == 0 && cloud_user != NULL)
		rc = run(conn, "SELECT set_config('csdns.cloud_user', $1, true)", 1, &cloud_user);
	if (rc == 0)
		rc = call_api(conn, command, params, answer);
	return rc == 0 ? commit(conn) : rc;
}

int verb_call(const char *conninfo, const char *cloud_user, const struct verb *verb,
	const json_t *params, json_t **answer)
{
	char *text = json_dumps(params, JSON_COMPACT);
	struct buf command;
	PGconn *conn = NULL;
	int rc = -1;

	*answer = NULL;
	buf_init(&command);
	buf_printf(&command, "%s%s", verb->word, verb->noun);
	buf_add_char(&command, '\0');
	if (text == NULL || buf_failed(&command))
		tool_error("out of memory");
	else
		conn = db_connect(conninfo);
	if (conn != NULL)
		rc = transact(conn, cloud_user, command.data, text, answer);
	if (rc != 0) {
		json_decref(*answer);
		*answer = NULL;
	}
	PQfinish(conn);
	buf_fini(&command);
	free(text);
	return rc;
}
