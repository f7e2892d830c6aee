#include "feed/rows.h"

bool text_parse_i64(struct text text, int64_t *value)
{
	bool negative = text.len > 0 && text.at[0] == '-';
	uint64_t n = 0;

	if (text.len == negative || text.len > 19U + negative)
		return false;
	for (size_t i = negative; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text.at[i] - '0');
	}
	/* Nineteen digits fit in 64 bits; one bit is the sign's. */
	if (n > (uint64_t)INT64_MAX + negative)
		return false;
	*value = (int64_t)(negative ? 0 - n : n);
	return true;
}

static bool parse_id(struct text text, int32_t *id)
{
	int64_t value;

	if (!text_parse_i64(text, &value) || value < INT32_MIN || value > INT32_MAX)
		return false;
	*id = (int32_t)value;
	return true;
}

static bool parse_domain_id(struct text text, int32_t *id)
{
	*id = NO_DOMAIN;
	return text.at == NULL || parse_id(text, id);
}

/* NULL leaves *value at 0. */
static bool parse_optional(struct text text, bool *has, int64_t *value)
{
	*value = 0;
	*has = text.at != NULL;
	return !*has || text_parse_i64(text, value);
}

static bool is_true(struct text text)
{
	return text.len == 1 && text.at[0] == 't';
}

bool domain_row_parse(struct domain_row *row, const struct text *fields)
{
	bool has_last_check;

	row->name = fields[1];
	row->type = fields[2];
	row->master = fields[3];
	row->account = fields[6];
	return parse_id(fields[0], &row->id) &&
	       parse_optional(fields[4], &has_last_check, &row->last_check) &&
	       parse_optional(fields[5], &row->has_notified_serial, &row->notified_serial);
}

bool record_row_parse(struct record_row *row, const struct text *fields)
{
	row->name = fields[2];
	row->type = fields[3];
	row->content = fields[4];
	row->disabled = is_true(fields[7]);
	return text_parse_i64(fields[0], &row->id) && parse_domain_id(fields[1], &row->domain_id) &&
	       parse_optional(fields[5], &row->has_ttl, &row->ttl) &&
	       parse_optional(fields[6], &row->has_prio, &row->prio);
}

bool metadata_row_parse(struct metadata_row *row, const struct text *fields)
{
	row->kind = fields[1];
	row->content = fields[2];
	return parse_domain_id(fields[0], &row->domain_id);
}

/* PowerDNS' tables allow NULL for what a key can do; its gpgsql backend takes that for no. */
bool key_row_parse(struct key_row *row, const struct text *fields)
{
	row->active = is_true(fields[3]);
	row->published = is_true(fields[4]);
	row->content = fields[5];
	return parse_id(fields[0], &row->id) && parse_domain_id(fields[1], &row->domain_id) &&
	       text_parse_i64(fields[2], &row->flags);
}

bool tsig_row_parse(struct tsig_row *row, const struct text *fields)
{
	row->name = fields[0];
	row->algorithm = fields[1];
	row->secret = fields[2];
	return true;
}
