/*
 * list: all records of one zone, as it was when the request came, however long the sending takes.
 * Where denial of existence goes by hashes, an empty non-terminal is in it too, as a record with an
 * empty type: PowerDNS makes its NSEC3 in a transfer from that, if it does not rectify the zone
 * itself, which it never does for one that came signed.
 */
#include "base/json_text.h"
#include "mirror/denial.h"
#include "protocol/listing.h"
#include "protocol/record_text.h"

#include <stdlib.h>
#include <string.h>

struct zone_listing {
	struct listing listing; /* first member */
	struct mirror *mirror;	/* a reference, so that a reload does not take the zone away */
	struct zone_pin *pin;
	bool with_disabled;
};

struct listing_part {
	struct zone_listing *listing;
	struct buf *reply;
	size_t zone_text_len;
	char zone_text[2 * NAME_TEXT_MAX]; /* ".zone.", escaped for JSON */
};

static bool is_empty_to_list(
	const struct zone_listing *listing, const struct node *node, const struct rrs *rrs)
{
	return zone_has_hashes(zone_pin_zone(listing->pin)) && !rrs_has(rrs, RRS_ENABLED) &&
	       zone_pin_exists(listing->pin, node);
}

static void add_name(void *arg, const struct node *node, const struct rrs *rrs)
{
	struct listing_part *part = arg;
	char text[NAME_TEXT_MAX];
	char name[4 * NAME_TEXT_MAX];
	struct rr rr;

	size_t text_len = name_print(text, node->name, node->name_len);
	char *end = json_text_escape(name, text, text_len);
	/* At the apex the dot in front of the zone's name goes, unless the zone is the root. */
	bool no_dot = text_len == 0 && part->zone_text_len > 1;
	memcpy(end, part->zone_text + no_dot, part->zone_text_len - no_dot);
	end += part->zone_text_len - no_dot;
	struct text full = {name, (size_t)(end - name)};
	if (is_empty_to_list(part->listing, node, rrs)) {
		listing_separate(&part->listing->listing, part->reply);
		record_text_add_empty(part->reply, NULL,
			zone_pin_authoritative(part->listing->pin, node, 0),
			part->listing->mirror->default_ttl, full);
	}
	for (const uint8_t *at = NULL; (at = rrs_next(rrs, at, &rr)) != NULL;) {
		if (rr.disabled && !part->listing->with_disabled)
			continue;
		listing_separate(&part->listing->listing, part->reply);
		record_text_add(part->reply, NULL, &rr,
			zone_pin_authoritative(part->listing->pin, node, rr.type), full);
	}
}

/* ".zone." as it ends every name of the listing; "." for the root. */
static void part_zone_text(struct listing_part *part, const struct zone *zone)
{
	char text[NAME_TEXT_MAX];
	size_t len = name_print(text, zone->name, zone->name_len);
	char *end = part->zone_text;

	*end++ = '.';
	end = json_text_escape(end, text, len);
	if (len > 0)
		*end++ = '.';
	part->zone_text_len = (size_t)(end - part->zone_text);
}

static int zone_listing_step(struct listing *base, size_t budget, struct buf *reply)
{
	struct zone_listing *listing = (struct zone_listing *)base;
	struct listing_part part = {.listing = listing, .reply = reply};

	part_zone_text(&part, zone_pin_zone(listing->pin));
	return zone_pin_walk(listing->pin, budget, add_name, &part);
}

static const struct zone *zone_listing_zone(const struct listing *base)
{
	return zone_pin_zone(((const struct zone_listing *)base)->pin);
}

static void zone_listing_free(struct listing *base)
{
	struct zone_listing *listing = (struct zone_listing *)base;
	struct zone *zone = zone_pin_zone(listing->pin);

	zone_pin_free(listing->pin);
	if (zone->is_garbage && zone->pins == NULL)
		mirror_discard_zone(listing->mirror, zone);
	mirror_unref(listing->mirror);
	free(listing);
}

static struct listing *zone_listing_new(
	struct mirror *mirror, struct zone *zone, bool with_disabled)
{
	struct zone_listing *listing = calloc(1, sizeof(*listing));

	if (listing == NULL)
		return NULL;
	listing->pin = zone_pin_new(zone);
	if (listing->pin == NULL) {
		free(listing);
		return NULL;
	}
	listing->listing.step = zone_listing_step;
	listing->listing.free = zone_listing_free;
	listing->listing.zone = zone_listing_zone;
	listing->mirror = mirror;
	mirror_ref(mirror);
	listing->with_disabled = with_disabled;
	return &listing->listing;
}

void method_list(struct call *call)
{
	struct mirror *mirror = call->protocol->mirror;
	int64_t id;
	bool with_disabled;

	if (!call_int(call, "domain_id", INT32_MIN, INT32_MAX, &id) ||
		!call_bool_or(call, "include_disabled", false, &with_disabled))
		return;
	struct zone *zone = mirror_find_zone_by_id(mirror, (int32_t)id);
	if (zone == NULL)
		call_fail(call, "list: there is no zone with id %ld", (long)id);
	else
		call_answer_listing(call, zone_listing_new(mirror, zone, with_disabled));
}
