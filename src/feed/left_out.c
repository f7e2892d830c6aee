#include "feed/left_out.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>

void left_out_reset(struct left_out *left_out)
{
	left_out->rows = 0;
}

static int shown(struct text text)
{
	return text.len > 255 ? 255 : (int)text.len;
}

static const char *at(struct text text)
{
	return text.at == NULL ? "" : text.at;
}

void left_out_record(struct left_out *left_out, const struct record_row *row, const char *why)
{
	char zone[24] = "no zone";

	if (left_out->rows++ >= LEFT_OUT_LINES)
		return;
	if (row->domain_id != NO_DOMAIN)
		(void)snprintf(zone, sizeof(zone), "zone %" PRId32, row->domain_id);
	log_warning("record %" PRId64 " is left out (%.*s %.*s \"%.*s\" in %s): %s", row->id,
		shown(row->name), at(row->name), shown(row->type), at(row->type),
		shown(row->content), at(row->content), zone, why);
}

void left_out_domain(struct left_out *left_out, const struct domain_row *row, const char *why)
{
	if (left_out->rows++ < LEFT_OUT_LINES)
		log_warning("zone %" PRId32 " (\"%.*s\") is left out: %s", row->id,
			shown(row->name), at(row->name), why);
}

void left_out_tsig_key(struct left_out *left_out, const struct tsig_row *row, const char *why)
{
	if (left_out->rows++ < LEFT_OUT_LINES)
		log_warning(
			"TSIG key \"%.*s\" is left out: %s", shown(row->name), at(row->name), why);
}

void left_out_summary(const struct left_out *left_out)
{
	if (left_out->rows > LEFT_OUT_LINES)
		log_warning("%" PRIu64 " more rows are left out; "
			    "the view csdns.invalid_record lists records with their faults",
			left_out->rows - LEFT_OUT_LINES);
}
