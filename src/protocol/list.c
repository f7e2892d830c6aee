/*
 * list: all records of one zone, as it was when the request came, however long the sending takes.
 */
#include "base/json_text.h"
#include "protocol/call.h"
#include "protocol/record_text.h"

#include <stdlib.h>
#include <string.h>

struct listing {
	struct mirror *mirror; /* a reference, so that a reload does not take the zone away */
	struct zone_pin *pin;
	bool with_disabled;
	bool is_first; /* no record has been written yet */
};

struct listing_part {
	struct listing *listing;
	struct buf *reply;
	size_t zone_text_len;
	char zone_text[2 * NAME_TEXT_MAX]; /* ".zone.", escaped for JSON */
};

static void add_name(void *arg, const struct node *node, const struct rrs *rrs)
{
	struct listing_part *part = arg;
	const struct zone *zone = zone_pin_zone(part->listing->pin);
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
	for (const uint8_t *at = NULL; (at = rrs_next(rrs, at, &rr)) != NULL;) {
		if (rr.disabled && !part->listing->with_disabled)
			continue;
		if (!part->listing->is_first)
			buf_add_char(part->reply, ',');
		part->listing->is_first = false;
		record_text_add(part->reply, zone, &rr,
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

int listing_step(struct listing *listing, size_t budget, struct buf *reply)
{
	struct listing_part part = {.listing = listing, .reply = reply};

	part_zone_text(&part, zone_pin_zone(listing->pin));
	int done = zone_pin_walk(listing->pin, budget, add_name, &part);
	if (buf_failed(reply))
		return -1;
	if (done == 1)
		BUF_ADD_LIT(reply, "]}\n");
	return done;
}

void listing_free(struct listing *listing)
{
	if (listing == NULL)
		return;
	struct zone *zone = zone_pin_zone(listing->pin);
	zone_pin_free(listing->pin);
	if (zone->is_garbage && zone->pins == NULL)
		mirror_discard_zone(listing->mirror, zone);
	mirror_unref(listing->mirror);
	free(listing);
}

static struct listing *listing_new(struct mirror *mirror, struct zone *zone, bool with_disabled)
{
	struct listing *listing = calloc(1, sizeof(*listing));

	if (listing == NULL)
		return NULL;
	listing->pin = zone_pin_new(zone);
	if (listing->pin == NULL) {
		free(listing);
		return NULL;
	}
	listing->mirror = mirror;
	mirror_ref(mirror);
	listing->with_disabled = with_disabled;
	listing->is_first = true;
	return listing;
}

void method_list(struct call *call)
{
	int64_t id;
	bool with_disabled;

	if (!call_int(call, "domain_id", INT32_MIN, INT32_MAX, &id) ||
		!call_bool_or(call, "include_disabled", false, &with_disabled))
		return;
	struct zone *zone = mirror_find_zone_by_id(call->protocol->mirror, (int32_t)id);
	if (zone == NULL) {
		call_fail(call, "list: there is no zone with id %ld", (long)id);
		return;
	}
	call->answer->listing = listing_new(call->protocol->mirror, zone, with_disabled);
	if (call->answer->listing == NULL) {
		call->reply->failed = true;
		return;
	}
	call->answer->kind = ANSWER_LISTING;
	BUF_ADD_LIT(call->reply, "{\"result\":[");
}
