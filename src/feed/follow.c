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

static bool add_version(struct follow *follow, const struct text *fields)
{
	int64_t number;

	if (!text_parse_i64(fields[0], &number) || number < 0 ||
		!text_parse_i64(fields[1], &follow->version.at_us))
		return refuse(follow, "csdns.changes() gave no version");
	follow->version.number = (uint64_t)number;
	follow->has_version = true;
	follow->needs_reload |= fields[2].len != 1 || fields[2].at[0] != 't';
	return true;
}

static bool parse_touched(struct follow *follow, const struct text *fields, int32_t *domain_id)
{
	int64_t id = 0;

	if (fields[0].at != NULL && !text_parse_i64(fields[0], &id))
		return refuse(follow, "a part of csdns.changes() has no zone");
	*domain_id = (int32_t)id;
	return true;
}

static bool touched(struct follow *follow, int rc)
{
	return rc == 0 || refuse(follow, "out of memory");
}

static bool touch_zone(struct follow *follow, const struct text *fields)
{
	int32_t id;

	return parse_touched(follow, fields, &id) &&
	       touched(follow, change_touch_zone(follow->change, id));
}

static bool touch_name(struct follow *follow, const struct text *fields)
{
	int32_t id;

	return parse_touched(follow, fields, &id) &&
	       touched(follow, change_touch_name(follow->change, id, fields[1]));
}

static bool touch_info(struct follow *follow, const struct text *fields)
{
	int32_t id;

	return parse_touched(follow, fields, &id) &&
	       touched(follow, change_touch_info(follow->change, id));
}

static bool touch_tsig_keys(struct follow *follow, const struct text *fields)
{
	(void)fields;
	return touched(follow, change_touch_tsig_keys(follow->change));
}

static bool touch_all(struct follow *follow, const struct text *fields)
{
	(void)fields;
	follow->is_all_touched = true;
	follow->needs_reload = true;
	return true;
}

static bool add_domain(struct follow *follow, const struct text *fields)
{
	struct domain_row row;
	const char *why;

	if (!domain_row_parse(&row, fields))
		return refuse(follow, "a domain of csdns.changes() is not as expected");
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
		return refuse(follow, "a metadata of csdns.changes() is not as expected");
	return change_add_metadata(follow->change, &row, &why) != ROW_NO_MEMORY ||
	       refuse(follow, "out of memory");
}

static bool add_key(struct follow *follow, const struct text *fields)
{
	struct key_row row;
	const char *why;

	if (!key_row_parse(&row, fields))
		return refuse(follow, "a key of csdns.changes() is not as expected");
	return change_add_key(follow->change, &row, &why) != ROW_NO_MEMORY ||
	       refuse(follow, "out of memory");
}

static bool add_tsig_key(struct follow *follow, const struct text *fields)
{
	struct tsig_row row;
	const char *why;

	if (!tsig_row_parse(&row, fields))
		return refuse(follow, "a TSIG key of csdns.changes() is not as expected");
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
		return refuse(follow, "a record of csdns.changes() is not as expected");
	enum row_result result = change_add_record(follow->change, &row, &why);
	if (result == ROW_LEFT_OUT)
		left_out_record(follow->left_out, &row, why);
	return result != ROW_NO_MEMORY || refuse(follow, "out of memory");
}

/* The columns of csdns.changes(): part, and the most that a part has. */
#define CHANGES_FIELDS (1 + FIELDS_MAX)

/* Whole zones are touched before names, zones come before what belongs to them. */
static const struct follow_part {
	char part;
	row_fn add;
} parts[] = {
	{'v', add_version},
	{'z', touch_zone},
	{'n', touch_name},
	{'d', touch_info},
	{'t', touch_tsig_keys},
	{'*', touch_all},
	{'D', add_domain},
	{'M', add_metadata},
	{'K', add_key},
	{'T', add_tsig_key},
	{'R', add_record},
};

void follow_prepare(struct pg *pg)
{
	pg_prepare(pg, "csdns_changes",
		"SELECT part, f1, f2, f3, f4, f5, f6, f7, f8 FROM csdns.changes($1::bigint, "
		"'epoch'::timestamptz + $2::bigint * interval '1 microsecond')");
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
	pg_send_prepared(pg, "csdns_changes", 2, values);
	pg_pipeline_sync(pg);
}

static void take_part(struct follow *follow, const struct text *fields)
{
	char part = fields[0].len == 1 ? fields[0].at[0] : '\0';

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].part == part)
			(void)parts[i].add(follow, fields + 1);
	/* The others are of things that the mirror does not hold. */
}

static void take_row(struct follow *follow, const PGresult *result, int row)
{
	struct text fields[CHANGES_FIELDS];

	if (follow->problem[0] != '\0' || follow->needs_reload)
		return;
	if (PQnfields(result) != CHANGES_FIELDS) {
		(void)refuse(follow, "csdns.changes() has other columns than expected");
		return;
	}
	for (int i = 0; i < CHANGES_FIELDS; i++) {
		bool is_null = PQgetisnull(result, row, i) != 0;
		fields[i].at = is_null ? NULL : PQgetvalue(result, row, i);
		fields[i].len = (size_t)PQgetlength(result, row, i);
	}
	take_part(follow, fields);
}

void follow_on_result(struct follow *follow, const PGresult *result)
{
	/* Mostly one at a time; all at once would be as good. */
	for (int row = 0; row < PQntuples(result); row++)
		take_row(follow, result, row);
	if (PQresultStatus(result) != PGRES_SINGLE_TUPLE &&
		PQresultStatus(result) != PGRES_TUPLES_OK)
		pg_error_line(result, follow->problem, sizeof(follow->problem));
}

enum follow_outcome follow_on_done(struct follow *follow)
{
	enum follow_outcome outcome = FOLLOW_CHANGES;

	if (!follow->has_version && follow->problem[0] == '\0')
		(void)refuse(follow, "csdns.changes() gave no version");
	if (follow->problem[0] != '\0')
		outcome = FOLLOW_FAILED;
	else if (follow->needs_reload)
		outcome = FOLLOW_RELOAD;
	else if (follow->version.number == follow->mirror->version.number)
		outcome = FOLLOW_NOTHING;
	return outcome;
}

struct change *follow_abort(struct follow *follow)
{
	struct change *change = follow->change;

	if (change != NULL)
		change_abort(change);
	follow->change = NULL;
	return change;
}
