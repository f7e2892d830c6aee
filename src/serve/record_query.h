/*
 * record_query: which records somebody wants to see, and writing those that are among them. Private
 * to src/serve.
 */
#ifndef CSDNS_SERVE_RECORD_QUERY_H
#define CSDNS_SERVE_RECORD_QUERY_H

#include "base/buf.h"
#include "mirror/mirror.h"

#include <event2/keyvalq_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_PAGE_DEFAULT 500
#define RECORD_PAGE_MAX	    5000

struct record_query {
	bool has_zone;
	struct name zone;
	bool has_name;
	struct name name;
	uint16_t type; /* 0: all */
	uint64_t skip; /* records before those that are wanted */
	uint64_t left; /* records that are still wanted */
	bool is_first; /* nothing has been written yet */
};

/* From the parameters zone, name, type, page, pagesize. NULL, or what is wrong with them. */
const char *record_query_parse(struct record_query *query, const struct evkeyvalq *parameters)
	__attribute__((warn_unused_result));

/* Writes those records of one name that are wanted, as objects of a JSON array. The name is
 * relative to the zone. */
void record_query_add(struct record_query *query, struct buf *out, const struct zone *zone,
	const uint8_t *name, size_t len, const struct rrs *rrs);

#endif
