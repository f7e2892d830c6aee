#include "protocol/record_text.h"

#include "dns/rdata.h"
#include "dns/rrtype.h"

static void add_record(struct buf *reply, const char *type, const char *name, size_t name_len,
	const char *content, size_t content_len, uint32_t ttl, int32_t domain_id, bool auth)
{
	BUF_ADD_LIT(reply, "{\"qtype\":\"");
	buf_add_str(reply, type);
	BUF_ADD_LIT(reply, "\",\"qname\":\"");
	buf_add(reply, name, name_len);
	BUF_ADD_LIT(reply, "\",\"content\":\"");
	buf_add(reply, content, content_len);
	BUF_ADD_LIT(reply, "\",\"ttl\":");
	buf_add_u64(reply, ttl);
	BUF_ADD_LIT(reply, ",\"domain_id\":");
	buf_add_i64(reply, domain_id);
	if (auth)
		BUF_ADD_LIT(reply, ",\"auth\":1}");
	else
		BUF_ADD_LIT(reply, ",\"auth\":0}");
}

void record_text_add(struct buf *reply, const struct zone *zone, const struct node *node,
	const struct rr *rr, const char *name, size_t name_len)
{
	char scratch[12];

	add_record(reply, rrtype_print(rr->type, scratch), name, name_len, rr->content,
		rr->content_len, rr->ttl, zone->id, node_is_authoritative(node, rr->type));
}

void record_text_add_empty(struct buf *reply, const struct zone *zone, const struct node *node,
	const char *name, size_t name_len)
{
	add_record(reply, "", name, name_len, "", 0, 0, zone->id,
		node_is_authoritative(node, RRTYPE_ANY));
}
