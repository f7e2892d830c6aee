/*
 * import_store: the database's part of an import, one transaction: what is there, which records it
 * would refuse, and writing the difference.
 */
#include "tool/db.h"
#include "tool/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 2000 /* records of one statement */

static int find_zone(struct import *import)
{
	PGresult *result = db_query_params(import->conn,
		"SELECT d.id, d.type FROM csdns.served_domain d WHERE d.name = $1", 1,
		&import->zone);
	int rc = 0;

	if (result == NULL)
		return -1;
	if (PQntuples(result) > 0) {
		const char *kind = PQgetvalue(result, 0, 1);
		import->zone_id = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
		if (strcmp(kind, "SLAVE") == 0 || strcmp(kind, "CONSUMER") == 0) {
			tool_error("zone \"%s\" is secondary: its records come from its primary",
				import->zone);
			rc = -1;
		}
	}
	PQclear(result);
	return rc;
}

static int take_stored(struct import *import, const PGresult *result)
{
	for (int row = 0; row < PQntuples(result); row++) {
		struct rr *rr = rr_list_add_text(&import->stored, PQgetvalue(result, row, 1),
			(uint32_t)strtoul(PQgetvalue(result, row, 2), NULL, 10),
			PQgetvalue(result, row, 3), PQgetvalue(result, row, 4));
		if (rr == NULL) {
			tool_error("out of memory");
			return -1;
		}
		rr->id = strtoll(PQgetvalue(result, row, 0), NULL, 10);
		rr->disabled = *PQgetvalue(result, row, 5) == 't';
		rr->is_rules = *PQgetvalue(result, row, 6) == 't';
	}
	rr_list_sort(&import->stored);
	return 0;
}

static int find_stored(struct import *import)
{
	char id[16];
	const char *values[] = {id};

	(void)snprintf(id, sizeof(id), "%d", import->zone_id);
	PGresult *result = db_query_params(import->conn,
		"SELECT r.id, r.name, coalesce(r.ttl, 3600), r.type,"
		" coalesce(csdns.served_content(r.type, r.content, r.prio), ''), r.disabled,"
		" m.record_id IS NOT NULL FROM csdns.served_record r"
		" LEFT JOIN csdns.rule_record m ON m.record_id = r.id"
		" WHERE r.domain_id = $1::int AND r.type <> ''",
		1, values);
	int rc = result != NULL ? take_stored(import, result) : -1;
	PQclear(result);
	return rc;
}

int import_begin(struct import *import)
{
	if (db_exec(import->conn, "BEGIN ISOLATION LEVEL READ COMMITTED") != 0 ||
		find_zone(import) != 0)
		return -1;
	return import->zone_id != 0 ? find_stored(import) : 0;
}

/* The priority as PowerDNS keeps it: a column of its own for MX and SRV. */
static int set_content(json_t *object, const struct rr *rr)
{
	bool has_priority = strcmp(rr->type, "MX") == 0 || strcmp(rr->type, "SRV") == 0;
	const char *space = has_priority ? strchr(rr->content, ' ') : NULL;

	if (space == NULL)
		return json_object_set_new(object, "content", json_string(rr->content));
	long prio = strtol(rr->content, NULL, 10);
	return json_object_set_new(object, "prio", json_integer(prio)) != 0 ||
			       json_object_set_new(object, "content", json_string(space + 1)) != 0
		       ? -1
		       : 0;
}

/* A record for the database; n: its number in a list. */
static json_t *object_of(const struct rr *rr, size_t n)
{
	json_t *object =
		json_pack("{s:I, s:s, s:s, s:I, s:b}", "n", (json_int_t)n, "name", rr->name, "type",
			rr->type, "ttl", (json_int_t)rr->ttl, "disabled", (int)rr->disabled);

	if (object != NULL && set_content(object, rr) != 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

#define RECORDS                                                                                    \
	"jsonb_to_recordset($2::jsonb) AS w (n bigint, name text, type text, content text, ttl "   \
	"bigint, prio int, disabled boolean)"

/* Runs a statement with the zone's id as $1 and some records as $2; NULL after telling. */
static PGresult *run_batch(struct import *import, const char *sql, json_t *batch)
{
	char id[16];
	char *text = json_dumps(batch, JSON_COMPACT);
	PGresult *result = NULL;

	(void)snprintf(id, sizeof(id), "%d", import->zone_id);
	if (text != NULL) {
		const char *const values[] = {id, text};
		result = db_query_params(import->conn, sql, 2, values);
	} else {
		tool_error("out of memory");
	}
	free(text);
	return result;
}

/* Takes a batch's result. 0 or -1 after telling. */
typedef int (*batch_fn)(struct import *import, const PGresult *result);

/* Runs a statement for all records, which may be NULL or have a fault, in batches. */
static int run_all(struct import *import, const char *sql, struct rr *const *records, size_t n,
	batch_fn on_result)
{
	int rc = 0;

	for (size_t from = 0; rc == 0 && from < n; from += BATCH) {
		json_t *batch = json_array();
		for (size_t i = from; i < n && i < from + BATCH && rc == 0; i++)
			rc = json_array_append_new(batch, object_of(records[i], i));
		if (rc != 0)
			tool_error("record \"%s\": cannot be told to the database: not UTF-8",
				import->zone);
		PGresult *result = rc == 0 ? run_batch(import, sql, batch) : NULL;
		if (result == NULL || (on_result != NULL && on_result(import, result) != 0))
			rc = -1;
		progress_add(&import->progress, json_array_size(batch));
		PQclear(result);
		json_decref(batch);
	}
	return rc;
}

static const char judge_sql[] =
	"SELECT j.n, j.fault FROM (SELECT w.n, CASE"
	" WHEN NOT csdns.is_inside(w.name, $1) THEN 'name is outside of the zone'"
	" WHEN w.ttl > 2147483647 THEN 'ttl is not a number from 0 to 2147483647'"
	" WHEN csdns.is_plain_record(1, w.name, w.type, w.content, w.ttl::int, w.prio) THEN NULL"
	" ELSE csdns.record_fault(1, w.name, w.type, w.content, w.ttl::int, w.prio) END AS fault"
	" FROM " RECORDS ") AS j WHERE j.fault IS NOT NULL";

static int on_judged(struct import *import, const PGresult *result)
{
	for (int row = 0; row < PQntuples(result); row++) {
		size_t n = strtoull(PQgetvalue(result, row, 0), NULL, 10);
		if (rr_set_fault(import->add[n], PQgetvalue(result, row, 1)) != 0) {
			tool_error("out of memory");
			return -1;
		}
	}
	return 0;
}

/* $1 is the zone's name here. */
int import_judge(struct import *import)
{
	int rc = 0;

	for (size_t from = 0; rc == 0 && from < import->n_add; from += BATCH) {
		json_t *batch = json_array();
		for (size_t i = from; i < import->n_add && i < from + BATCH && rc == 0; i++)
			rc = json_array_append_new(batch, object_of(import->add[i], i));
		char *text = rc == 0 ? json_dumps(batch, JSON_COMPACT) : NULL;
		const char *const values[] = {import->zone, text};
		PGresult *result =
			text != NULL ? db_query_params(import->conn, judge_sql, 2, values) : NULL;
		if (text == NULL)
			tool_error("a record cannot be told to the database: not UTF-8, or out of "
				   "memory");
		rc = result != NULL ? on_judged(import, result) : -1;
		PQclear(result);
		free(text);
		json_decref(batch);
	}
	return rc;
}

static int create_zone(struct import *import)
{
	const char *const values[] = {import->zone, import->settings->kind};
	PGresult *result = db_query_params(import->conn,
		"INSERT INTO domains (name, type) VALUES ($1, $2) RETURNING id", 2, values);

	if (result == NULL)
		return -1;
	import->zone_id = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return 0;
}

static int drop_records(struct import *import)
{
	struct buf ids;
	int rc = -1;

	if (import->n_drop == 0)
		return 0;
	buf_init(&ids);
	for (size_t i = 0; i < import->n_drop; i++) {
		buf_add_char(&ids, i == 0 ? '{' : ',');
		buf_add_i64(&ids, import->drop[i]->id);
	}
	buf_add_str(&ids, "}");
	buf_add_char(&ids, '\0');
	const char *const values[] = {ids.data};
	PGresult *result =
		buf_failed(&ids)
			? NULL
			: db_query_params(import->conn,
				  "DELETE FROM records WHERE id = ANY ($1::bigint[])", 1, values);
	if (buf_failed(&ids))
		tool_error("out of memory");
	if (result != NULL && strtoull(PQcmdTuples(result), NULL, 10) == import->n_drop)
		rc = 0;
	else if (result != NULL)
		tool_error("others changed zone \"%s\" at this moment, nothing was done: try again",
			import->zone);
	PQclear(result);
	buf_fini(&ids);
	return rc;
}

/* Whoever is beside a CNAME, and second SOAs: rules that hold among the records of a name. */
static const char among_sql[] = "SELECT f.name, f.fault FROM (SELECT DISTINCT w.name, "
				"csdns.rrset_fault($1::int, w.name) AS fault"
				" FROM " RECORDS " WHERE EXISTS (SELECT FROM csdns.served_record c "
				"WHERE c.name = w.name AND c.domain_id = $1::int"
				" AND c.type IN ('CNAME', 'SOA'))) AS f WHERE f.fault IS NOT NULL";

static int on_among(struct import *import, const PGresult *result)
{
	for (int row = 0; row < PQntuples(result); row++) {
		for (size_t i = 0; i < import->n_add; i++) {
			if (strcmp(import->add[i]->name, PQgetvalue(result, row, 0)) != 0)
				continue;
			if (rr_set_fault(import->add[i], PQgetvalue(result, row, 1)) != 0) {
				tool_error("out of memory");
				return -1;
			}
		}
	}
	return 0;
}

static int write_plan(struct import *import)
{
	if (drop_records(import) != 0)
		return -1;
	return run_all(import,
		"INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled)"
		" SELECT $1::int, w.name, w.type, w.content, w.ttl, w.prio, w.disabled "
		"FROM " RECORDS,
		import->add, import->n_add, NULL);
}

int import_write(struct import *import, size_t *faults)
{
	bool is_new = import->zone_id == 0;

	*faults = 0;
	if (db_exec(import->conn, "SAVEPOINT import") != 0 ||
		(is_new && create_zone(import) != 0) || write_plan(import) != 0 ||
		run_all(import, among_sql, import->add, import->n_add, on_among) != 0)
		return -1;
	for (size_t i = 0; i < import->n_add; i++)
		*faults += import->add[i]->fault != NULL;
	if (*faults == 0)
		return 0;
	if (is_new)
		import->zone_id = 0;
	return db_exec(import->conn, "ROLLBACK TO SAVEPOINT import");
}
