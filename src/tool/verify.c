/*
 * verify: "csdns verify": asks DNS servers for every record set of a zone, of an instance or of all
 * zones, and tells where they answer otherwise than the store says.
 *
 * Not compared: what lies below a delegation or a DNAME, which is another zone's; types that only
 * PowerDNS knows, whose answers are made; and what a server makes by signing.
 */
#include "tool/verify.h"

#include "tool/cell.h"
#include "tool/db.h"
#include "tool/progress.h"
#include "tool/tool.h"
#include "tool/zone_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What it exits with beside TOOL_OK; as people expect of a comparison. */
enum { VERIFY_DIFFERS = 1, VERIFY_NOT_ASKED = 2 };

struct verify_settings {
	struct tool_settings common;
	struct option_list servers;
	bool quiet;
};

static const struct option_spec options[] = {
	TOOL_OPTIONS(struct verify_settings),
	{.name = "server",
		.letter = 's',
		.type = OPTION_LIST,
		.offset = offsetof(struct verify_settings, servers),
		.value = "ADDRESS[:PORT]",
		.help = "ask this server instead of those of csdns.verify_server; repeatable"},
	{.name = "quiet",
		.letter = 'q',
		.type = OPTION_FLAG,
		.offset = offsetof(struct verify_settings, quiet),
		.help = "no progress bar"},
	{.name = NULL},
};

/* One run. */
struct verify {
	const struct verify_settings *settings;
	PGconn *conn;
	char instance[64]; /* uuid; empty: whole zones */
	PGresult *all;	   /* names of all zones, in the order of strcmp */
	struct progress progress;
	json_t *differences;
	json_t *problems;
	uint64_t zones, rrsets, skipped;
};

/* A zone on its way. */
struct zone_check {
	const char *zone;
	struct rr_list records; /* sorted by name and type */
	struct verify_server *servers;
	size_t n_servers;
};

static int out_of_memory(void)
{
	tool_error("out of memory");
	return -1;
}

/* ---- what the store says ---- */

static int take_records(struct zone_check *check, const PGresult *result)
{
	for (int row = 0; row < PQntuples(result); row++) {
		if (rr_list_add_text(&check->records, PQgetvalue(result, row, 0),
			    (uint32_t)strtoul(PQgetvalue(result, row, 1), NULL, 10),
			    PQgetvalue(result, row, 2), PQgetvalue(result, row, 3)) == NULL)
			return out_of_memory();
	}
	rr_list_sort(&check->records);
	return 0;
}

static int find_records(const struct verify *verify, struct zone_check *check)
{
	const char *const values[] = {check->zone, verify->instance};
	PGresult *result = db_query_params(verify->conn,
		*verify->instance == '\0'
			? "SELECT r.name, coalesce(r.ttl, 3600), r.type, coalesce(r.content, '')"
			  " FROM csdns.v_record r WHERE r.zone = $1 AND r.disabled = false"
			: "SELECT r.name, coalesce(r.ttl, 3600), r.type, coalesce(r.content, '')"
			  " FROM csdns.v_record r WHERE r.zone = $1 AND r.disabled = false"
			  " AND (r.name, r.type) IN (SELECT s.name, s.type FROM csdns.rule_record m"
			  " JOIN csdns.served_record s ON s.id = m.record_id WHERE m.source = "
			  "$2::uuid)",
		*verify->instance == '\0' ? 1 : 2, values);
	int rc = result != NULL ? take_records(check, result) : -1;

	PQclear(result);
	return rc;
}

/* ---- who is asked ---- */

static int add_server(struct zone_check *check, const char *name)
{
	struct verify_server *servers =
		reallocarray(check->servers, check->n_servers + 1, sizeof(*servers));

	if (servers == NULL)
		return out_of_memory();
	check->servers = servers;
	struct verify_server *server = &servers[check->n_servers];
	*server = (struct verify_server){.name = strdup(name)};
	if (server->name == NULL)
		return out_of_memory();
	check->n_servers++;
	return server_find(name, &server->server);
}

static int find_servers(const struct verify *verify, struct zone_check *check)
{
	const struct option_list *given = &verify->settings->servers;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < given->n; i++)
		rc = add_server(check, given->items[i]);
	if (given->n > 0)
		return rc;
	PGresult *result = db_query_params(verify->conn,
		"SELECT CASE WHEN strpos(address, ':') > 0 THEN format('[%s]:%s', address, port)"
		" ELSE format('%s:%s', address, port) END FROM csdns.verify_servers($1)",
		1, &check->zone);
	if (result == NULL)
		return -1;
	for (int row = 0; rc == 0 && row < PQntuples(result); row++)
		rc = add_server(check, PQgetvalue(result, row, 0));
	PQclear(result);
	if (rc == 0 && check->n_servers == 0) {
		tool_error("zone \"%s\": nobody to ask: name a --server, or put some into "
			   "csdns.verify_server",
			check->zone);
		rc = -1;
	}
	return rc;
}

/* Of the store's servers only administrators are told. */
static int may_ask_for_servers(const struct verify *verify)
{
	PGresult *result = db_query(verify->conn,
		"SELECT has_function_privilege('csdns.verify_servers(text)', 'EXECUTE')");

	if (result == NULL)
		return -1;
	int rc = *PQgetvalue(result, 0, 0) == 't' ? 0 : -1;
	PQclear(result);
	if (rc != 0)
		tool_error("nobody to ask: name a --server; those of csdns.verify_server are for "
			   "administrators");
	return rc;
}

/* ---- asking ---- */

static bool is_below(const char *name, const char *above)
{
	size_t len = strlen(name);
	size_t above_len = strlen(above);

	return len > above_len + 1 && name[len - above_len - 1] == '.' &&
	       strcmp(name + len - above_len, above) == 0;
}

/* Whether there are delegations or DNAMEs at all is found once: most zones have none. */
static bool is_cut(const struct zone_check *check, const struct rr *rr)
{
	return strcmp(rr->type, "DNAME") == 0 ||
	       (strcmp(rr->type, "NS") == 0 && strcmp(rr->name, check->zone) != 0);
}

/* Another zone's, or below a DNAME. cuts: n of them. */
static bool is_hidden(const struct rr *rr, const struct rr *const *cuts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool is_ns = strcmp(cuts[i]->type, "NS") == 0;
		if (is_below(rr->name, cuts[i]->name))
			return true;
		if (is_ns && strcmp(cuts[i]->name, rr->name) == 0 && strcmp(rr->type, "NS") != 0 &&
			strcmp(rr->type, "DS") != 0)
			return true;
	}
	return false;
}

static bool is_zone(const struct verify *verify, const char *name)
{
	int low = 0;
	int high = PQntuples(verify->all);

	while (low < high) {
		int middle = low + (high - low) / 2;
		int rc = strcmp(PQgetvalue(verify->all, middle, 0), name);
		if (rc == 0)
			return true;
		if (rc < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* A record at or below another zone of the store, which answers in its place. */
static bool is_shadowed(
	const struct verify *verify, const struct zone_check *check, const struct rr *rr)
{
	const char *at = rr->name;

	while (at != NULL && strcmp(at, check->zone) != 0) {
		if (is_zone(verify, at) && !(at == rr->name && strcmp(rr->type, "DS") == 0))
			return true;
		at = strchr(at, '.');
		at = at != NULL ? at + 1 : NULL;
	}
	return false;
}

static int note_difference(struct verify *verify, const struct zone_check *check,
	const struct verify_server *server, const struct rrset *rrset, struct buf *got)
{
	const struct rr *rr = rrset->records;
	struct buf expected;

	buf_init(&expected);
	verify_add_records(&expected, rr, rrset->n);
	buf_add_char(&expected, '\0');
	buf_add_char(got, '\0');
	int rc = -1;
	if (!buf_failed(&expected) && !buf_failed(got))
		rc = json_array_append_new(verify->differences,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "server", server->name, "zone",
				check->zone, "name", rr->name, "type", rr->type, "expected",
				expected.data, "got", got->data));
	buf_fini(&expected);
	return rc == 0 ? 0 : out_of_memory();
}

static int note_problem(struct verify *verify, const struct verify_server *server)
{
	return json_array_append_new(
		       verify->problems, json_pack("{s:s, s:s}", "server", server->name, "reason",
						 server->problem)) == 0
		       ? 0
		       : out_of_memory();
}

static int check_rrset(struct verify *verify, struct zone_check *check, const struct rrset *rrset)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < check->n_servers; i++) {
		struct verify_server *server = &check->servers[i];
		struct buf got;
		if (server->problem != NULL)
			continue;
		buf_init(&got);
		int outcome = verify_ask(server, rrset, &got);
		if (outcome == 1)
			rc = note_difference(verify, check, server, rrset, &got);
		else if (outcome < 0)
			rc = server->problem != NULL ? note_problem(verify, server)
						     : out_of_memory();
		buf_fini(&got);
	}
	verify->rrsets++;
	return rc;
}

static bool is_compared(const struct rr *rr, const struct rr *const *cuts, size_t n)
{
	return zone_text_is_common(rr->type) && !rr_is_signing(rr->type) && *rr->key != '=' &&
	       !is_hidden(rr, cuts, n);
}

static int check_rrsets(struct verify *verify, struct zone_check *check,
	const struct rr *const *cuts, size_t n_cuts)
{
	const struct rr_list *list = &check->records;
	int rc = 0;

	for (size_t i = 0, n; rc == 0 && i < list->n; i += n) {
		const struct rr *first = &list->items[i];
		for (n = 1; i + n < list->n && strcmp(first->name, first[n].name) == 0 &&
			    strcmp(first->type, first[n].type) == 0;)
			n++;
		const struct rrset rrset = {.records = first,
			.n = n,
			.is_cut = is_cut(check, first) && strcmp(first->type, "NS") == 0};
		if (is_compared(first, cuts, n_cuts) && !is_shadowed(verify, check, first))
			rc = check_rrset(verify, check, &rrset);
		else
			verify->skipped++;
		progress_add(&verify->progress, n);
	}
	return rc;
}

static int check_records(struct verify *verify, struct zone_check *check)
{
	const struct rr **cuts = calloc(check->records.n + 1, sizeof(struct rr *));
	size_t n = 0;

	if (cuts == NULL)
		return out_of_memory();
	for (size_t i = 0; i < check->records.n; i++) {
		if (is_cut(check, &check->records.items[i]))
			cuts[n++] = &check->records.items[i];
	}
	progress_start(&verify->progress, check->zone, check->records.n, verify->settings->quiet);
	int rc = check_rrsets(verify, check, cuts, n);
	progress_end(&verify->progress);
	free(cuts);
	return rc;
}

static int check_zone(struct verify *verify, const char *zone)
{
	struct zone_check check = {.zone = zone};

	rr_list_init(&check.records);
	int rc = find_servers(verify, &check);
	if (rc == 0)
		rc = find_records(verify, &check);
	if (rc == 0)
		rc = check_records(verify, &check);
	verify->zones++;
	for (size_t i = 0; i < check.n_servers; i++)
		free(check.servers[i].name);
	free(check.servers);
	rr_list_fini(&check.records);
	return rc;
}

/* ---- what is asked about ---- */

/* Zones to look at: one column. An instance is noted. NULL after telling. */
static PGresult *find_zones(struct verify *verify, const char *word)
{
	if (word == NULL)
		return db_query(
			verify->conn, "SELECT zone FROM csdns.v_zone ORDER BY zone COLLATE \"C\"");
	PGresult *zones = db_query_params(verify->conn,
		"SELECT zone FROM csdns.v_zone WHERE zone = coalesce(nullif(rtrim(lower($1), '.'), "
		"''), '.')",
		1, &word);
	if (zones == NULL || PQntuples(zones) > 0)
		return zones;
	PQclear(zones);
	PGresult *found = db_query_params(verify->conn,
		"SELECT i.uuid FROM csdns.v_instance i WHERE i.state <> 'removed'"
		" AND (lower(i.instance) = lower($1) OR i.uuid::text = lower($1))",
		1, &word);
	if (found == NULL)
		return NULL;
	if (PQntuples(found) != 1) {
		tool_error(PQntuples(found) == 0
				   ? "there is no zone and no instance \"%s\""
				   : "several instances are called \"%s\": use the uuid",
			word);
		PQclear(found);
		return NULL;
	}
	(void)snprintf(verify->instance, sizeof(verify->instance), "%s", PQgetvalue(found, 0, 0));
	PQclear(found);
	const char *const values[] = {verify->instance};
	return db_query_params(verify->conn,
		"SELECT DISTINCT d.name FROM csdns.rule_record m"
		" JOIN csdns.served_record s ON s.id = m.record_id"
		" JOIN csdns.served_domain d ON d.id = s.domain_id WHERE m.source = $1::uuid ORDER "
		"BY 1",
		1, values);
}

static const char *text_in(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void print_text(const struct verify *verify)
{
	size_t n = json_array_size(verify->differences);

	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(verify->differences, i);
		struct buf name;
		buf_init(&name);
		cell_add_escaped(&name, text_in(one, "name"), strlen(text_in(one, "name")));
		(void)printf("%s: %.*s %s: expected %s; got %s\n", text_in(one, "server"),
			(int)name.len, name.data, text_in(one, "type"), text_in(one, "expected"),
			text_in(one, "got"));
		buf_fini(&name);
	}
	(void)printf("%" PRIu64 " zones, %" PRIu64 " record sets, %zu differences", verify->zones,
		verify->rrsets, n);
	if (verify->skipped > 0)
		(void)printf(", %" PRIu64 " not compared", verify->skipped);
	(void)putchar('\n');
	for (size_t i = 0; i < json_array_size(verify->problems); i++) {
		const json_t *one = json_array_get(verify->problems, i);
		tool_error("server %s %s", text_in(one, "server"), text_in(one, "reason"));
	}
}

static int finish(const struct verify *verify)
{
	if (verify->settings->common.json) {
		int rc = tool_print_json(json_pack("{s:I, s:I, s:I, s:O, s:O}", "zones",
			(json_int_t)verify->zones, "rrsets", (json_int_t)verify->rrsets, "skipped",
			(json_int_t)verify->skipped, "differences", verify->differences, "problems",
			verify->problems));
		if (rc != TOOL_OK)
			return VERIFY_NOT_ASKED;
	} else {
		print_text(verify);
	}
	if (json_array_size(verify->differences) > 0)
		return VERIFY_DIFFERS;
	return json_array_size(verify->problems) > 0 ? VERIFY_NOT_ASKED : TOOL_OK;
}

static int run_connected(struct verify *verify, const char *word)
{
	int rc = 0;

	if (db_exec(verify->conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") != 0 ||
		(verify->settings->servers.n == 0 && may_ask_for_servers(verify) != 0))
		return VERIFY_NOT_ASKED;
	verify->all =
		db_query(verify->conn, "SELECT zone FROM csdns.v_zone ORDER BY zone COLLATE \"C\"");
	PGresult *zones = verify->all != NULL ? find_zones(verify, word) : NULL;
	if (zones == NULL)
		return VERIFY_NOT_ASKED;
	for (int row = 0; rc == 0 && row < PQntuples(zones); row++)
		rc = check_zone(verify, PQgetvalue(zones, row, 0));
	PQclear(zones);
	return rc == 0 ? finish(verify) : VERIFY_NOT_ASKED;
}

static int run_verify(const void *arg, char **operands)
{
	struct verify verify = {
		.settings = arg, .differences = json_array(), .problems = json_array()};
	int rc = VERIFY_NOT_ASKED;

	cell_init();
	verify.conn = db_connect(verify.settings->common.db);
	if (verify.conn != NULL)
		rc = run_connected(&verify, operands[0]);
	PQclear(verify.all);
	PQfinish(verify.conn);
	json_decref(verify.differences);
	json_decref(verify.problems);
	return rc;
}

static const struct tool_command commands[] = {
	{.name = "", .operands = "[ZONE | INSTANCE]", .max_operands = 1, .run = run_verify},
	{.name = NULL},
};

const struct tool_group tool_verify[] = {
	{.name = "verify",
		.help = "ask DNS servers whether they answer as the store says",
		.commands = commands,
		.options = options,
		.settings_size = sizeof(struct verify_settings)},
	{.name = NULL},
};
