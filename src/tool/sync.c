/*
 * sync: "csdns sync": how far csdns-sync is with the cloud, and asking it for more. Reads the views
 * of schema/215-sync-view.sql; csdns-sync itself is not spoken to.
 */
#include "base/buf.h"
#include "tool/db.h"
#include "tool/rows.h"
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>

struct sync_settings {
	struct tool_settings common;
	bool force;
};

static const struct option_spec options[] = {
	TOOL_OPTIONS(struct sync_settings),
	{.name = "force",
		.type = OPTION_FLAG,
		.offset = offsetof(struct sync_settings, force),
		.help = "for now without an entity: what the cloud does not list any more is asked "
			"for also if it is suspiciously much"},
	{.name = NULL},
};

/* A part of the status: a query, its name in JSON and its title for people. */
struct part {
	const char *key;
	const char *title;
	const char *sql;
};

/* clang-format off */
static const struct part parts[] = {
	{"failing_tasks", "failing (the first 20)",
		"SELECT kind, name, uuid, attempts, date_trunc('second', since) AS since,"
		" date_trunc('second', due) AS due, last_error"
		" FROM csdns.v_sync_failing ORDER BY attempts DESC, since, kind, uuid LIMIT 20"},
	{"passes", "last passes",
		"SELECT * FROM (SELECT DISTINCT ON (kind) kind, state, date_trunc('second', started) AS started,"
		" date_trunc('milliseconds', took)::text AS took, listed, changed, faulty, missing, worker, error"
		" FROM csdns.v_sync_pass ORDER BY kind, id DESC) AS p ORDER BY p.started, p.kind"},
	{"workers", "workers",
		"SELECT w.worker, count(*) FILTER (WHERE w.pass IS NULL) AS tasks, max(w.pass) AS pass"
		" FROM (SELECT t.worker, NULL AS pass FROM csdns.v_sync_task t WHERE t.state = 'working'"
		" UNION ALL SELECT p.worker, p.kind FROM csdns.v_sync_pass p WHERE p.state = 'running') AS w"
		" GROUP BY w.worker ORDER BY w.worker"},
};
/* clang-format on */

#define N_PARTS (sizeof(parts) / sizeof(parts[0]))

static const char queue_sql[] =
	"SELECT tasks, failing, working, date_trunc('second', oldest) AS oldest,"
	" extract(epoch FROM now() - oldest)::bigint AS oldest_seconds,"
	" date_trunc('second', last_event) AS last_event,"
	" date_trunc('second', last_complete) AS last_complete, found, wished FROM csdns.v_sync";

static const char *value(const PGresult *queue, const char *name)
{
	return PQgetvalue(queue, 0, PQfnumber(queue, name));
}

static const char *or_never(const char *text)
{
	return *text != '\0' ? text : "never";
}

static void print_queue(const PGresult *queue)
{
	const char *oldest = value(queue, "oldest");

	(void)printf("%-20s%s, %s of them failing, %s worked on\n", "queue", value(queue, "tasks"),
		value(queue, "failing"), value(queue, "working"));
	if (*oldest != '\0')
		(void)printf("%-20s%s, for %s s\n", "oldest waits since", oldest,
			value(queue, "oldest_seconds"));
	(void)printf("%-20s%s\n", "last event", or_never(value(queue, "last_event")));
	(void)printf("%-20s%s", "last reconcile", or_never(value(queue, "last_complete")));
	if (*value(queue, "last_complete") != '\0')
		(void)printf(", differences found: %s", value(queue, "found"));
	(void)printf("\n%-20s%s\n", "reconcile asked for",
		strcmp(value(queue, "wished"), "t") == 0 ? "yes" : "no");
}

static int print_text(const PGresult *queue, PGresult *const *results)
{
	int rc = 0;

	print_queue(queue);
	for (size_t i = 0; rc == 0 && i < N_PARTS; i++) {
		if (PQntuples(results[i]) == 0)
			continue;
		(void)printf("\n%s:\n", parts[i].title);
		rc = rows_print(results[i]);
	}
	return rc == 0 ? TOOL_OK : TOOL_FAILED;
}

static int print_json(const PGresult *queue, PGresult *const *results)
{
	json_t *status = rows_object(queue, 0);
	int rc = status != NULL ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < N_PARTS; i++)
		rc = json_object_set_new(status, parts[i].key, rows_json(results[i]));
	if (rc != 0) {
		json_decref(status);
		status = NULL;
	}
	return tool_print_json(status);
}

/* All parts from one snapshot. 0 or -1 after telling; the caller clears what is there. */
static int collect(PGconn *conn, PGresult **queue, PGresult **results)
{
	if (db_exec(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") != 0)
		return -1;
	*queue = db_query(conn, queue_sql);
	if (*queue == NULL)
		return -1;
	for (size_t i = 0; i < N_PARTS; i++) {
		results[i] = db_query(conn, parts[i].sql);
		if (results[i] == NULL)
			return -1;
	}
	return 0;
}

static int run_status(const void *arg, char **operands)
{
	const struct sync_settings *settings = arg;
	PGresult *results[N_PARTS] = {NULL};
	PGresult *queue = NULL;
	int rc = TOOL_FAILED;

	(void)operands;
	PGconn *conn = db_connect(settings->common.db);
	if (conn != NULL && collect(conn, &queue, results) == 0)
		rc = settings->common.json ? print_json(queue, results)
					   : print_text(queue, results);
	PQclear(queue);
	for (size_t i = 0; i < N_PARTS; i++)
		PQclear(results[i]);
	PQfinish(conn);
	return rc;
}

/* What somebody may mean with one word: a uuid of any kind, an instance's name, or a DNS name that
 * leads to instances by rules. */
static const char resolve_sql[] =
	"SELECT DISTINCT f.kind, f.uuid, f.words FROM ("
	" SELECT 'instance' AS kind, i.uuid, 'instance ' || coalesce(i.name, '') AS words,"
	"  i.removed IS NULL AND lower(i.name) = lower($1) AS is_named FROM csdns.instance i"
	" UNION ALL SELECT 'instance', m.source, 'instance ' || coalesce(i.name, ''), true"
	"  FROM csdns.served_record r JOIN csdns.rule_record m ON m.record_id = r.id"
	"  JOIN csdns.instance i ON i.uuid = m.source WHERE r.name = rtrim(lower($1), '.')"
	" UNION ALL SELECT 'network', w.uuid, 'network', false FROM csdns.network w"
	" UNION ALL SELECT 'domain', d.uuid, 'domain', false FROM csdns.domain d"
	" UNION ALL SELECT CASE WHEN a.is_project THEN 'project' ELSE 'account' END, a.uuid, "
	"'account',"
	"  false FROM csdns.account a"
	" UNION ALL SELECT 'public_address', p.uuid, 'address', false FROM csdns.public_address p"
	") AS f WHERE f.is_named OR f.uuid::text = lower($1) ORDER BY f.uuid";

/* What there is of the word, one line each. */
static void tell_many(const char *word, const PGresult *result)
{
	struct buf text;

	buf_init(&text);
	for (int row = 0; row < PQntuples(result) && row < 10; row++)
		buf_printf(&text, "\n  %s %s (%s)", PQgetvalue(result, row, 0),
			PQgetvalue(result, row, 1), PQgetvalue(result, row, 2));
	tool_error("\"%s\" may mean %d things, say which:%.*s", word, PQntuples(result),
		buf_failed(&text) ? 0 : (int)text.len, text.len > 0 ? text.data : "");
	buf_fini(&text);
}

/* Its row is the one that is meant; NULL after telling why there is none. */
static PGresult *resolve(PGconn *conn, const char *word)
{
	PGresult *result = db_query_params(conn, resolve_sql, 1, &word);

	if (result == NULL || PQntuples(result) == 1)
		return result;
	if (PQntuples(result) == 0)
		tool_error(
			"no instance is called \"%s\", and nothing has that uuid: what csdns does "
			"not know yet needs its kind and uuid, \"csdns sync now instance UUID\"",
			word);
	else
		tell_many(word, result);
	PQclear(result);
	return NULL;
}

static int ask(PGconn *conn, const char *kind, const char *uuid)
{
	const char *const values[] = {kind, uuid};
	PGresult *result = db_query_params(conn, "SELECT csdns.sync_ask($1, $2::uuid)", 2, values);

	PQclear(result);
	return result != NULL ? 0 : -1;
}

static int print_asked(const struct sync_settings *settings, const char *kind, const char *uuid)
{
	if (settings->common.json)
		return tool_print_json(kind != NULL ? json_pack("{s:b, s:s, s:s}", "success", 1,
							      "kind", kind, "uuid", uuid)
						    : json_pack("{s:b, s:b}", "success", 1,
							      "forced", (int)settings->force));
	if (kind != NULL)
		(void)printf("csdns-sync is asked for %s %s\n", kind, uuid);
	else
		(void)puts("csdns-sync is asked to reconcile everything");
	return TOOL_OK;
}

static int now_all(const struct sync_settings *settings, PGconn *conn)
{
	const char *force = settings->force ? "true" : "false";
	PGresult *result = db_query_params(conn, "SELECT csdns.sync_now($1::boolean)", 1, &force);

	PQclear(result);
	return result != NULL ? print_asked(settings, NULL, NULL) : TOOL_FAILED;
}

static int now_word(const struct sync_settings *settings, PGconn *conn, const char *word)
{
	PGresult *result = resolve(conn, word);
	int rc = TOOL_FAILED;

	if (result == NULL)
		return TOOL_FAILED;
	const char *kind = PQgetvalue(result, 0, 0);
	const char *uuid = PQgetvalue(result, 0, 1);
	if (ask(conn, kind, uuid) == 0)
		rc = print_asked(settings, kind, uuid);
	PQclear(result);
	return rc;
}

static bool is_kind(const char *word)
{
	static const char *const kinds[] = {
		"instance", "network", "account", "domain", "public_address", "project"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(word, kinds[i]) == 0)
			return true;
	}
	return false;
}

static int now_connected(const struct sync_settings *settings, PGconn *conn, char **operands)
{
	if (operands[0] == NULL)
		return now_all(settings, conn);
	if (operands[1] == NULL)
		return now_word(settings, conn, operands[0]);
	return ask(conn, operands[0], operands[1]) == 0
		       ? print_asked(settings, operands[0], operands[1])
		       : TOOL_FAILED;
}

static int run_now(const void *arg, char **operands)
{
	const struct sync_settings *settings = arg;

	if (operands[0] != NULL && operands[1] != NULL && !is_kind(operands[0])) {
		tool_error("kind \"%s\" is not known: instance, network, account, domain, "
			   "public_address or project",
			operands[0]);
		return TOOL_USAGE;
	}
	PGconn *conn = db_connect(settings->common.db);
	int rc = conn != NULL ? now_connected(settings, conn, operands) : TOOL_FAILED;
	PQfinish(conn);
	return rc;
}

static const struct tool_command commands[] = {
	{.name = "status", .help = "queue, what fails, last passes, workers", .run = run_status},
	{.name = "now",
		.operands = "[KIND UUID | NAME]",
		.max_operands = 2,
		.help = "reconcile everything, or ask the cloud for one entity",
		.run = run_now},
	{.name = NULL},
};

const struct tool_group tool_sync[] = {
	{.name = "sync",
		.help = "look at csdns-sync's work, and ask it for more",
		.commands = commands,
		.options = options,
		.settings_size = sizeof(struct sync_settings)},
	{.name = NULL},
};
