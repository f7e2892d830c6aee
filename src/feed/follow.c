#include "feed/follow.h"

#include "feed/rows.h"
#include "feed/version.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef bool (*row_fn)(struct follow *follow, const struct text *fields);

static bool refuse(struct follow *follow, const char *problem)
{
	(void)snprintf(follow->problem, sizeof(follow->problem), "%s", problem);
	return false;
}

static bool add_head(struct follow *follow, const struct text *fields)
{
	int64_t number;

	if (!text_parse_i64(fields[0], &number) || number < 0 ||
		!text_parse_i64(fields[1], &follow->version.at_us))
		return refuse(follow, "csdns.head() gave no version");
	follow->version.number = (uint64_t)number;
	follow->needs_reload |= fields[2].len != 1 || fields[2].at[0] != 't';
	return true;
}

/* what, domain_id, name: see csdns.journal. */
static bool add_touched(struct follow *follow, const struct text *fields)
{
	int64_t id = 0;
	int rc = 0;

	if (fields[0].len != 1 || (fields[1].at != NULL && !text_parse_i64(fields[1], &id)))
		return refuse(follow, "a row of csdns.touched() is not as expected");
	switch (fields[0].at[0]) {
	case 'z':
		rc = change_touch_zone(follow->change, (int32_t)id);
		break;
	case 'n':
		rc = change_touch_name(follow->change, (int32_t)id, fields[2]);
		break;
	case 'd':
		rc = change_touch_info(follow->change, (int32_t)id);
		break;
	case 't':
		rc = change_touch_tsig_keys(follow->change);
		break;
	case '*':
		follow->is_all_touched = true;
		follow->needs_reload = true;
		break;
	default:
		break; /* of things that the mirror does not hold */
	}
	return rc == 0 || refuse(follow, "out of memory");
}

static bool add_domain(struct follow *follow, const struct text *fields)
{
	struct domain_row row;
	const char *why;

	if (!domain_row_parse(&row, fields))
		return refuse(follow, "a row of csdns.touched_domain() is not as expected");
	enum row_result result = change_add_domain(follow->change, &row, &why);
	if (result == ROW_LEFT_OUT)
		left_out_domain(follow->left_out, &row, why);
	return result != ROW_NO_MEMORY || refuse(follow, "out of memory");
}

static bool add_metadata(struct follow *follow, const struct text *fields)
{
	struct metadata_row row;
	const char *why;

	if (!metadata_row_parse(&row, fields))
		return refuse(follow, "a row of csdns.touched_metadata() is not as expected");
	return change_add_metadata(follow->change, &row, &why) != ROW_NO_MEMORY ||
	       refuse(follow, "out of memory");
}

static bool add_key(struct follow *follow, const struct text *fields)
{
	struct key_row row;
	const char *why;

	if (!key_row_parse(&row, fields))
		return refuse(follow, "a row of csdns.touched_key() is not as expected");
	return change_add_key(follow->change, &row, &why) != ROW_NO_MEMORY ||
	       refuse(follow, "out of memory");
}

static bool add_tsig_key(struct follow *follow, const struct text *fields)
{
	struct tsig_row row;
	const char *why;

	if (!tsig_row_parse(&row, fields))
		return refuse(follow, "a row of csdns.served_tsigkey is not as expected");
	enum row_result result = change_add_tsig_key(follow->change, &row, &why);
	if (result == ROW_LEFT_OUT)
		left_out_tsig_key(follow->left_out, &row, why);
	return result != ROW_NO_MEMORY || refuse(follow, "out of memory");
}

static bool add_record(struct follow *follow, const struct text *fields)
{
	struct record_row row;
	const char *why;

	if (!record_row_parse(&row, fields))
		return refuse(follow, "a row of csdns.touched_record() is not as expected");
	enum row_result result = change_add_record(follow->change, &row, &why);
	if (result == ROW_LEFT_OUT)
		left_out_record(follow->left_out, &row, why);
	return result != ROW_NO_MEMORY || refuse(follow, "out of memory");
}

/* Whole zones are touched before names ('z' after 'n'), zones come before what belongs to them. */
static const struct follow_step {
	const char *name; /* of the prepared statement; NULL: sent as it is */
	const char *sql;
	int parameters; /* 0, or 1: the mirror's version, or 2: with its time */
	row_fn add;
	int fields;
} steps[] = {
	{NULL, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", 0, NULL, 0},
	{"csdns_head",
		"SELECT " VERSION_COLUMNS ", csdns.follows($1::bigint, 'epoch'::timestamptz + "
		"$2::bigint * interval '1 microsecond') FROM csdns.head()",
		2, add_head, 3},
	{"csdns_touched",
		"SELECT what, domain_id, name FROM csdns.touched($1::bigint) ORDER BY what DESC", 1,
		add_touched, 3},
	{"csdns_domain", "SELECT " DOMAIN_COLUMNS " FROM csdns.touched_domain($1::bigint)", 1,
		add_domain, DOMAIN_FIELDS},
	{"csdns_metadata",
		"SELECT " METADATA_COLUMNS " FROM csdns.touched_metadata($1::bigint) ORDER BY id",
		1, add_metadata, METADATA_FIELDS},
	{"csdns_key", "SELECT " KEY_COLUMNS " FROM csdns.touched_key($1::bigint) ORDER BY id", 1,
		add_key, KEY_FIELDS},
	/* All of them, when one is touched. */
	{"csdns_tsig",
		"SELECT " TSIG_COLUMNS " FROM csdns.served_tsigkey WHERE (SELECT bool_or(what = "
		"'t') FROM csdns.touched($1::bigint)) ORDER BY name",
		1, add_tsig_key, TSIG_FIELDS},
	{"csdns_record", "SELECT " RECORD_COLUMNS " FROM csdns.touched_record($1::bigint)", 1,
		add_record, RECORD_FIELDS},
	{NULL, "COMMIT", 0, NULL, 0},
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

void follow_prepare(struct pg *pg)
{
	for (size_t i = 0; i < STEPS; i++)
		if (steps[i].name != NULL)
			pg_prepare(pg, steps[i].name, steps[i].sql);
}

void follow_start(
	struct follow *follow, struct pg *pg, struct mirror *mirror, struct left_out *left_out)
{
	char number[24];
	char at[24];
	const char *values[] = {number, at};

	memset(follow, 0, sizeof(*follow));
	follow->pg = pg;
	follow->mirror = mirror;
	follow->left_out = left_out;
	left_out_reset(left_out);
	follow->change = change_new(mirror);
	if (follow->change == NULL)
		(void)refuse(follow, "out of memory");
	(void)snprintf(number, sizeof(number), "%" PRIu64, mirror->version.number);
	(void)snprintf(at, sizeof(at), "%" PRId64, mirror->version.at_us);
	pg_pipeline_begin(pg);
	for (size_t i = 0; i < STEPS; i++) {
		if (steps[i].name == NULL)
			pg_send_params(pg, steps[i].sql, 0, NULL);
		else
			pg_send_prepared(pg, steps[i].name, steps[i].parameters, values);
	}
	pg_pipeline_sync(pg);
}

static void take_row(struct follow *follow, const PGresult *result, int row)
{
	const struct follow_step *step = &steps[follow->step];
	struct text fields[FIELDS_MAX];

	if (follow->problem[0] != '\0' || follow->needs_reload)
		return;
	if (step->add == NULL || PQnfields(result) != step->fields) {
		(void)refuse(follow, "a result has other columns than expected");
		return;
	}
	for (int i = 0; i < step->fields; i++) {
		bool is_null = PQgetisnull(result, row, i) != 0;
		fields[i].at = is_null ? NULL : PQgetvalue(result, row, i);
		fields[i].len = (size_t)PQgetlength(result, row, i);
	}
	(void)step->add(follow, fields);
}

void follow_on_result(struct follow *follow, const PGresult *result)
{
	/* Mostly one at a time; all at once would be as good. */
	for (int row = 0; row < PQntuples(result); row++)
		take_row(follow, result, row);
	switch (PQresultStatus(result)) {
	case PGRES_SINGLE_TUPLE:
		break;
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		follow->step++;
		break;
	case PGRES_PIPELINE_ABORTED:
		break;
	default:
		pg_error_line(result, follow->problem, sizeof(follow->problem));
		break;
	}
}

enum follow_outcome follow_on_done(struct follow *follow)
{
	enum follow_outcome outcome = FOLLOW_CHANGES;

	if (follow->problem[0] != '\0')
		outcome = FOLLOW_FAILED;
	else if (follow->needs_reload)
		outcome = FOLLOW_RELOAD;
	else if (follow->version.number == follow->mirror->version.number)
		outcome = FOLLOW_NOTHING;
	if (outcome != FOLLOW_CHANGES)
		follow_abort(follow);
	return outcome;
}

void follow_abort(struct follow *follow)
{
	if (follow->change != NULL)
		change_abort(follow->change);
	follow->change = NULL;
}
