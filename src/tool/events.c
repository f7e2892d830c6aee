/*
 * events: "csdns events": what happened, from csdns.v_event, and with --audit who changed what,
 * from csdns.v_audit; oldest first, and with --follow as it comes.
 *
 * Events have their numbers in the order of commits. Rows of the audit trail have not: those of
 * transactions that are over are shown, and a transaction is shown when all before it are over.
 */
#include "tool/cell.h"
#include "tool/db.h"
#include "tool/rows.h"
#include "tool/tool.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POLL_SECONDS 1

struct events_settings {
	struct tool_settings common;
	bool follow;
	bool audit;
	char *type;  /* NULL: all */
	char *since; /* NULL: not given */
	long last;
};

static const struct option_spec options[] = {
	TOOL_OPTIONS(struct events_settings),
	{.name = "follow",
		.letter = 'f',
		.type = OPTION_FLAG,
		.offset = offsetof(struct events_settings, follow),
		.help = "go on with what comes, until interrupted; with --json one object a line"},
	{.name = "type",
		.letter = 't',
		.type = OPTION_STRING,
		.offset = offsetof(struct events_settings, type),
		.value = "TYPE",
		.help = "only this type; * stands for any text: \"DNS.VERIFY.*\""},
	{.name = "since",
		.letter = 's',
		.type = OPTION_STRING,
		.offset = offsetof(struct events_settings, since),
		.value = "TIME",
		.help = "from then on: 30m, 12h, 7d, or a date and time"},
	{.name = "last",
		.letter = 'n',
		.type = OPTION_INT,
		.offset = offsetof(struct events_settings, last),
		.value = "N",
		.initial = "50",
		.min = 0,
		.max = 1000000,
		.help = "at most so many of the past; without effect with --since"},
	{.name = "audit",
		.letter = 'a',
		.type = OPTION_FLAG,
		.offset = offsetof(struct events_settings, audit),
		.help = "also the audit trail, as type AUDIT.WHAT"},
	{.name = NULL},
};

/* Up to where everything has been shown. */
struct place {
	char event[24]; /* id; of those above it nothing was shown */
	char txid[24];	/* of the audit trail: of those from it on nothing was shown */
	bool started;
};

/* $1 type as LIKE, or NULL; $2 since, or NULL; $3 most, or NULL; $4 event id, $5, $6 transactions
 * from and up to, NULL at first; $7 whether the audit trail is wanted. */
static const char events_sql[] =
	"SELECT * FROM (SELECT * FROM ("
	" SELECT e.at, e.type, e.name, e.description, e.id, 0 AS place FROM csdns.v_event e"
	"  WHERE ($1::text IS NULL OR upper(e.type) LIKE $1) AND ($2::timestamptz IS NULL OR e.at "
	">= $2)"
	"   AND ($4::bigint IS NULL OR e.id > $4)"
	" UNION ALL"
	" SELECT a.at, 'AUDIT.' || upper(replace(a.what, ' ', '_')), coalesce(a.name, a.zone),"
	"  concat_ws(' ', a.who, 'by', a.path || ':', coalesce(a.before, 'nothing'), '->',"
	"   coalesce(a.after, 'nothing')), a.id, 1"
	"  FROM csdns.v_audit a WHERE $7 AND a.id IN (SELECT u.id FROM csdns.audit u"
	"   WHERE ($2::timestamptz IS NULL OR (u.at::timestamptz(0) >= date_trunc('second', "
	"$2::timestamptz) AND u.at >= $2))"
	"    AND ($5::xid8 IS NULL OR (u.txid >= $5 AND u.at::timestamptz(0) >= now() - interval "
	"'1 hour'))"
	"    AND u.txid < $6::xid8"
	"   ORDER BY u.id DESC LIMIT $3)"
	"  AND ($1::text IS NULL OR 'AUDIT.' || upper(replace(a.what, ' ', '_')) LIKE $1)"
	") AS x ORDER BY x.at DESC, x.place DESC, x.id DESC LIMIT $3) AS y"
	" ORDER BY y.at, y.place, y.id";

/* The same for those who see no audit trail. */
static const char only_events_sql[] =
	"SELECT * FROM (SELECT e.at, e.type, e.name, e.description, e.id, 0 AS place"
	" FROM csdns.v_event e"
	" WHERE ($1::text IS NULL OR upper(e.type) LIKE $1) AND ($2::timestamptz IS NULL OR e.at "
	">= $2)"
	"  AND ($4::bigint IS NULL OR e.id > $4)"
	" ORDER BY e.id DESC LIMIT $3) AS y ORDER BY y.id";

/* "DNS.VERIFY.*" as LIKE has it, in upper case. 0 or -1. */
static int add_pattern(struct buf *out, const char *type)
{
	for (; *type != '\0'; type++) {
		if (*type == '%' || *type == '_' || *type == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *type == '*' ? '%' : (char)toupper((unsigned char)*type));
	}
	buf_add_char(out, '\0');
	return buf_failed(out) ? -1 : 0;
}

/* "12h": a number and a unit of time. */
static bool is_ago(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && strlen(text) == digits + 1 && strchr("smhd", text[digits]) != NULL;
}

/* The time that --since means, as PostgreSQL writes it; NULL after telling. Owned. */
static char *find_since(PGconn *conn, const char *since)
{
	PGresult *result = db_query_params(conn,
		is_ago(since) ? "SELECT clock_timestamp() - $1::interval"
			      : "SELECT $1::timestamptz",
		1, &since);
	char *text = result != NULL ? strdup(PQgetvalue(result, 0, 0)) : NULL;

	PQclear(result);
	return text;
}

static int print_rows(const struct events_settings *settings, const PGresult *result)
{
	struct buf line;

	buf_init(&line);
	for (int row = 0; row < PQntuples(result); row++) {
		buf_reset(&line, 4096);
		for (int column = 0; column < 4; column++) {
			const char *text = PQgetvalue(result, row, column);
			buf_add_str(&line, column > 0 ? "  " : "");
			cell_add_escaped(&line, text, strlen(text));
		}
		if (buf_failed(&line)) {
			tool_error("out of memory");
			break;
		}
		(void)printf("%.*s\n", (int)line.len, line.data);
	}
	bool is_bad = buf_failed(&line);
	buf_fini(&line);
	return is_bad || (settings->follow && fflush(stdout) != 0) ? -1 : 0;
}

static json_t *object_of(const PGresult *result, int row)
{
	json_t *object = rows_object(result, row);

	(void)json_object_del(object, "place");
	return object;
}

/* One object a line. */
static int print_lines(const PGresult *result)
{
	for (int row = 0; row < PQntuples(result); row++) {
		json_t *object = object_of(result, row);
		int rc = object != NULL ? json_dumpf(object, stdout, JSON_COMPACT) : -1;
		json_decref(object);
		if (rc != 0) {
			tool_error("could not print JSON");
			return -1;
		}
		(void)putchar('\n');
	}
	return fflush(stdout) != 0 ? -1 : 0;
}

static int print_object(const PGresult *result)
{
	json_t *events = json_array();

	for (int row = 0; row < PQntuples(result); row++) {
		if (json_array_append_new(events, object_of(result, row)) != 0) {
			json_decref(events);
			events = NULL;
			break;
		}
	}
	return tool_print_json(events != NULL ? json_pack("{s:i, s:o}", "count", PQntuples(result),
							"events", events)
					      : NULL) == TOOL_OK
		       ? 0
		       : -1;
}

static int print(const struct events_settings *settings, const PGresult *result)
{
	if (!settings->common.json)
		return print_rows(settings, result);
	return settings->follow ? print_lines(result) : print_object(result);
}

static int set_place(struct place *place, const PGresult *head)
{
	(void)snprintf(place->event, sizeof(place->event), "%s", PQgetvalue(head, 0, 0));
	(void)snprintf(place->txid, sizeof(place->txid), "%s", PQgetvalue(head, 0, 1));
	place->started = true;
	return 0;
}

/* Shows what is new since place, in one snapshot. values: $1 and $2 of the query. */
static int step(const struct events_settings *settings, PGconn *conn, struct place *place,
	const char *type, const char *since)
{
	char most[24];

	(void)snprintf(most, sizeof(most), "%ld", settings->last);
	if (db_exec(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") != 0)
		return -1;
	PGresult *head = db_query(conn,
		"SELECT coalesce((SELECT e.id FROM csdns.v_event e ORDER BY e.id DESC LIMIT 1), 0),"
		" pg_snapshot_xmin(pg_current_snapshot())");
	if (head == NULL)
		return -1;
	bool is_first = !place->started;
	const char *const values[] = {type, is_first ? since : NULL,
		is_first && since == NULL ? most : NULL, is_first ? NULL : place->event,
		is_first ? NULL : place->txid, PQgetvalue(head, 0, 1),
		settings->audit ? "true" : "false"};
	PGresult *result = db_query_params(conn, settings->audit ? events_sql : only_events_sql,
		settings->audit ? 7 : 4, values);
	int rc = result != NULL ? print(settings, result) : -1;
	if (rc == 0)
		rc = set_place(place, head);
	PQclear(result);
	PQclear(head);
	return rc == 0 ? db_exec(conn, "COMMIT") : rc;
}

static int show(const struct events_settings *settings, PGconn *conn, const char *type)
{
	struct place place = {.started = false};
	char *since = NULL;

	if (settings->since != NULL) {
		since = find_since(conn, settings->since);
		if (since == NULL)
			return -1;
	}
	int rc = step(settings, conn, &place, type, since);
	while (rc == 0 && settings->follow) {
		(void)sleep(POLL_SECONDS);
		rc = step(settings, conn, &place, type, since);
	}
	free(since);
	return rc;
}

static int run_events(const void *arg, char **operands)
{
	const struct events_settings *settings = arg;
	struct buf type;
	int rc = TOOL_FAILED;

	(void)operands;
	cell_init();
	buf_init(&type);
	if (settings->type != NULL && add_pattern(&type, settings->type) != 0) {
		tool_error("out of memory");
		buf_fini(&type);
		return TOOL_FAILED;
	}
	PGconn *conn = db_connect(settings->common.db);
	if (conn != NULL && show(settings, conn, settings->type != NULL ? type.data : NULL) == 0)
		rc = TOOL_OK;
	PQfinish(conn);
	buf_fini(&type);
	return rc;
}

static const struct tool_command commands[] = {
	{.name = "", .run = run_events},
	{.name = NULL},
};

const struct tool_group tool_events[] = {
	{.name = "events",
		.help = "show what happened, and what happens",
		.commands = commands,
		.options = options,
		.settings_size = sizeof(struct events_settings)},
	{.name = NULL},
};
