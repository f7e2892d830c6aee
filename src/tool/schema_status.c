/*
 * schema_status: "csdns schema status": versions, sizes, records that break a rule, roles. Reads
 * one snapshot, changes nothing, works on a standby.
 */
#include "tool/db.h"
#include "tool/schema.h"
#include "tool/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INVALID_SHOWN "10"

struct figure {
	const char *key;   /* in JSON */
	const char *label; /* for people */
	const char *needs; /* relation that the role must be able to read, or NULL */
	const char *sql;   /* one value */
	bool is_number;
};

/* clang-format off */
static const struct figure figures[] = {
	{"database", "database", NULL, "SELECT current_database()", false},
	{"server_version", "PostgreSQL", NULL, "SELECT current_setting('server_version')", false},
	{"installed_at", "installed at", "csdns.schema_version",
		"SELECT installed_at FROM csdns.schema_version ORDER BY version DESC LIMIT 1", false},
	{"store_version", "store version", "csdns.version",
		"SELECT version FROM csdns.head()", true},
	{"changed_at", "last change", "csdns.version", "SELECT at FROM csdns.head()", false},
	{"journal_versions", "journal versions", "csdns.version",
		"SELECT count(*) FROM csdns.version", true},
	{"journal_rows", "journal rows", "csdns.journal",
		"SELECT count(*) FROM csdns.journal", true},
	{"journal_since", "journal since", "csdns.version",
		"SELECT min(at) FROM csdns.version", false},
	{"zones", "zones", "csdns.served_domain", "SELECT count(*) FROM csdns.served_domain", true},
	{"records", "records", "csdns.served_record",
		"SELECT count(*) FROM csdns.served_record", true},
	{"disabled_records", "disabled records", "csdns.served_record",
		"SELECT count(*) FROM csdns.served_record WHERE disabled", true},
	{"serials_owed", "serials owed", "csdns.serial_debt",
		"SELECT count(*) FROM csdns.serial_debt", true},
	{"invalid_records", "invalid records", "csdns.invalid_record",
		"SELECT count(*) FROM csdns.invalid_record", true},
};
/* clang-format on */

static bool is_readable(PGconn *conn, const char *relation, int *rc)
{
	char sql[200];

	if (relation == NULL)
		return true;
	(void)snprintf(sql, sizeof(sql), "SELECT has_table_privilege('%s', 'SELECT')", relation);
	PGresult *result = db_query(conn, sql);
	*rc = result != NULL ? 0 : -1;
	bool readable = result != NULL && strcmp(PQgetvalue(result, 0, 0), "t") == 0;
	PQclear(result);
	return readable;
}

static json_t *json_value(const PGresult *result, int row, int column, bool is_number)
{
	const char *text = PQgetvalue(result, row, column);

	if (PQgetisnull(result, row, column))
		return json_null();
	return is_number ? json_integer(strtoll(text, NULL, 10)) : json_string(text);
}

/* A figure that the role may not see is null. */
static int add_figure(PGconn *conn, const struct figure *figure, json_t *status)
{
	int rc = 0;

	if (!is_readable(conn, figure->needs, &rc))
		return rc != 0 ? rc : json_object_set_new(status, figure->key, json_null());
	PGresult *result = db_query(conn, figure->sql);
	if (result == NULL)
		return -1;
	json_t *value =
		PQntuples(result) > 0 ? json_value(result, 0, 0, figure->is_number) : json_null();
	PQclear(result);
	return json_object_set_new(status, figure->key, value);
}

/* The rows of a query as an array of objects, all values text but the first column. */
static int add_rows(PGconn *conn, const char *sql, json_t *array)
{
	PGresult *result = db_query(conn, sql);
	int rc = result != NULL ? 0 : -1;

	for (int row = 0; rc == 0 && row < PQntuples(result); row++) {
		json_t *object = json_object();
		for (int column = 0; rc == 0 && column < PQnfields(result); column++)
			rc = json_object_set_new(object, PQfname(result, column),
				json_value(result, row, column, column == 0));
		if (json_array_append_new(array, object) != 0)
			rc = -1;
	}
	PQclear(result);
	return rc;
}

static int add_invalid(PGconn *conn, json_t *status)
{
	json_t *invalid = json_array();

	if (json_object_set_new(status, "invalid", invalid) != 0)
		return -1;
	if (json_integer_value(json_object_get(status, "invalid_records")) == 0)
		return 0;
	return add_rows(conn,
		"SELECT id, zone, name, type, content, reason FROM csdns.invalid_record"
		" ORDER BY zone, name, type, id LIMIT " INVALID_SHOWN,
		invalid);
}

/* Roles that are there and roles that are missing, as two arrays of names. */
static int add_roles(PGconn *conn, json_t *status)
{
	PGresult *result =
		db_query(conn, "SELECT w.name, r.oid IS NOT NULL FROM unnest("
			       "ARRAY['csdns_read', 'csdns_write', 'csdns_cloud', 'csdns_admin', "
			       "'csdns_tenant', 'csdns_sync']) "
			       "WITH ORDINALITY AS w(name, place)"
			       " LEFT JOIN pg_roles r ON r.rolname = w.name ORDER BY w.place");
	json_t *there = json_array();
	json_t *missing = json_array();
	int rc = result != NULL ? 0 : -1;

	for (int row = 0; rc == 0 && row < PQntuples(result); row++) {
		json_t *array = strcmp(PQgetvalue(result, row, 1), "t") == 0 ? there : missing;
		rc = json_array_append_new(array, json_string(PQgetvalue(result, row, 0)));
	}
	PQclear(result);
	int there_rc = json_object_set_new(status, "roles", there);
	int missing_rc = json_object_set_new(status, "missing_roles", missing);
	return rc != 0 || there_rc != 0 || missing_rc != 0 ? -1 : 0;
}

/* Fills status; 0, or -1 after telling, or when memory is out. */
static int collect(PGconn *conn, int ours, json_t *status)
{
	if (db_exec(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") != 0)
		return -1;
	int installed = schema_installed_version(conn);
	if (installed < 0)
		return -1;
	int rc = json_object_set_new(status, "schema_version", json_integer(installed));
	if (rc == 0)
		rc = json_object_set_new(status, "tool_schema_version", json_integer(ours));
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]) && rc == 0; i++) {
		if (installed > 0 || figures[i].needs == NULL)
			rc = add_figure(conn, &figures[i], status);
	}
	if (rc == 0 && installed > 0)
		rc = add_invalid(conn, status);
	return rc == 0 ? add_roles(conn, status) : rc;
}

static void print_value(const json_t *value)
{
	if (json_is_integer(value))
		(void)printf("%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
	else
		(void)puts(json_is_string(value) ? json_string_value(value)
						 : "not to be seen by this role");
}

static void print_names(const char *label, const json_t *names)
{
	if (json_array_size(names) == 0)
		return;
	(void)printf("%-18s", label);
	for (size_t i = 0; i < json_array_size(names); i++)
		(void)printf(
			"%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(names, i)));
	(void)putchar('\n');
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static void print_invalid(const json_t *invalid)
{
	if (json_array_size(invalid) == 0)
		return;
	(void)puts("\nrecords that break a rule (the first " INVALID_SHOWN
		   "; all: SELECT * FROM csdns.invalid_record):");
	for (size_t i = 0; i < json_array_size(invalid); i++) {
		const json_t *row = json_array_get(invalid, i);
		(void)printf("  id %" JSON_INTEGER_FORMAT " %s %s %s: %s\n",
			json_integer_value(json_object_get(row, "id")), text_of(row, "name"),
			text_of(row, "type"), text_of(row, "content"), text_of(row, "reason"));
	}
}

static void print_text(const json_t *status, int installed, int ours)
{
	const char *remark = installed == 0 ? " (not installed)"
			     : installed < ours
				     ? " (this csdns has a newer one: csdns schema upgrade)"
			     : installed > ours ? " (newer than this csdns knows)"
						: "";

	(void)printf("%-18s%d%s\n", "schema version", installed, remark);
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		const json_t *value = json_object_get(status, figures[i].key);
		if (value == NULL)
			continue;
		(void)printf("%-18s", figures[i].label);
		print_value(value);
	}
	print_names("roles", json_object_get(status, "roles"));
	print_names("missing roles", json_object_get(status, "missing_roles"));
	print_invalid(json_object_get(status, "invalid"));
}

static int print_status(const struct schema_settings *settings, json_t *status, int ours)
{
	int installed = (int)json_integer_value(json_object_get(status, "schema_version"));

	if (settings->common.json) {
		int rc = tool_print_json(json_incref(status));
		if (rc != TOOL_OK)
			return rc;
	} else {
		print_text(status, installed, ours);
	}
	return installed == ours ? TOOL_OK : TOOL_NOT_SO;
}

int schema_status(const void *arg, char **operands)
{
	const struct schema_settings *settings = arg;
	struct script_folder folder;
	int rc = TOOL_FAILED;

	(void)operands;
	if (script_folder_open(&folder, schema_dir(settings)) != 0)
		return TOOL_FAILED;
	int ours = folder.version;
	script_folder_close(&folder);

	PGconn *conn = db_connect(settings->common.db);
	json_t *status = json_object();
	if (conn != NULL && collect(conn, ours, status) == 0)
		rc = print_status(settings, status, ours);
	json_decref(status);
	PQfinish(conn);
	return rc;
}
