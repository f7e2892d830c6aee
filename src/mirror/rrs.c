#include "mirror/rrs.h"

#include "base/json_text.h"
#include "dns/rdata.h"

#include <string.h>

/* A packed record: type 2, disabled 1, ttl 4, content_len 4, content. */
#define RR_HEAD 11

static size_t block_size(size_t data)
{
	return offsetof(struct rrs, data) + data;
}

/* The block with room for n more octets of data, or NULL. */
static struct rrs *rrs_grow(struct rrs *rrs, struct pool *pool, size_t n)
{
	size_t size = rrs == NULL ? 0 : rrs->size;

	if (n > UINT32_MAX - size)
		return NULL;
	if (rrs != NULL && pool_size(block_size(size)) >= block_size(size + n))
		return rrs;
	struct rrs *grown = pool_alloc(pool, block_size(size + n));
	if (grown == NULL)
		return NULL;
	if (rrs == NULL)
		memset(grown, 0, sizeof(*grown));
	else
		memcpy(grown, rrs, block_size(size));
	return grown;
}

static uint8_t type_flags(uint16_t type)
{
	switch (type) {
	case RRTYPE_NS:
		return RRS_ENABLED | RRS_DATA | RRS_NS;
	case RRTYPE_DNAME:
		return RRS_ENABLED | RRS_DATA | RRS_DNAME;
	case RRTYPE_CNAME:
		return RRS_ENABLED | RRS_DATA | RRS_CNAME;
	case RRTYPE_DS:
		return RRS_ENABLED | RRS_DATA | RRS_DS;
	case RRTYPE_RRSIG:
		return RRS_ENABLED | RRS_RRSIG;
	default:
		return RRS_ENABLED | RRS_DATA;
	}
}

int rrs_add(struct rrs **rrs, struct pool *pool, const struct rr *rr)
{
	size_t content = json_text_size(rr->content, rr->content_len);
	struct rrs *old = *rrs;
	struct rrs *block = rrs_grow(old, pool, RR_HEAD + content);

	if (block == NULL)
		return -1;
	/* The old size class must be known before the size changes. */
	if (old != NULL && block != old)
		rrs_free(old, pool);

	uint8_t *to = block->data + block->size;
	uint32_t len = (uint32_t)content;
	memcpy(to, &rr->type, 2);
	to[2] = rr->disabled;
	memcpy(to + 3, &rr->ttl, 4);
	memcpy(to + 7, &len, 4);
	(void)json_text_escape((char *)to + RR_HEAD, rr->content, rr->content_len);
	block->size += RR_HEAD + len;
	block->records++;
	if (!rr->disabled)
		block->flags |= type_flags(rr->type);
	*rrs = block;
	return 0;
}

void rrs_free(struct rrs *rrs, struct pool *pool)
{
	if (rrs != NULL)
		pool_release(pool, rrs, block_size(rrs->size));
}

const uint8_t *rrs_next(const struct rrs *rrs, const uint8_t *at, struct rr *rr)
{
	uint8_t disabled;

	if (rrs == NULL)
		return NULL;
	if (at == NULL)
		at = rrs->data;
	if (at == rrs->data + rrs->size)
		return NULL;
	memcpy(&rr->type, at, 2);
	memcpy(&disabled, at + 2, 1);
	rr->disabled = disabled != 0;
	memcpy(&rr->ttl, at + 3, 4);
	memcpy(&rr->content_len, at + 7, 4);
	rr->content = (const char *)at + RR_HEAD;
	return at + RR_HEAD + rr->content_len;
}

bool rrs_find(const struct rrs *rrs, uint16_t type, struct rr *rr)
{
	for (const uint8_t *at = NULL; (at = rrs_next(rrs, at, rr)) != NULL;)
		if (rr->type == type && !rr->disabled)
			return true;
	return false;
}
