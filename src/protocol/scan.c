#include "protocol/scan.h"

#include "base/json_text.h"

#include <string.h>

struct scan {
	const char *at;
	const char *end;
};

static bool take(struct scan *scan, const char *literal, size_t len)
{
	if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, literal, len) != 0)
		return false;
	scan->at += len;
	return true;
}

#define TAKE(scan, literal) take((scan), "" literal, sizeof(literal) - 1)

/* The rest of a string and its closing quote. Without escapes, and only ASCII: whether octets above
 * are UTF-8 is for the parser to say. */
static bool take_string(struct scan *scan, struct text *text)
{
	text->at = scan->at;
	text->len = json_text_plain(scan->at, (size_t)(scan->end - scan->at));
	scan->at += text->len;
	return TAKE(scan, "\"");
}

/* An integer of at most nine digits. */
static bool take_number(struct scan *scan, int64_t *number)
{
	bool negative = TAKE(scan, "-");
	const char *start = scan->at;
	int64_t n = 0;

	while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9' &&
		scan->at - start < 10)
		n = n * 10 + (*scan->at++ - '0');
	*number = negative ? -n : n;
	/* JSON has no leading zeros. */
	return scan->at > start && scan->at - start < 10 &&
	       (*start != '0' || scan->at == start + 1);
}

bool lookup_scan(const char *request, size_t len, struct lookup_request *lookup)
{
	struct scan scan = {request, request + len};
	struct text unused;

	lookup->with_disabled = false;
	return TAKE(&scan, "{\"method\": \"lookup\", \"parameters\": {\"local\": \"") &&
	       take_string(&scan, &unused) && TAKE(&scan, ", \"qname\": \"") &&
	       take_string(&scan, &lookup->qname) && TAKE(&scan, ", \"qtype\": \"") &&
	       take_string(&scan, &lookup->qtype) && TAKE(&scan, ", \"real-remote\": \"") &&
	       take_string(&scan, &unused) && TAKE(&scan, ", \"remote\": \"") &&
	       take_string(&scan, &unused) && TAKE(&scan, ", \"zone-id\": ") &&
	       take_number(&scan, &lookup->zone_id) && TAKE(&scan, "}}") && scan.at == scan.end;
}
