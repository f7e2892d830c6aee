/*
 * record_text: a record as an object of a reply. Private to src/protocol.
 */
#ifndef CSDNS_PROTOCOL_RECORD_TEXT_H
#define CSDNS_PROTOCOL_RECORD_TEXT_H

#include "base/buf.h"
#include "mirror/zone.h"

/* zone: whose number is in the record; NULL leaves it out, which costs PowerDNS less to read, where
 * it does not use it. name: as it stands in JSON, without quotes. auth: is the record
 * authoritative? That it is PowerDNS assumes where nothing is said. */
void record_text_add(struct buf *reply, const struct zone *zone, const struct rr *rr, bool auth,
	struct text name);
/* The record with an empty type by which PowerDNS knows an empty non-terminal. It can be seen in
 * an answer to ANY, with the TTL of a record that has none of its own. */
void record_text_add_empty(
	struct buf *reply, const struct zone *zone, bool auth, uint32_t ttl, struct text name);

#endif
