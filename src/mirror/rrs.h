/*
 * rrs: the records of one name of one zone, packed into one block that never changes once it is
 * served. Content is kept as it is sent, escaped for JSON. Disabled records are kept as well, for
 * listings that ask for them.
 */
#ifndef CSDNS_MIRROR_RRS_H
#define CSDNS_MIRROR_RRS_H

#include "base/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RRS_ENABLED = 1, /* at least one record is not disabled */
	RRS_NS = 2,	 /* has an enabled NS: below the apex, a delegation */
	RRS_DNAME = 4,
	RRS_CNAME = 8,
	RRS_DS = 16,
	RRS_DATA = 32, /* anything enabled but RRSIG */
	RRS_RRSIG = 64,
};

struct rrs {
	uint32_t size; /* octets of data */
	uint32_t records;
	uint8_t flags;
	uint8_t data[]; /* records one after the other, unaligned */
};

/* One record; content points into the block. */
struct rr {
	uint16_t type;
	bool disabled;
	uint32_t ttl;	     /* seconds */
	const char *content; /* escaped for JSON, not terminated */
	uint32_t content_len;
};

/* Adds a record; rr->content is plain text. *rrs is NULL or a block, which may move.
 * 0, or -1 when memory is out (the block is as it was). */
int rrs_add(struct rrs **rrs, struct pool *pool, const struct rr *rr)
	__attribute__((warn_unused_result));
/* rrs may be NULL. */
void rrs_free(struct rrs *rrs, struct pool *pool);

/* Walks: at is NULL at first; returns the next position, or NULL at the end. rrs may be NULL. */
const uint8_t *rrs_next(const struct rrs *rrs, const uint8_t *at, struct rr *rr);
/* The first enabled record of the type; false when there is none. */
bool rrs_find(const struct rrs *rrs, uint16_t type, struct rr *rr);

static inline bool rrs_has(const struct rrs *rrs, uint8_t flag)
{
	return rrs != NULL && (rrs->flags & flag) != 0;
}

#endif
