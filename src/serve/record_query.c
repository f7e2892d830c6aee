#include "serve/record_query.h"

#include "base/json_text.h"
#include "dns/rrtype.h"

#include <ctype.h>
#include <errno.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

static const char *parse_name(const char *text, struct name *name, const char *problem)
{
	return name_parse(name, text, strlen(text)) == NAME_OK ? NULL : problem;
}

static const char *parse_zone(struct record_query *query, const char *value)
{
	query->has_zone = true;
	return parse_name(value, &query->zone, "\"zone\" is not a domain name");
}

static const char *parse_owner(struct record_query *query, const char *value)
{
	query->has_name = true;
	return parse_name(value, &query->name, "\"name\" is not a domain name");
}

static const char *parse_type(struct record_query *query, const char *value)
{
	char text[16];
	size_t len = strlen(value);

	if (len >= sizeof(text))
		return "\"type\" is not a record type";
	for (size_t i = 0; i <= len; i++)
		text[i] = (char)toupper((unsigned char)value[i]);
	query->type = rrtype_parse(text, len);
	if (query->type == 0)
		return "\"type\" is not a record type";
	if (query->type == RRTYPE_ANY)
		query->type = 0;
	return NULL;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0 && *number >= 1 &&
	       *number <= max;
}

static const char *parse_page(struct record_query *query, const char *value)
{
	/* Until the size of pages is known. */
	return parse_number(value, UINT32_MAX, &query->skip) ? NULL
							     : "\"page\" is not a number from 1";
}

static const char *parse_page_size(struct record_query *query, const char *value)
{
	return parse_number(value, RECORD_PAGE_MAX, &query->left)
		       ? NULL
		       : "\"pagesize\" is not a number from 1 to 5000";
}

static const struct {
	const char *name;
	const char *(*parse)(struct record_query *query, const char *value);
} parameters_known[] = {
	{"zone", parse_zone},
	{"name", parse_owner},
	{"type", parse_type},
	{"page", parse_page},
	{"pagesize", parse_page_size},
};

static const char *parse_one(struct record_query *query, const struct evkeyval *item)
{
	for (size_t i = 0; i < sizeof(parameters_known) / sizeof(parameters_known[0]); i++)
		if (strcmp(parameters_known[i].name, item->key) == 0)
			return parameters_known[i].parse(query, item->value);
	return "parameters are zone, name, type, page, pagesize";
}

const char *record_query_parse(struct record_query *query, const struct evkeyvalq *parameters)
{
	memset(query, 0, sizeof(*query));
	query->is_first = true;
	for (const struct evkeyval *item = parameters->tqh_first; item != NULL;
		item = item->next.tqe_next) {
		const char *problem = parse_one(query, item);
		if (problem != NULL)
			return problem;
	}
	if (query->skip == 0 && query->left == 0) {
		query->left = UINT64_MAX; /* no pages */
		return NULL;
	}
	if (query->left == 0)
		query->left = RECORD_PAGE_DEFAULT;
	query->skip = query->skip == 0 ? 0 : (query->skip - 1) * query->left;
	return NULL;
}

/* The whole name without its final dot, as it stands in JSON; out holds 4 * NAME_TEXT_MAX. */
static size_t print_name(char *out, const struct zone *zone, const uint8_t *name, size_t len)
{
	char text[2 * NAME_TEXT_MAX + 1];
	size_t n = name_print(text, name, len);

	if (n > 0 && zone->name_len > 0)
		text[n++] = '.';
	n += name_print(text + n, zone->name, zone->name_len);
	if (n == 0)
		text[n++] = '.';
	return (size_t)(json_text_escape(out, text, n) - out);
}

static void add_record(struct record_query *query, struct buf *out, const char *name, size_t len,
	const struct rr *rr)
{
	char type[RRTYPE_TEXT_SIZE];

	if (query->is_first)
		BUF_ADD_LIT(out, "\n{\"name\":\"");
	else
		BUF_ADD_LIT(out, ",\n{\"name\":\"");
	query->is_first = false;
	buf_add(out, name, len);
	BUF_ADD_LIT(out, "\",\"record_type\":\"");
	buf_add_str(out, rrtype_print(rr->type, type));
	BUF_ADD_LIT(out, "\",\"value\":\"");
	buf_add(out, rr->content, rr->content_len);
	BUF_ADD_LIT(out, "\",\"ttl\":");
	buf_add_u64(out, rr->ttl);
	buf_add_char(out, '}');
}

void record_query_add(struct record_query *query, struct buf *out, const struct zone *zone,
	const uint8_t *name, size_t len, const struct rrs *rrs)
{
	char text[4 * NAME_TEXT_MAX];
	size_t text_len = 0;
	struct rr rr;

	for (const uint8_t *at = NULL; query->left > 0 && (at = rrs_next(rrs, at, &rr)) != NULL;) {
		if (rr.disabled || (query->type != 0 && rr.type != query->type))
			continue;
		if (query->skip > 0) {
			query->skip--;
			continue;
		}
		if (text_len == 0)
			text_len = print_name(text, zone, name, len);
		add_record(query, out, text, text_len, &rr);
		query->left--;
	}
}
