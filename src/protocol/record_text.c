#include "protocol/record_text.h"

#include "dns/rdata.h"
#include "dns/rrtype.h"

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

/* One reservation for the whole record: this is what most of a reply consists of. */
static void add_record(struct buf *reply, const char *type, const char *name, size_t name_len,
	const char *content, size_t content_len, uint32_t ttl, int32_t domain_id, bool auth)
{
	char *start = buf_reserve(reply, FRAME_MAX + name_len + content_len);

	if (start == NULL)
		return;
	char *at = PUT(start, "{\"qtype\":\"");
	at = stpcpy(at, type);
	at = PUT(at, "\",\"qname\":\"");
	at = mempcpy(at, name, name_len);
	at = PUT(at, "\",\"content\":\"");
	at = mempcpy(at, content, content_len);
	at = PUT(at, "\",\"ttl\":");
	at = put_u32(at, ttl);
	at = PUT(at, ",\"domain_id\":");
	if (domain_id < 0)
		*at++ = '-';
	at = put_u32(at, domain_id < 0 ? 0U - (uint32_t)domain_id : (uint32_t)domain_id);
	at = auth ? PUT(at, ",\"auth\":1}") : PUT(at, ",\"auth\":0}");
	buf_added(reply, (size_t)(at - start));
}

void record_text_add(struct buf *reply, const struct zone *zone, const struct rr *rr, bool auth,
	const char *name, size_t name_len)
{
	char scratch[RRTYPE_TEXT_SIZE];

	add_record(reply, rrtype_print(rr->type, scratch), name, name_len, rr->content,
		rr->content_len, rr->ttl, zone->id, auth);
}

void record_text_add_empty(struct buf *reply, const struct zone *zone, const struct node *node,
	uint32_t ttl, const char *name, size_t name_len)
{
	add_record(reply, "", name, name_len, "", 0, ttl, zone->id,
		node_is_authoritative(node, RRTYPE_ANY));
}
