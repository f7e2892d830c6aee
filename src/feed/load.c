#include "feed/load.h"

#include "feed/rows.h"
#include "feed/version.h"
#include "pg/copy.h"

#include <stdio.h>
#include <string.h>

typedef bool (*row_fn)(struct load *load, const struct text *fields);

static bool refuse(struct load *load, const char *problem)
{
	(void)snprintf(load->problem, sizeof(load->problem), "%s", problem);
	return false;
}

static bool no_memory(struct load *load)
{
	return refuse(load, "out of memory");
}

/* Was the zone there before, with this name? */
static bool is_known(const struct load *load, int32_t id)
{
	const struct zone *zone = mirror_find_zone_by_id(load->mirror, id);
	const struct zone *known =
		load->before == NULL ? NULL : mirror_find_zone_by_id(load->before, id);

	return zone != NULL && known != NULL && zone->name_len == known->name_len &&
	       memcmp(zone->name, known->name, zone->name_len) == 0;
}

bool load_found_same_zones(const struct load *load)
{
	return load->before != NULL && load->known_zones == mirror_zones(load->before) &&
	       load->known_zones == mirror_zones(load->mirror);
}

static bool add_domain(struct load *load, const struct text *fields)
{
	struct domain_row row;
	const char *why;

	if (!domain_row_parse(&row, fields))
		return refuse(load, "a row of csdns.served_domain is not as expected");
	enum row_result result = mirror_add_domain(load->mirror, &row, &why);
	if (result == ROW_LEFT_OUT)
		left_out_domain(load->left_out, &row, why);
	load->known_zones += result == ROW_TAKEN && is_known(load, row.id);
	return result != ROW_NO_MEMORY || no_memory(load);
}

static bool add_metadata(struct load *load, const struct text *fields)
{
	struct metadata_row row;
	const char *why;

	if (!metadata_row_parse(&row, fields))
		return refuse(load, "a row of csdns.served_metadata is not as expected");
	return mirror_add_metadata(load->mirror, &row, &why) != ROW_NO_MEMORY || no_memory(load);
}

/* PowerDNS' tables allow keys of no zone. */
static bool add_key(struct load *load, const struct text *fields)
{
	struct key_row row;
	const char *why;

	if (!key_row_parse(&row, fields))
		return refuse(load, "a row of csdns.served_key is not as expected");
	return mirror_add_key(load->mirror, &row, &why) != ROW_NO_MEMORY || no_memory(load);
}

static bool add_tsig_key(struct load *load, const struct text *fields)
{
	struct tsig_row row;
	const char *why;

	if (!tsig_row_parse(&row, fields))
		return refuse(load, "a row of csdns.served_tsigkey is not as expected");
	enum row_result result = mirror_add_tsig_key(load->mirror, &row, &why);
	if (result == ROW_LEFT_OUT)
		left_out_tsig_key(load->left_out, &row, why);
	return result != ROW_NO_MEMORY || no_memory(load);
}

static bool add_record(struct load *load, const struct text *fields)
{
	struct record_row row;
	const char *why;

	if (!record_row_parse(&row, fields))
		return refuse(load, "a row of csdns.served_record is not as expected");
	enum row_result result = mirror_add_record(load->mirror, &row, &why);
	if (result == ROW_LEFT_OUT)
		left_out_record(load->left_out, &row, why);
	return result != ROW_NO_MEMORY || no_memory(load);
}

/* Zones come before what belongs to them; all is one snapshot. */
static const struct load_step {
	const char *sql;
	row_fn add; /* NULL: no COPY */
	size_t fields;
} steps[] = {
	{"BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", NULL, 0},
	{VERSION_QUERY, NULL, 0},
	{"COPY (SELECT " DOMAIN_COLUMNS " FROM csdns.served_domain) TO STDOUT", add_domain,
		DOMAIN_FIELDS},
	{"COPY (SELECT " METADATA_COLUMNS " FROM csdns.served_metadata ORDER BY id) TO STDOUT",
		add_metadata, METADATA_FIELDS},
	{"COPY (SELECT " KEY_COLUMNS " FROM csdns.served_key ORDER BY id) TO STDOUT", add_key,
		KEY_FIELDS},
	{"COPY (SELECT " TSIG_COLUMNS
	 " FROM csdns.served_tsigkey ORDER BY name, algorithm) TO STDOUT",
		add_tsig_key, TSIG_FIELDS},
	{"COPY (SELECT " RECORD_COLUMNS " FROM csdns.served_record) TO STDOUT", add_record,
		RECORD_FIELDS},
	{"COMMIT", NULL, 0},
};

void load_start(struct load *load, struct pg *pg, struct mirror *mirror,
	const struct mirror *before, struct left_out *left_out)
{
	memset(load, 0, sizeof(*load));
	load->pg = pg;
	load->mirror = mirror;
	load->before = before;
	load->left_out = left_out;
	left_out_reset(left_out);
	pg_send(pg, steps[0].sql);
}

void load_on_result(struct load *load, const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_TUPLES_OK) {
		if (!version_parse(result, &load->mirror->version))
			(void)refuse(load, "csdns.head() gave no version");
	} else if (status != PGRES_COMMAND_OK && status != PGRES_COPY_OUT) {
		pg_error_line(result, load->problem, sizeof(load->problem));
	}
}

void load_on_copy_row(struct load *load, char *row, int len)
{
	const struct load_step *step = &steps[load->step];
	struct copy_field raw[FIELDS_MAX];
	struct text fields[FIELDS_MAX];

	if (load->problem[0] != '\0')
		return; /* the rest of a load that failed */
	if (!copy_split(row, (size_t)len, raw, step->fields)) {
		(void)refuse(load, "a row of COPY is not as expected");
		return;
	}
	for (size_t i = 0; i < step->fields; i++)
		fields[i] = (struct text){raw[i].at, raw[i].len};
	(void)step->add(load, fields);
}

enum run_state load_on_done(struct load *load)
{
	if (load->problem[0] != '\0')
		return RUN_FAILED;
	if (++load->step == sizeof(steps) / sizeof(steps[0]))
		return RUN_DONE;
	pg_send(load->pg, steps[load->step].sql);
	return RUN_GOES_ON;
}
