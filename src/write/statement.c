#include "write/statement.h"

#include <stdio.h>
#include <string.h>

/* A reply that is read inside a transaction is held in memory as a whole. */
#define RESULT_MAX ((size_t)64 * 1024 * 1024)

enum result_kind {
	RESULT_TRUE,
	RESULT_VALUE, /* the one row's JSON */
	RESULT_ARRAY, /* of all rows' JSON */
};

struct sql {
	const char *text;
	const char *missing; /* the problem where no row was written; NULL: that is none */
	enum result_kind result;
};

#define RECORD_JSON(default_ttl)                                                                   \
	"json_build_object('qtype', type, 'qname', CASE name WHEN '.' THEN '.' ELSE name || '.' "  \
	"END, 'content', CASE WHEN type IN ('MX', 'SRV') THEN concat_ws(' ', prio, content) ELSE " \
	"content END, 'ttl', coalesce(ttl, " default_ttl "::int), 'domain_id', domain_id, "        \
	"'auth', coalesce(auth, true)::int)::text"

#define NO_ZONE "there is no such zone"
#define NO_KEY	"the zone has no such key"

#define UPDATE_KEY(change)                                                                         \
	"UPDATE cryptokeys SET " change " WHERE domain_id = $1::int AND id = $2::int"

/* The same as the gpgsql backend's statements, but that a setting or a record set is replaced by
 * one statement, that a TSIG key may be set again, and that nothing is not taken for success. A
 * NULL that PowerDNS' tables allow is read as the mirror has it: PowerDNS takes no null. */
static const struct sql table[WRITE_KINDS] = {
	[WRITE_SET_NOTIFIED] = {"UPDATE domains SET notified_serial = $2::bigint "
				"WHERE id = $1::int",
		NO_ZONE, RESULT_TRUE},
	[WRITE_SET_FRESH] = {"UPDATE domains SET last_check = extract(epoch FROM now())::int "
			     "WHERE id = $1::int",
		NO_ZONE, RESULT_TRUE},
	[WRITE_SET_STALE] = {"UPDATE domains SET last_check = 0 WHERE id = $1::int", NO_ZONE,
		RESULT_TRUE},
	[WRITE_SET_METADATA] = {"WITH gone AS (DELETE FROM domainmetadata "
				"WHERE domain_id = $1::int AND kind = $2::text) "
				"INSERT INTO domainmetadata (domain_id, kind, content) "
				"SELECT $1::int, $2::text, value "
				"FROM json_array_elements_text($3::json) WITH ORDINALITY "
				"ORDER BY ordinality",
		NULL, RESULT_TRUE},
	[WRITE_ADD_KEY] = {"INSERT INTO cryptokeys (domain_id, flags, active, published, content) "
			   "VALUES ($1::int, $2::int, $3::bool, $4::bool, $5::text) RETURNING id",
		NULL, RESULT_VALUE},
	[WRITE_REMOVE_KEY] = {"DELETE FROM cryptokeys WHERE domain_id = $1::int AND id = $2::int",
		NO_KEY, RESULT_TRUE},
	[WRITE_ACTIVATE_KEY] = {UPDATE_KEY("active = true"), NO_KEY, RESULT_TRUE},
	[WRITE_DEACTIVATE_KEY] = {UPDATE_KEY("active = false"), NO_KEY, RESULT_TRUE},
	[WRITE_PUBLISH_KEY] = {UPDATE_KEY("published = true"), NO_KEY, RESULT_TRUE},
	[WRITE_UNPUBLISH_KEY] = {UPDATE_KEY("published = false"), NO_KEY, RESULT_TRUE},
	[WRITE_SET_TSIG_KEY] = {"WITH changed AS (UPDATE tsigkeys SET secret = $3::text "
				"WHERE name = $1::text AND algorithm = $2::text RETURNING id) "
				"INSERT INTO tsigkeys (name, algorithm, secret) "
				"SELECT $1::text, $2::text, $3::text "
				"WHERE NOT EXISTS (SELECT FROM changed)",
		NULL, RESULT_TRUE},
	[WRITE_DELETE_TSIG_KEY] = {"DELETE FROM tsigkeys WHERE name = $1::text",
		"there is no such key", RESULT_TRUE},
	[WRITE_CREATE_SECONDARY] =
		{"INSERT INTO domains (name, type, master, account) "
		 "SELECT $1::text, 'SLAVE', "
		 "coalesce((SELECT string_agg(host(ip), ', ' ORDER BY ip) FROM supermasters "
		 "WHERE lower(rtrim(nameserver, '.')) = $3::text AND account = $4::text), "
		 "$2::text), $4::text",
			NULL, RESULT_TRUE},
	[WRITE_READ_AUTOPRIMARY] =
		{"SELECT json_build_object('nameserver', nameserver, 'account', account)::text "
		 "FROM supermasters JOIN json_array_elements_text($2::json) WITH ORDINALITY "
		 "ON value = lower(rtrim(nameserver, '.')) "
		 "WHERE ip = $1::inet ORDER BY ordinality LIMIT 1",
			"it is no autoprimary", RESULT_VALUE},
	[WRITE_REPLACE_RRSET] =
		{"WITH gone AS (DELETE FROM records WHERE domain_id = $1::int "
		 "AND name = $2::text AND ($3::text = 'ANY' OR type = $3::text)), "
		 "told AS (DELETE FROM comments WHERE domain_id = $1::int "
		 "AND name = $2::text AND type = $3::text AND json_array_length($4::json) = 0) "
		 "INSERT INTO records "
		 "(domain_id, name, type, content, ttl, prio, disabled, auth) "
		 "SELECT $1::int, $2::text, r.type, r.content, r.ttl, r.prio, false, r.auth "
		 "FROM json_to_recordset($4::json) "
		 "AS r(type text, content text, ttl int, prio int, auth bool)",
			NULL, RESULT_TRUE},
	[WRITE_FEED] = {"COPY records (domain_id, name, type, content, ttl, prio, ordername, auth, "
			"disabled) FROM STDIN",
		NULL, RESULT_TRUE},
	[WRITE_READ_RECORDS] =
		{"SELECT " RECORD_JSON(
			 "$5") " FROM records WHERE name = $2::text "
			       "AND type <> '' AND ($3::text = 'ANY' OR type = $3::text) "
			       "AND ($1::int IS NULL OR domain_id = $1::int) "
			       "AND (disabled = false OR $4::bool) ORDER BY id",
			NULL, RESULT_ARRAY},
	[WRITE_READ_ZONE] = {"SELECT " RECORD_JSON("$3") " FROM records WHERE domain_id = $1::int "
							 "AND name IS NOT NULL AND type <> '' AND "
							 "content IS NOT NULL AND (disabled = "
							 "false OR $2::bool) ORDER BY name, id",
		NULL, RESULT_ARRAY},
	[WRITE_READ_METADATA] = {"SELECT to_json(coalesce(content, ''))::text FROM domainmetadata "
				 "WHERE domain_id = $1::int AND kind = $2::text ORDER BY id",
		NULL, RESULT_ARRAY},
	[WRITE_READ_ALL_METADATA] =
		{"SELECT coalesce(json_object_agg(kind, contents), '{}')::text "
		 "FROM (SELECT coalesce(kind, '') AS kind, "
		 "json_agg(coalesce(content, '') ORDER BY id) AS contents "
		 "FROM domainmetadata WHERE domain_id = $1::int GROUP BY 1) AS m",
			NULL, RESULT_VALUE},
	[WRITE_READ_KEYS] = {"SELECT json_build_object('id', id, 'flags', flags, "
			     "'active', coalesce(active, false), "
			     "'published', coalesce(published, false), "
			     "'content', coalesce(content, ''))::text "
			     "FROM cryptokeys WHERE domain_id = $1::int ORDER BY id",
		NULL, RESULT_ARRAY},
};

static bool is_reading(enum write_kind kind)
{
	return kind >= WRITE_READ_RECORDS;
}

void statement_init(struct statement *statement)
{
	statement->kind = WRITE_ABORT;
	statement->problem[0] = '\0';
	statement->has_rows = false;
	buf_init(&statement->result);
}

/* It may be keys. */
void statement_forget(struct statement *statement)
{
	if (statement->result.data != NULL)
		explicit_bzero(statement->result.data, statement->result.len);
	buf_fini(&statement->result);
}

void statement_fini(struct statement *statement)
{
	statement_forget(statement);
}

/* PostgreSQL's detail may be the whole row. */
static bool has_secret(enum write_kind kind)
{
	return kind == WRITE_ADD_KEY || kind == WRITE_SET_TSIG_KEY;
}

void statement_send(struct statement *statement, struct pg *pg, const struct write *write)
{
	const char *values[WRITE_PARAMS_MAX];
	const char *sql = table[write->kind].text;

	statement->kind = write->kind;
	statement->problem[0] = '\0';
	statement->has_rows = false;
	statement_forget(statement);
	for (unsigned i = 0; i < write->n; i++)
		values[i] = write_param(write, i);
	if (write->kind == WRITE_FEED) {
		pg_send(pg, sql);
	} else if (is_reading(write->kind)) {
		pg_pipeline_begin(pg);
		pg_send_params(pg, sql, (int)write->n, values);
		pg_pipeline_sync(pg);
	} else {
		pg_send_params(pg, sql, (int)write->n, values);
	}
}

static void set_problem(struct statement *statement, const char *problem)
{
	if (statement->problem[0] == '\0')
		(void)snprintf(statement->problem, sizeof(statement->problem), "%s", problem);
}

static void take_row(struct statement *statement, const PGresult *result, int row)
{
	struct buf *text = &statement->result;

	if (table[statement->kind].result == RESULT_ARRAY)
		buf_add_char(text, statement->has_rows ? ',' : '[');
	statement->has_rows = true;
	if (text->len > RESULT_MAX)
		set_problem(statement, "there is too much to read in a transaction");
	else
		buf_add(text, PQgetvalue(result, row, 0), (size_t)PQgetlength(result, row, 0));
}

void statement_take(struct statement *statement, const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	const char *missing = table[statement->kind].missing;

	if (status == PGRES_FATAL_ERROR) {
		char line[sizeof(statement->problem)];
		if (has_secret(statement->kind))
			pg_error_short(result, line, sizeof(line));
		else
			pg_error_line(result, line, sizeof(line));
		set_problem(statement, line);
	} else if (status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK) {
		for (int row = 0; row < PQntuples(result); row++)
			take_row(statement, result, row);
	} else if (status == PGRES_COMMAND_OK && missing != NULL &&
		   strcmp(PQcmdTuples((PGresult *)result), "0") == 0) {
		set_problem(statement, missing);
	}
}

void statement_end(struct statement *statement)
{
	if (table[statement->kind].result == RESULT_ARRAY)
		buf_add_str(&statement->result, statement->has_rows ? "]" : "[]");
	else if (table[statement->kind].result == RESULT_VALUE && !statement->has_rows &&
		 table[statement->kind].missing != NULL)
		set_problem(statement, table[statement->kind].missing);
	if (buf_failed(&statement->result))
		set_problem(statement, "out of memory");
}

/* Escaped as COPY's text format wants it. */
static void add_copy_field(struct buf *rows, const char *text)
{
	if (text == NULL) {
		BUF_ADD_LIT(rows, "\\N");
		return;
	}
	while (*text != '\0') {
		size_t plain = strcspn(text, "\\\n\r\t");
		buf_add(rows, text, plain);
		text += plain;
		if (*text == '\0')
			return;
		buf_add_char(rows, '\\');
		buf_add_char(rows, *text == '\n'   ? 'n'
				   : *text == '\r' ? 'r'
				   : *text == '\t' ? 't'
						   : '\\');
		text++;
	}
}

void statement_copy_row(struct buf *rows, const struct write *write)
{
	for (unsigned i = 0; i < write->n; i++) {
		add_copy_field(rows, write_param(write, i));
		buf_add_char(rows, '\t');
	}
	BUF_ADD_LIT(rows, "f\n");
}
