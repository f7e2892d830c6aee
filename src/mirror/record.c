/*
 * A row of records as it is to be served, or the reason why it cannot be. The gpgsql backend gives
 * the same meaning to the columns; it lets PowerDNS answer SERVFAIL for what does not parse.
 */
#include "mirror/mirror.h"

#include "base/buf.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"

/* MX and SRV may keep their priority in a column of its own. */
static bool has_priority(uint16_t type)
{
	return type == RRTYPE_MX || type == RRTYPE_SRV;
}

/* PowerDNS takes types in any case. */
static uint16_t record_type(struct text type)
{
	char upper[RRTYPE_TEXT_SIZE];

	if (type.len > sizeof(upper))
		return 0;
	for (size_t i = 0; i < type.len; i++)
		upper[i] = type.at[i] >= 'a' && type.at[i] <= 'z' ? (char)(type.at[i] - 'a' + 'A')
								  : type.at[i];
	return rrtype_parse(upper, type.len);
}

/* What gpgsql does not find, because it asks for names as they are spelled without it. */
static bool has_final_dot(struct text name)
{
	size_t backslashes = 0;

	if (name.len < 2 || name.at[name.len - 1] != '.')
		return false;
	while (backslashes < name.len - 1 && name.at[name.len - 2 - backslashes] == '\\')
		backslashes++;
	return backslashes % 2 == 0;
}

/* The name of a row in its zone; NULL or the reason why it has none. */
static const char *record_name(
	struct record *record, const struct zone *zone, const struct record_row *row)
{
	if (has_final_dot(row->name))
		return "name ends with a dot";
	int error = name_parse(&record->full, row->name.at, row->name.len);

	if (error != NAME_OK)
		return name_error_text(error);
	/* Nor what is spelled in another way. Each name has one spelling here, because changes are
	 * told by it. */
	if (!name_is_spelled(&record->full, row->name.at, row->name.len))
		return NAME_SPELLED;
	if (!name_is_in(record->full.wire, record->full.len, zone->name, zone->name_len))
		return "name outside its zone";
	record->name = record->full.wire;
	record->name_len = (size_t)(record->full.len - zone->name_len);
	return NULL;
}

enum row_result record_from_row(struct record *record, struct buf *scratch, const struct zone *zone,
	const struct record_row *row, uint32_t default_ttl, const char **why)
{
	if (row->type.len == 0)
		return ROW_IGNORED;
	*why = row->name.at == NULL ? "no name" : record_name(record, zone, row);
	if (*why != NULL)
		return ROW_LEFT_OUT;

	struct rr *rr = &record->rr;
	rr->type = record_type(row->type);
	rr->disabled = row->disabled;
	*why = rr->type == 0						? "unknown type"
	       : row->content.at == NULL				? "no content"
	       : row->has_ttl && (row->ttl < 0 || row->ttl > INT32_MAX) ? "TTL out of range"
									: NULL;
	if (*why != NULL)
		return ROW_LEFT_OUT;
	rr->ttl = row->has_ttl ? (uint32_t)row->ttl : default_ttl;
	rr->content = row->content.at;
	rr->content_len = (uint32_t)row->content.len;
	if (row->has_prio && has_priority(rr->type)) {
		buf_reset(scratch, SIZE_MAX);
		buf_add_i64(scratch, row->prio);
		buf_add_char(scratch, ' ');
		buf_add(scratch, row->content.at, row->content.len);
		if (buf_failed(scratch))
			return ROW_NO_MEMORY;
		rr->content = scratch->data;
		rr->content_len = (uint32_t)scratch->len;
	}
	*why = rdata_fault(rr->type, rr->content, rr->content_len);
	return *why == NULL ? ROW_TAKEN : ROW_LEFT_OUT;
}
