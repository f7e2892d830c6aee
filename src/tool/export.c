/*
 * export: "csdns export": zones as zone files (RFC 1035 section 5), as the store has them in one
 * snapshot. Rows come one by one, so that a zone's size costs no memory.
 *
 * What cannot stand in a zone file, because only PowerDNS knows the type or because it breaks a
 * rule and is not served, is written as a comment and told.
 */
#include "base/buf.h"
#include "tool/cell.h"
#include "tool/db.h"
#include "tool/progress.h"
#include "tool/rows.h"
#include "tool/tool.h"
#include "tool/zone_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct export_settings {
	struct tool_settings common;
	char *dir; /* NULL: standard output */
	bool all;
	bool disabled;
	bool pdns_types;
	bool quiet;
	long default_ttl;
};

static const struct option_spec options[] = {
	TOOL_OPTIONS(struct export_settings),
	{.name = "dir",
		.type = OPTION_STRING,
		.offset = offsetof(struct export_settings, dir),
		.value = "DIR",
		.help = "write each zone to DIR/ZONE.zone instead of standard output"},
	{.name = "all",
		.letter = 'a',
		.type = OPTION_FLAG,
		.offset = offsetof(struct export_settings, all),
		.help = "every zone; needs --dir"},
	{.name = "disabled",
		.type = OPTION_FLAG,
		.offset = offsetof(struct export_settings, disabled),
		.help = "also records that are disabled, as if they were not"},
	{.name = "pdns-types",
		.type = OPTION_FLAG,
		.offset = offsetof(struct export_settings, pdns_types),
		.help = "also records of types that only PowerDNS knows (ALIAS, LUA), for its own "
			"backends; else they are comments"},
	{.name = "default-ttl",
		.type = OPTION_INT,
		.offset = offsetof(struct export_settings, default_ttl),
		.value = "SECONDS",
		.initial = "3600",
		.min = 0,
		.max = 2147483647,
		.help = "TTL of records that have none: PowerDNS' default-ttl"},
	{.name = "quiet",
		.letter = 'q',
		.type = OPTION_FLAG,
		.offset = offsetof(struct export_settings, quiet),
		.help = "no progress bar"},
	{.name = NULL},
};

/* One run. */
struct export
{
	const struct export_settings *settings;
	PGconn *conn;
	struct progress progress;
	json_t *done; /* for --json: an object a zone */
	bool sees_faults;
};

/* One zone on its way. */
struct zone_out {
	const char *zone;
	FILE *file;
	const char *path; /* NULL: standard output */
	struct buf line;
	uint64_t records;
	uint64_t left_out; /* of those: comments */
	bool has_soa;
};

/* Columns of the records. */
enum { NAME, TTL, TYPE, CONTENT, FAULT };

/* $1 zone, $2 TTL of those without, $3 whether disabled ones, too. The SOA comes first, as it must,
 * and the apex. */
#define RECORDS_SQL(fault)                                                                         \
	"SELECT r.name, coalesce(r.ttl, $2::int), r.type, coalesce(r.content, ''), " fault         \
	" FROM csdns.v_record r WHERE r.zone = $1 AND (r.disabled = false OR $3::boolean)"         \
	" ORDER BY r.type <> 'SOA', r.name <> $1, r.name COLLATE \"C\", r.type COLLATE \"C\","     \
	" r.content COLLATE \"C\""

static const char records_sql[] = RECORDS_SQL("NULL");
static const char judged_sql[] = RECORDS_SQL(
	"CASE WHEN csdns.is_plain_record(1, r.name, r.type, r.content, r.ttl, NULL)"
	" THEN NULL ELSE csdns.record_fault(1, r.name, r.type, r.content, r.ttl, NULL) END");

/* Characters that would lead out of the folder, or not be seen. */
static void add_file_name(struct buf *out, const char *zone)
{
	if (strcmp(zone, ".") == 0)
		zone = "root";
	for (; *zone != '\0'; zone++) {
		if (*zone <= 0x20 || *zone >= 0x7f || strchr("/%\\", *zone) != NULL ||
			(*zone == '.' && (out->len == 0 || out->data[out->len - 1] == '/')))
			buf_printf(out, "%%%02X", (unsigned)(unsigned char)*zone);
		else
			buf_add_char(out, *zone);
	}
	buf_add_str(out, ".zone");
}

/* Starts a comment where the record is to be left out, and says why. */
static void judge(struct export *export, struct zone_out *out, const PGresult *row)
{
	const char *why = NULL;

	if (!PQgetisnull(row, 0, FAULT))
		why = PQgetvalue(row, 0, FAULT);
	else if (!export->settings->pdns_types && !zone_text_is_common(PQgetvalue(row, 0, TYPE)))
		why = "only PowerDNS knows this type";
	if (why == NULL)
		return;
	buf_add_str(&out->line, "; ");
	cell_add_escaped(&out->line, why, strlen(why));
	buf_add_str(&out->line, ": ");
	out->left_out++;
}

static int write_record(struct export *export, struct zone_out *out, const PGresult *row)
{
	if (strcmp(PQgetvalue(row, 0, TYPE), "SOA") == 0)
		out->has_soa = true;
	buf_reset(&out->line, 65536);
	judge(export, out, row);
	zone_text_add(&out->line, PQgetvalue(row, 0, NAME), PQgetvalue(row, 0, TTL),
		PQgetvalue(row, 0, TYPE), PQgetvalue(row, 0, CONTENT));
	if (buf_failed(&out->line)) {
		tool_error("out of memory");
		return -1;
	}
	out->records++;
	progress_add(&export->progress, 1);
	if (fwrite(out->line.data, 1, out->line.len, out->file) == out->line.len)
		return 0;
	tool_error("could not write %s%s%s: %s", out->path != NULL ? "\"" : "",
		out->path != NULL ? out->path : "to standard output", out->path != NULL ? "\"" : "",
		strerror(errno));
	return -1;
}

/* Takes the rows of the query that was sent; all of them, also after a failure. */
static int write_records(struct export *export, struct zone_out *out)
{
	PGresult *row;
	int rc = 0;

	while ((row = PQgetResult(export->conn)) != NULL) {
		if (PQresultStatus(row) == PGRES_SINGLE_TUPLE) {
			if (rc == 0)
				rc = write_record(export, out, row);
		} else if (!db_is_ok(row)) {
			progress_end(&export->progress);
			db_tell_error(row, NULL, NULL);
			rc = -1;
		}
		PQclear(row);
	}
	return rc;
}

static int ask_records(struct export *export, const char *zone)
{
	char ttl[24];
	const char *const values[] = {zone, ttl, export->settings->disabled ? "true" : "false"};

	(void)snprintf(ttl, sizeof(ttl), "%ld", export->settings->default_ttl);
	if (PQsendQueryParams(export->conn, export->sees_faults ? judged_sql : records_sql, 3, NULL,
		    values, NULL, NULL, 0) == 1 &&
		PQsetSingleRowMode(export->conn) == 1)
		return 0;
	tool_error("could not ask for zone \"%s\": %s", zone, PQerrorMessage(export->conn));
	return -1;
}

static int write_zone(struct export *export, struct zone_out *out)
{
	if (ask_records(export, out->zone) != 0)
		return -1;
	(void)fprintf(out->file, "; zone %s, by csdns\n$ORIGIN .\n", out->zone);
	return write_records(export, out);
}

/* What people must know of a zone that is written. */
static void tell_zone(struct export *export, const struct zone_out *out)
{
	if (out->left_out > 0 || !out->has_soa)
		progress_end(&export->progress);
	if (out->left_out > 0)
		tool_error("zone \"%s\": %" PRIu64
			   " of its records are comments, the reason with each",
			out->zone, out->left_out);
	if (!out->has_soa)
		tool_error("zone \"%s\" has no SOA record: no server will load it", out->zone);
}

static int note_zone(struct export *export, const struct zone_out *out)
{
	json_t *object = json_pack("{s:s, s:s?, s:I, s:I}", "zone", out->zone, "file", out->path,
		"records", (json_int_t)(out->records - out->left_out), "leftout",
		(json_int_t)out->left_out);

	return json_array_append_new(export->done, object);
}

/* The whole file is there, or none: it is written beside and moved. What somebody else put there,
 * such as a link to another file, is not written to. */
static int write_file(struct export *export, struct zone_out *out, const char *part)
{
	(void)unlink(part);
	out->file = fopen(part, "wxe");
	if (out->file == NULL) {
		tool_error("could not open \"%s\": %s", part, strerror(errno));
		return -1;
	}
	int rc = write_zone(export, out);
	if (fclose(out->file) != 0 && rc == 0) {
		tool_error("could not write \"%s\": %s", part, strerror(errno));
		rc = -1;
	}
	if (rc == 0 && rename(part, out->path) != 0) {
		tool_error("could not name \"%s\": %s", out->path, strerror(errno));
		rc = -1;
	}
	if (rc != 0)
		(void)unlink(part);
	return rc;
}

static int export_to_file(struct export *export, struct zone_out *out)
{
	struct buf path;
	struct buf part;
	int rc = -1;

	buf_init(&path);
	buf_init(&part);
	buf_printf(&path, "%s/", export->settings->dir);
	add_file_name(&path, out->zone);
	buf_printf(&part, "%.*s.new", (int)path.len, path.data);
	buf_add_char(&path, '\0');
	buf_add_char(&part, '\0');
	if (buf_failed(&path) || buf_failed(&part)) {
		tool_error("out of memory");
	} else {
		out->path = path.data;
		rc = write_file(export, out, part.data);
		if (rc == 0)
			rc = note_zone(export, out);
	}
	buf_fini(&path);
	buf_fini(&part);
	return rc;
}

static int export_zone(struct export *export, const char *zone)
{
	struct zone_out out = {.zone = zone, .file = stdout};
	int rc;

	buf_init(&out.line);
	if (export->settings->dir != NULL)
		rc = export_to_file(export, &out);
	else
		rc = write_zone(export, &out);
	buf_fini(&out.line);
	if (rc == 0)
		tell_zone(export, &out);
	return rc;
}

static int make_dir(const char *dir)
{
	if (mkdir(dir, 0777) == 0 || errno == EEXIST)
		return 0;
	tool_error("could not make \"%s\": %s", dir, strerror(errno));
	return -1;
}

static int export_zones(struct export *export, const PGresult *zones)
{
	uint64_t total = 0;
	int rc = export->settings->dir != NULL ? make_dir(export->settings->dir) : 0;

	for (int row = 0; row < PQntuples(zones); row++)
		total += strtoull(PQgetvalue(zones, row, 1), NULL, 10);
	progress_start(&export->progress, "exporting", total,
		export->settings->quiet ||
			(export->settings->dir == NULL && isatty(STDOUT_FILENO)));
	for (int row = 0; rc == 0 && row < PQntuples(zones); row++)
		rc = export_zone(export, PQgetvalue(zones, row, 0));
	progress_end(&export->progress);
	return rc;
}

/* Name and number of records of what is to be exported. */
static PGresult *find_zones(struct export *export, const char *zone)
{
	if (export->settings->all)
		return db_query(export->conn,
			"SELECT zone, records FROM csdns.v_zone ORDER BY zone COLLATE \"C\"");
	PGresult *zones = db_query_params(export->conn,
		"SELECT zone, records FROM csdns.v_zone"
		" WHERE zone = coalesce(nullif(rtrim(lower($1), '.'), ''), '.')",
		1, &zone);
	if (zones != NULL && PQntuples(zones) == 0) {
		tool_error("zone \"%s\" is not there", zone);
		PQclear(zones);
		return NULL;
	}
	return zones;
}

/* Tenants may not call what judges records; nothing that breaks a rule is theirs. */
static int find_rights(struct export *export)
{
	PGresult *result = db_query(export->conn,
		"SELECT has_function_privilege('csdns.record_fault(int,text,text,text,int,int)',"
		" 'EXECUTE')");

	export->sees_faults = result != NULL && *PQgetvalue(result, 0, 0) == 't';
	PQclear(result);
	return result != NULL ? 0 : -1;
}

static int export_connected(struct export *export, const char *zone)
{
	if (db_exec(export->conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") != 0 ||
		find_rights(export) != 0)
		return TOOL_FAILED;
	PGresult *zones = find_zones(export, zone);
	if (zones == NULL)
		return TOOL_FAILED;
	int rc = export_zones(export, zones) == 0 ? TOOL_OK : TOOL_FAILED;
	PQclear(zones);
	if (rc == TOOL_OK && export->settings->common.json)
		rc = tool_print_json(json_pack("{s:i, s:O}", "count",
			(int)json_array_size(export->done), "zones", export->done));
	return rc;
}

static int check(const struct export_settings *settings, char **operands)
{
	bool is_output = operands[0] != NULL && operands[1] != NULL;
	const char *wrong = NULL;

	if (settings->all && operands[0] != NULL)
		wrong = "a zone and --all: which?";
	else if (!settings->all && operands[0] == NULL)
		wrong = "which zone? All of them: --all";
	else if (settings->all && settings->dir == NULL)
		wrong = "--all needs --dir: a zone file holds one zone";
	else if (settings->common.json && settings->dir == NULL)
		wrong = "--json needs --dir: standard output is for the zone";
	else if (is_output && strcmp(operands[1], "-") != 0)
		wrong = "one zone, or --all";
	else if (is_output && settings->dir != NULL)
		wrong = "\"-\" and --dir: where to?";
	if (wrong != NULL)
		tool_error("%s; try \"csdns export --help\"", wrong);
	return wrong != NULL ? -1 : 0;
}

static int run_export(const void *arg, char **operands)
{
	struct export export = {.settings = arg, .done = json_array()};
	int rc = TOOL_FAILED;

	if (check(export.settings, operands) != 0) {
		json_decref(export.done);
		return TOOL_USAGE;
	}
	cell_init();
	export.conn = db_connect(export.settings->common.db);
	if (export.conn != NULL)
		rc = export_connected(&export, operands[0]);
	PQfinish(export.conn);
	json_decref(export.done);
	return rc;
}

static const struct tool_command commands[] = {
	{.name = "", .operands = "ZONE [-] | --all", .max_operands = 2, .run = run_export},
	{.name = NULL},
};

const struct tool_group tool_export[] = {
	{.name = "export",
		.help = "write zones as zone files",
		.commands = commands,
		.options = options,
		.settings_size = sizeof(struct export_settings)},
	{.name = NULL},
};
