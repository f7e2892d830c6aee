#include "protocol/record_text.h"

#include "dns/rdata.h"
#include "dns/rrtype.h"
#include "mirror/denial.h"

#include <string.h>

/* Room for all but the name and the content: the fixed text, the type, two numbers. */
#define FRAME_MAX 128

#define PUT(at, literal) mempcpy((at), "" literal, sizeof(literal) - 1)

static char *put_u32(char *at, uint32_t value)
{
	char digits[10];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	return mempcpy(at, digits + n, sizeof(digits) - n);
}

/* The fields of a record as they are written. */
struct fields {
	const char *type;
	struct text name;
	struct text content;
	uint32_t ttl;
	const struct zone *zone; /* or NULL */
	bool auth;
};

static char *put_zone(char *at, const struct zone *zone)
{
	at = PUT(at, ",\"domain_id\":");
	if (zone->id < 0)
		*at++ = '-';
	return put_u32(at, zone->id < 0 ? 0U - (uint32_t)zone->id : (uint32_t)zone->id);
}

/* One reservation for the whole record: this is what most of a reply consists of. */
static void add_record(struct buf *reply, const struct fields *fields)
{
	char *start = buf_reserve(reply, FRAME_MAX + fields->name.len + fields->content.len);

	if (start == NULL)
		return;
	char *at = PUT(start, "{\"qtype\":\"");
	at = stpcpy(at, fields->type);
	at = PUT(at, "\",\"qname\":\"");
	at = mempcpy(at, fields->name.at, fields->name.len);
	at = PUT(at, "\",\"content\":\"");
	at = mempcpy(at, fields->content.at, fields->content.len);
	at = PUT(at, "\",\"ttl\":");
	at = put_u32(at, fields->ttl);
	if (fields->zone != NULL)
		at = put_zone(at, fields->zone);
	if (!fields->auth)
		at = PUT(at, ",\"auth\":0");
	*at++ = '}';
	buf_added(reply, (size_t)(at - start));
}

void record_text_add(struct buf *reply, const struct zone *zone, const struct rr *rr, bool auth,
	struct text name)
{
	char scratch[RRTYPE_TEXT_SIZE];
	struct fields fields = {
		.type = rrtype_print(rr->type, scratch),
		.name = name,
		.content = {rr->content, rr->content_len},
		.ttl = rr->ttl,
		.zone = zone,
		.auth = auth,
	};

	add_record(reply, &fields);
}

void record_text_add_empty(
	struct buf *reply, const struct zone *zone, bool auth, uint32_t ttl, struct text name)
{
	struct fields fields = {
		.type = "",
		.name = name,
		.content = {"", 0},
		.ttl = ttl,
		.zone = zone,
		.auth = auth,
	};

	add_record(reply, &fields);
}
