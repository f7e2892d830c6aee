#include "answer.h"

#include "dns/rrtype.h"

#include <string.h>

#define DEPTH_MAX 6

struct asking {
	const struct mirror *mirror;
	uint64_t sum; /* FNV-1a of all that was found */
};

static void resolve(struct asking *asking, const uint8_t *wire, size_t len, int depth);

static void say(struct asking *asking, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++)
		asking->sum = (asking->sum ^ at[i]) * 0x100000001b3U;
	asking->sum = (asking->sum ^ 0xff) * 0x100000001b3U;
}

/* The sum of one record does not depend on those beside it: their order is nobody's business. */
static void say_records(struct asking *asking, const struct rrs *rrs, uint16_t type)
{
	uint64_t sum = 0;
	struct rr rr;

	for (const uint8_t *at = NULL; (at = rrs_next(rrs, at, &rr)) != NULL;) {
		struct asking one = {asking->mirror, 0xcbf29ce484222325U};
		if (rr.disabled || type != rr.type)
			continue;
		say(&one, &rr.type, sizeof(rr.type));
		say(&one, &rr.ttl, sizeof(rr.ttl));
		say(&one, rr.content, rr.content_len);
		sum += one.sum;
	}
	say(asking, &sum, sizeof(sum));
}

static const struct zone *zone_above(const struct mirror *mirror, const uint8_t *wire, size_t len)
{
	uint32_t serial;

	for (size_t at = 0;; at += name_first_label(wire + at, len - at)) {
		const struct zone *zone = mirror_find_zone(mirror, wire + at, len - at);
		if (zone != NULL && zone_serial(zone, &serial))
			return zone;
		if (at == len)
			return NULL;
	}
}

/* The SOA of "no": its third word is the serial. */
static void say_soa(struct asking *asking, const struct zone *zone)
{
	struct rr soa;
	unsigned words = 0;

	if (!rrs_find(zone->apex->rrs, RRTYPE_SOA, &soa))
		return;
	say(asking, &soa.ttl, sizeof(soa.ttl));
	for (uint32_t i = 0; i < soa.content_len; i++) {
		words += soa.content[i] == ' ';
		if (words != 2)
			say(asking, soa.content + i, 1);
	}
}

/* In a signed zone "no", and what is made from a wildcard, is proved by names and their types. */
static void say_denial(struct asking *asking, const struct zone *zone)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; zone->keys != NULL && i < zone->names.buckets; i++) {
		const struct table_entry *entry = table_bucket(&zone->names, i);
		for (; entry != NULL; entry = entry->next) {
			const struct node *node = (const struct node *)entry;
			struct asking one = {asking->mirror, 0xcbf29ce484222325U};
			uint64_t types = 0;
			struct rr rr;
			const uint8_t *at = NULL;
			while ((at = rrs_next(node->rrs, at, &rr)) != NULL)
				types |= rr.disabled ? 0 : 1ULL << rr.type % 61;
			if (!node_exists(node))
				continue;
			say(&one, node->name, node->name_len);
			say(&one, &types, sizeof(types));
			sum += one.sum;
		}
	}
	say(asking, &sum, sizeof(sum));
}

static void say_no(struct asking *asking, const struct zone *zone)
{
	say_soa(asking, zone);
	say_denial(asking, zone);
}

/* Additional records are of these types. */
static void say_additional(struct asking *asking, const struct rrs *rrs)
{
	static const uint16_t types[] = {
		RRTYPE_A, RRTYPE_AAAA, RRTYPE_SRV, RRTYPE_SVCB, RRTYPE_HTTPS};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		say_records(asking, rrs, types[i]);
}

/* Of names in the zone. */
static void say_targets(
	struct asking *asking, const struct zone *zone, const struct rrs *rrs, int depth)
{
	struct rr rr;

	for (const uint8_t *at = NULL; depth < 3 && (at = rrs_next(rrs, at, &rr)) != NULL;) {
		struct name target;
		if (!reference_target(&rr, true, &target) ||
			!name_is_in(target.wire, target.len, zone->name, zone->name_len))
			continue;
		const struct node *node =
			zone_find(zone, target.wire, (size_t)(target.len - zone->name_len));
		if (node == NULL || node->rrs == NULL)
			continue;
		say_additional(asking, node->rrs);
		say_targets(asking, zone, node->rrs, depth + 1);
	}
}

static void say_node(
	struct asking *asking, const struct zone *zone, const struct node *node, int depth)
{
	struct rr rr;
	struct name target;

	for (const uint8_t *at = NULL; (at = rrs_next(node->rrs, at, &rr)) != NULL;)
		if (rr.type != RRTYPE_SOA && !rr.disabled)
			say_records(asking, node->rrs, rr.type);
	if (node->parent == NULL && depth == 0)
		say_records(asking, node->rrs, RRTYPE_SOA);
	say_targets(asking, zone, node->rrs, 0);
	say_no(asking, zone); /* of a type that is not there */
	if (rrs_find(node->rrs, RRTYPE_CNAME, &rr) && reference_target(&rr, true, &target))
		resolve(asking, target.wire, target.len, depth + 1);
}

/* The name's part below `above` is put in front of the DNAME's target. */
static void say_dname(struct asking *asking, const struct node *above, const uint8_t *wire,
	size_t prefix, int depth)
{
	uint8_t made[NAME_WIRE_MAX];
	struct rr rr;
	struct name target;

	say_records(asking, above->rrs, RRTYPE_DNAME);
	if (!rrs_find(above->rrs, RRTYPE_DNAME, &rr) || !reference_target(&rr, true, &target) ||
		prefix + target.len > NAME_WIRE_MAX)
		return;
	memcpy(made, wire, prefix);
	memcpy(made + prefix, target.wire, target.len);
	resolve(asking, made, prefix + target.len, depth + 1);
}

/* The name is not there: a wildcard below the closest encloser may be for it. */
static void say_wildcard(
	struct asking *asking, const struct zone *zone, const uint8_t *wire, size_t len, int depth)
{
	size_t at = 0;
	const struct node *encloser;

	do
		at += name_first_label(wire + at, len - at);
	while ((encloser = zone_find(zone, wire + at, len - at)) == NULL || !node_exists(encloser));
	uint8_t wildcard[NAME_WIRE_MAX + 2] = {1, '*'};
	memcpy(wildcard + 2, wire + at, len - at);
	const struct node *node = zone_find(zone, wildcard, len - at + 2);
	say_no(asking, zone);
	if (node != NULL && node_exists(node))
		say_node(asking, zone, node, depth + 1);
}

static void resolve_in(
	struct asking *asking, const struct zone *zone, const uint8_t *wire, size_t len, int depth)
{
	uint8_t ends[NAME_WIRE_MAX / 2];
	size_t n = 0;

	say(asking, &zone->id, sizeof(zone->id));
	/* From the apex down: relative names begin at these. */
	for (size_t at = 0; at < len; at += name_first_label(wire + at, len - at))
		ends[n++] = (uint8_t)at;
	for (size_t at = len;; at = ends[--n]) {
		const struct node *node = zone_find(zone, wire + at, len - at);
		if (node == NULL || !node_exists(node)) {
			say_wildcard(asking, zone, wire, len, depth);
			return;
		}
		if (at < len && rrs_has(node->rrs, RRS_NS)) {
			say_records(asking, node->rrs, RRTYPE_NS);
			say_records(asking, node->rrs, RRTYPE_DS);
			say_targets(asking, zone, node->rrs, 2);
			say_denial(asking, zone);
			return;
		}
		if (at > 0 && rrs_has(node->rrs, RRS_DNAME)) {
			say_dname(asking, node, wire, at, depth);
			return;
		}
		if (at == 0) {
			say_node(asking, zone, node, depth);
			return;
		}
	}
}

static void resolve(struct asking *asking, const uint8_t *wire, size_t len, int depth)
{
	const struct zone *zone = zone_above(asking->mirror, wire, len);

	say(asking, wire, len);
	if (zone == NULL || depth > DEPTH_MAX)
		return;
	resolve_in(asking, zone, wire, len - zone->name_len, depth);
	/* The DS of a zone is asked of the one above. */
	if (len == zone->name_len && len > 0) {
		size_t label = name_first_label(wire, len);
		zone = zone_above(asking->mirror, wire + label, len - label);
		if (zone != NULL)
			resolve_in(asking, zone, wire, len - zone->name_len, depth + 1);
	}
}

uint64_t answer_of(const struct mirror *mirror, const uint8_t *wire, size_t len)
{
	struct asking asking = {mirror, 0xcbf29ce484222325U};

	resolve(&asking, wire, len, 0);
	return asking.sum;
}
