/*
 * schema: "csdns schema": puts csdns' schema into a database, brings it up to date, shows it, and
 * takes it away. The SQL files do the work; here is the order, one transaction around them, and the
 * refusal to touch what a newer csdns installed.
 */
#include "tool/schema.h"

#include "tool/db.h"
#include "tool/script.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_spec options[] = {
	TOOL_OPTIONS(struct schema_settings),
	{.name = "schema-dir",
		.type = OPTION_STRING,
		.offset = offsetof(struct schema_settings, dir),
		.value = "DIR",
		.help = "folder of the SQL files (default: $CSDNS_SCHEMA_DIR, "
			"else " CSDNS_SCHEMA_DIR ")"},
	{.name = "yes",
		.letter = 'y',
		.type = OPTION_FLAG,
		.offset = offsetof(struct schema_settings, yes),
		.help = "for remove: really take it away"},
	{.name = NULL},
};

const char *schema_dir(const struct schema_settings *settings)
{
	const char *env = getenv("CSDNS_SCHEMA_DIR");

	if (settings->dir != NULL)
		return settings->dir;
	return env != NULL && *env != '\0' ? env : CSDNS_SCHEMA_DIR;
}

int schema_installed_version(PGconn *conn)
{
	PGresult *result = db_query(conn, "SELECT to_regclass('csdns.schema_version') IS NOT NULL");
	int version = -1;

	if (result == NULL)
		return -1;
	bool there = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
	PQclear(result);
	if (!there)
		return 0;
	result = db_query(conn, "SELECT coalesce(max(version), 0) FROM csdns.schema_version");
	if (result != NULL)
		version = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return version;
}

/* Begins the one transaction of an install, upgrade or remove. Two at once go one after the other:
 * the second waits here, without a limit, and then sees what the first did. After that nobody is
 * waited for for long: writers of PowerDNS' tables would wait behind us. */
static int begin(PGconn *conn)
{
	static const char *const statements[] = {
		"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
		"SET LOCAL statement_timeout = 0",
		"SET LOCAL standard_conforming_strings = on",
		"SET LOCAL lock_timeout = 0",
		"SELECT pg_advisory_xact_lock(hashtextextended('csdns schema', 0))",
		"SET LOCAL lock_timeout = '10s'",
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]) && rc == 0; i++)
		rc = db_exec(conn, statements[i]);
	return rc;
}

/* What install, upgrade and remove print: the versions before and now, 0 for none. */
static int print_outcome(
	const struct schema_settings *settings, int before, int now, const char *text)
{
	if (settings->common.json)
		return tool_print_json(
			json_pack("{s:i, s:i}", "version_before", before, "version", now));
	(void)puts(text);
	return TOOL_OK;
}

/* One of the three verbs within its transaction; sets *before and *now. 0, or -1 after telling. */
typedef int (*change_fn)(
	PGconn *conn, const struct schema_settings *settings, int *before, int *now);

static int refuse_newer(int installed, int ours)
{
	if (installed <= ours)
		return 0;
	tool_error("schema version %d is installed, this csdns knows version %d: use a newer csdns",
		installed, ours);
	return -1;
}

/* Runs the files and holds them to their word. */
static int run_files(PGconn *conn, const struct script_folder *folder, int *now)
{
	if (script_run_files(conn, folder) != 0)
		return -1;
	*now = schema_installed_version(conn);
	if (*now < 0)
		return -1;
	if (*now == folder->version)
		return 0;
	tool_error("the files in \"%s\" should install schema version %d, but recorded %d",
		folder->path, folder->version, *now);
	return -1;
}

static int install_from(PGconn *conn, const struct script_folder *folder, int *before, int *now)
{
	*before = schema_installed_version(conn);
	if (*before < 0 || refuse_newer(*before, folder->version) != 0)
		return -1;
	if (*before > 0 && *before < folder->version) {
		tool_error("schema version %d is installed: \"csdns schema upgrade\" brings it to "
			   "version %d",
			*before, folder->version);
		return -1;
	}
	return run_files(conn, folder, now);
}

static int upgrade_from(PGconn *conn, const struct script_folder *folder, int *before, int *now)
{
	*before = schema_installed_version(conn);
	if (*before < 0 || refuse_newer(*before, folder->version) != 0)
		return -1;
	if (*before == 0) {
		tool_error("no schema is installed: use \"csdns schema install\"");
		return -1;
	}
	if (script_run_upgrades(conn, folder, *before) != 0)
		return -1;
	return run_files(conn, folder, now);
}

static int install_change(
	PGconn *conn, const struct schema_settings *settings, int *before, int *now)
{
	struct script_folder folder;

	if (script_folder_open(&folder, schema_dir(settings)) != 0)
		return -1;
	int rc = install_from(conn, &folder, before, now);
	script_folder_close(&folder);
	return rc;
}

static int upgrade_change(
	PGconn *conn, const struct schema_settings *settings, int *before, int *now)
{
	struct script_folder folder;

	if (script_folder_open(&folder, schema_dir(settings)) != 0)
		return -1;
	int rc = upgrade_from(conn, &folder, before, now);
	script_folder_close(&folder);
	return rc;
}

/* A newer schema's remove.sql may have more to do than ours. */
static int remove_change(
	PGconn *conn, const struct schema_settings *settings, int *before, int *now)
{
	struct script_folder folder;

	*now = 0;
	*before = schema_installed_version(conn);
	if (*before <= 0)
		return *before;
	if (script_folder_open(&folder, schema_dir(settings)) != 0)
		return -1;
	int rc = refuse_newer(*before, folder.version);
	if (rc == 0)
		rc = script_run(conn, folder.path, "remove.sql");
	script_folder_close(&folder);
	return rc;
}

/* All or nothing: a connection that ends without COMMIT leaves nothing behind. */
static int change(const struct schema_settings *settings, change_fn run, int *before, int *now)
{
	PGconn *conn = db_connect(settings->common.db);
	int rc = conn != NULL ? begin(conn) : -1;

	if (rc == 0)
		rc = run(conn, settings, before, now);
	if (rc == 0)
		rc = db_exec(conn, "COMMIT");
	PQfinish(conn);
	return rc;
}

static int run_install(const void *arg, char **operands)
{
	const struct schema_settings *settings = arg;
	char text[100];
	int before;
	int now;

	(void)operands;
	if (change(settings, install_change, &before, &now) != 0)
		return TOOL_FAILED;
	(void)snprintf(text, sizeof(text),
		before == 0 ? "schema version %d is installed"
			    : "schema version %d was installed already; functions are renewed",
		now);
	return print_outcome(settings, before, now, text);
}

static int run_upgrade(const void *arg, char **operands)
{
	const struct schema_settings *settings = arg;
	char text[100];
	int before;
	int now;

	(void)operands;
	if (change(settings, upgrade_change, &before, &now) != 0)
		return TOOL_FAILED;
	if (before == now)
		(void)snprintf(text, sizeof(text),
			"schema version %d is the newest; functions are renewed", now);
	else
		(void)snprintf(
			text, sizeof(text), "schema version %d is now version %d", before, now);
	return print_outcome(settings, before, now, text);
}

static int run_remove(const void *arg, char **operands)
{
	const struct schema_settings *settings = arg;
	int before;
	int now;

	(void)operands;
	if (!settings->yes) {
		tool_error(
			"remove deletes the schema csdns with its journal and settings; PowerDNS' "
			"tables stay. Add --yes to do it");
		return TOOL_USAGE;
	}
	if (change(settings, remove_change, &before, &now) != 0)
		return TOOL_FAILED;
	return print_outcome(settings, before, now,
		before == 0 ? "no schema was installed"
			    : "schema is removed; PowerDNS' tables are "
			      "as they were");
}

static const struct tool_command commands[] = {
	{.name = "install",
		.help = "install the schema, or renew its functions",
		.run = run_install},
	{.name = "upgrade",
		.help = "bring the installed schema to this csdns' version",
		.run = run_upgrade},
	{.name = "status",
		.help = "versions, sizes, records that break a rule, roles",
		.run = schema_status},
	{.name = "remove", .help = "remove the schema; PowerDNS' tables stay", .run = run_remove},
	{.name = NULL},
};

const struct tool_group tool_schema[] = {
	{.name = "schema",
		.help = "install, upgrade, look at and remove csdns' schema in PostgreSQL",
		.commands = commands,
		.options = options,
		.settings_size = sizeof(struct schema_settings)},
	{.name = NULL},
};
