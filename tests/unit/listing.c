#include "unit.h"

#include "listing.h"

#include "dns/rrtype.h"
#include "store_check.h"

void listing_begin(struct listing *listing, struct mirror *mirror, struct model *model)
{
	const struct model_zone *expected = &PICK(model->zones);

	if (expected->id == 0)
		return;
	memset(listing, 0, sizeof(*listing));
	listing->pin = zone_pin_new(mirror_find_zone_by_id(mirror, expected->id));
	if (listing->pin == NULL)
		return;
	mirror_ref(mirror);
	listing->mirror = mirror;
	listing->expected = *expected;
}

static bool node_has_name(const struct zone *zone, const struct node *node, const char *text)
{
	struct name name;

	assert_int_equal(name_parse(&name, text, strlen(text)), NAME_OK);
	return name.len == node->name_len + zone->name_len &&
	       memcmp(name.wire, node->name, node->name_len) == 0;
}

/* Is each record of the name authoritative just where the pinned zone says so? */
static bool expected_auth(const struct model_zone *zone, const struct model_record *record)
{
	for (unsigned i = 0; i < zone->n_records; i++) {
		const struct model_record *ns = &zone->records[i];
		if (strcmp(ns->type, "NS") != 0 || ns->disabled ||
			strcmp(ns->name, zone->name) == 0 ||
			!store_is_below(record->name, ns->name))
			continue;
		if (strcmp(record->type, "DS") != 0 || strcmp(record->name, ns->name) != 0)
			return false;
	}
	return true;
}

/* No record has this name, but one below it has. */
static void check_empty(const struct model_zone *expected, const struct zone *zone,
	const struct node *node, const struct rrs *rrs)
{
	bool is_above = false;

	assert_null(rrs);
	for (unsigned i = 0; i < expected->n_records; i++) {
		struct name name;
		assert_int_equal(name_parse(&name, expected->records[i].name,
					 strlen(expected->records[i].name)),
			NAME_OK);
		size_t len = name.len - zone->name_len;
		is_above |=
			!expected->records[i].disabled && len > node->name_len &&
			memcmp(name.wire + len - node->name_len, node->name, node->name_len) == 0;
	}
	assert_true(is_above);
}

void listing_on_name(void *arg, const struct node *node, const struct rrs *rrs)
{
	struct listing *listing = arg;
	const struct model_zone *expected = &listing->expected;
	const char *name = NULL;

	for (unsigned i = 0; i < expected->n_records; i++) {
		const struct model_record *record = &expected->records[i];
		if (!node_has_name(zone_pin_zone(listing->pin), node, record->name))
			continue;
		name = record->name;
		assert_false(listing->is_seen[i]);
		listing->is_seen[i] = true;
		assert_int_equal(zone_pin_authoritative(listing->pin, node,
					 rrtype_parse(record->type, strlen(record->type))),
			expected_auth(expected, record));
	}
	if (name != NULL)
		store_check_records(expected, name, rrs);
	else
		check_empty(expected, zone_pin_zone(listing->pin), node, rrs);
}

void listing_end(struct listing *listing)
{
	struct zone *zone = zone_pin_zone(listing->pin);

	zone_pin_free(listing->pin);
	if (zone->is_garbage && zone->pins == NULL)
		mirror_discard_zone(listing->mirror, zone);
	mirror_unref(listing->mirror);
	listing->pin = NULL;
}

void listing_go_on(struct listing *listing)
{
	if (listing->is_done || unit_random(20) == 0) {
		listing_end(listing);
		return;
	}
	int done = zone_pin_walk(listing->pin, 1 + unit_random(4), listing_on_name, listing);
	assert_in_range(done, 0, 1);
	if (done == 1) {
		listing->is_done = true;
		for (unsigned i = 0; i < listing->expected.n_records; i++)
			assert_true(listing->is_seen[i]);
	}
}
