/*
 * scan: recognises a lookup in exactly the spelling in which PowerDNS sends it, without building a
 * JSON tree. Nearly every request is one, and building the tree costs more than the answer.
 * Whatever is spelled otherwise in any way is left to the JSON parser; a fuzz target holds that
 * both see the same. Private to src/protocol.
 */
#ifndef CSDNS_PROTOCOL_SCAN_H
#define CSDNS_PROTOCOL_SCAN_H

#include "mirror/rows.h"

#include <stdbool.h>

/* What a lookup asks; text is borrowed from the request. */
struct lookup_request {
	struct text qname; /* as it is meant: no escapes of JSON are left */
	struct text qtype;
	int64_t zone_id; /* -1: any */
	bool with_disabled;
};

/* False when the request is not in that spelling, which says nothing about it. */
bool lookup_scan(const char *request, size_t len, struct lookup_request *lookup);

#endif
