#include "tool/rows.h"

#include "tool/cell.h"
#include "tool/table.h"
#include "tool/tool.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of pg_type.dat; they never change. */
enum {
	OID_BOOL = 16,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_JSON = 114,
	OID_JSONB = 3802
};

static bool is_number(const PGresult *result, int column)
{
	Oid type = PQftype(result, column);

	return type == OID_INT8 || type == OID_INT4 || type == OID_INT2;
}

static json_t *value_of(const PGresult *result, int row, int column)
{
	const char *text = PQgetvalue(result, row, column);
	Oid type = PQftype(result, column);

	if (PQgetisnull(result, row, column))
		return json_null();
	if (is_number(result, column))
		return json_integer(strtoll(text, NULL, 10));
	if (type == OID_BOOL)
		return json_boolean(*text == 't');
	if (type == OID_JSON || type == OID_JSONB)
		return json_loads(text, JSON_DECODE_ANY, NULL);
	return json_string(text);
}

json_t *rows_object(const PGresult *result, int row)
{
	json_t *object = json_object();

	for (int column = 0; column < PQnfields(result); column++) {
		if (json_object_set_new(
			    object, PQfname(result, column), value_of(result, row, column)) != 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

json_t *rows_json(const PGresult *result)
{
	json_t *array = json_array();

	for (int row = 0; row < PQntuples(result); row++) {
		if (json_array_append_new(array, rows_object(result, row)) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static void add_titles(struct table *table, const PGresult *result)
{
	for (int column = 0; column < PQnfields(result); column++) {
		char title[64];
		(void)snprintf(title, sizeof(title), "%s", PQfname(result, column));
		for (char *c = title; *c != '\0'; c++)
			*c = *c == '_' ? ' ' : (char)toupper((unsigned char)*c);
		table_add(table, title, false);
	}
}

int rows_print(const PGresult *result)
{
	struct table table;
	struct buf out;

	if (PQntuples(result) == 0)
		return 0;
	cell_init();
	buf_init(&out);
	table_init(&table, (size_t)PQnfields(result));
	add_titles(&table, result);
	for (int row = 0; row < PQntuples(result); row++) {
		for (int column = 0; column < PQnfields(result); column++)
			table_add(
				&table, PQgetvalue(result, row, column), is_number(result, column));
	}
	int rc = table_print(&table, &out, tool_terminal_width());
	if (rc == 0)
		(void)fwrite(out.data, 1, out.len, stdout);
	else
		tool_error("out of memory");
	table_fini(&table);
	buf_fini(&out);
	return rc;
}
