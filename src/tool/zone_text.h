/*
 * zone_text: records of the store as lines of a zone file (RFC 1035 section 5.1).
 *
 * Names in the store are complete, with or without the final dot, in contents too: the lines are
 * for a file that begins with "$ORIGIN .", so that no content need be understood to get that right.
 * What a parser of zone files would take for something else is written as \DDD. Pure.
 */
#ifndef CSDNS_TOOL_ZONE_TEXT_H
#define CSDNS_TOOL_ZONE_TEXT_H

#include "base/buf.h"

#include <stdbool.h>

/* Whether others than PowerDNS know the type: not ALIAS, LUA and the like. */
bool zone_text_is_common(const char *type);
/* Adds name, TTL, class, type and content with tabs between, and a line end. content: with the
 * priority of MX and SRV in front; strings of TXT and SPF are put into quotes, and cut to 255
 * octets each. */
void zone_text_add(
	struct buf *out, const char *name, const char *ttl, const char *type, const char *content);

#endif
