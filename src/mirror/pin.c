/*
 * Pins: a view of a zone as it was, for a listing that goes on over many turns, and the setting of
 * a node's records, which has to keep for the pins what it replaces.
 */
#include "mirror/zone.h"

#include "dns/rrtype.h"
#include "mirror/denial.h"

#include <string.h>

/* What a node had when the pin was made, for a node that has changed since. */
struct undo {
	struct table_entry entry; /* in pin->undo; first member */
	const struct node *node;
	struct rrs *rrs; /* in zone->retired, or NULL */
	bool existed;
};

/* A block that pins may see, or a node that may have to be pruned; one of them is NULL. A node is
 * in the list once: node->in_limbo says that it is. */
struct retired {
	struct retired *next;
	struct node *node;
	struct rrs *rrs;
};

struct zone_pin {
	struct zone_pin *next; /* in zone->pins */
	struct zone *zone;
	struct table undo;
	uint32_t bucket; /* the next one to walk */
	bool is_broken;	 /* memory ran out while a change had to be kept: the view is lost */
};

static bool undo_is_of(const struct table_entry *entry, const void *node)
{
	return ((const struct undo *)entry)->node == node;
}

static struct undo *undo_find(const struct zone_pin *pin, const struct node *node)
{
	return (struct undo *)table_find(&pin->undo, table_hash_address(node), undo_is_of, node);
}

/* Keeps for a pin what the node has now; false when the pin does not see these records. */
static bool pin_keep(struct zone_pin *pin, const struct node *node, bool exists)
{
	if (pin->is_broken)
		return false;
	struct undo *undo = undo_find(pin, node);
	if (undo != NULL)
		return undo->rrs == node->rrs; /* kept because it came into existence or went */
	undo = pool_alloc(pin->zone->pool, sizeof(*undo));
	if (undo == NULL) {
		pin->is_broken = true;
		return false;
	}
	undo->entry.hash = table_hash_address(node);
	undo->node = node;
	undo->rrs = node->rrs;
	undo->existed = exists;
	if (table_add(&pin->undo, &undo->entry) < 0) {
		pool_release(pin->zone->pool, undo, sizeof(*undo));
		pin->is_broken = true;
		return false;
	}
	return true;
}

/* Where this finds no memory the block or node stays for good: a leak, rather than a view of freed
 * memory. */
void zone_keep_for_pins(struct zone *zone, struct node *node, struct rrs *rrs)
{
	struct retired *retired = pool_alloc(zone->pool, sizeof(*retired));

	if (retired == NULL)
		return;
	retired->next = zone->retired;
	retired->node = node;
	retired->rrs = rrs;
	zone->retired = retired;
	if (node != NULL)
		node->in_limbo = 1;
}

/* Tells the ancestors that the node came into or went out of existence. Returns the topmost node of
 * which that is true. */
static struct node *existence_changed(struct zone *zone, struct node *node, bool exists)
{
	for (struct node *parent = node->parent; parent != NULL; parent = parent->parent) {
		bool before = node_exists(parent);
		parent->entry.owner += exists ? 1 : (uint32_t)-1;
		if (node_exists(parent) == before)
			break;
		for (struct zone_pin *pin = zone->pins; pin != NULL; pin = pin->next)
			(void)pin_keep(pin, parent, before);
		node = parent;
	}
	return node;
}

struct rrs *zone_swap(struct zone *zone, struct node *node, struct rrs *rrs, struct node **changed)
{
	struct rrs *old = node->rrs;
	bool before = node_exists(node);
	bool is_seen = false;

	zone_count(zone, (rrs == NULL ? 0 : (int64_t)rrs->records) -
				 (old == NULL ? 0 : (int64_t)old->records));
	for (struct zone_pin *pin = zone->pins; pin != NULL; pin = pin->next)
		is_seen |= pin_keep(pin, node, before);
	node->rrs = rrs;
	*changed = node_exists(node) == before ? NULL : existence_changed(zone, node, !before);
	if (is_seen && old != NULL) {
		zone_keep_for_pins(zone, NULL, old);
		return NULL;
	}
	return old;
}

int zone_append(struct zone *zone, struct node *node, const struct rr *rr)
{
	bool before = node_exists(node);

	int rc = rr->disabled ? 0 : denial_expect(zone, node);

	if (rc == 0)
		rc = rrs_add(&node->rrs, zone->pool, rr);
	if (rc == 0) {
		zone_count(zone, 1);
		if (node_exists(node) != before)
			(void)existence_changed(zone, node, !before);
		rc = references_add(zone, node, rr, false);
	}
	denial_settle(zone, node);
	return rc;
}

struct zone_pin *zone_pin_new(struct zone *zone)
{
	struct zone_pin *pin = pool_alloc(zone->pool, sizeof(*pin));

	if (pin == NULL)
		return NULL;
	memset(pin, 0, sizeof(*pin));
	pin->zone = zone;
	table_init(&pin->undo, zone->pool);
	pin->next = zone->pins;
	zone->pins = pin;
	table_hold(&zone->names);
	return pin;
}

bool zone_pin_exists(const struct zone_pin *pin, const struct node *node)
{
	const struct undo *undo = pin->undo.entries == 0 ? NULL : undo_find(pin, node);

	return undo == NULL ? node_exists(node) : undo->existed;
}

/* What the node had when the pin was made. */
static const struct rrs *pin_rrs(const struct zone_pin *pin, const struct node *node)
{
	const struct undo *undo = pin->undo.entries == 0 ? NULL : undo_find(pin, node);

	return undo == NULL ? node->rrs : undo->rrs;
}

bool zone_pin_authoritative(const struct zone_pin *pin, const struct node *node, uint16_t type)
{
	if (node->parent == NULL || type == RRTYPE_RRSIG)
		return true;
	if (rrs_has(pin_rrs(pin, node), RRS_NS) && type != RRTYPE_DS)
		return false;
	for (node = node->parent; node->parent != NULL; node = node->parent)
		if (rrs_has(pin_rrs(pin, node), RRS_NS))
			return false;
	return true;
}

/* Nodes and their records lie all over memory: they are on their way while others are looked at. */
static void fetch_ahead(const struct table *names, uint32_t bucket)
{
	const uint32_t ahead = 8;

	if (names->buckets - bucket > 2 * ahead)
		__builtin_prefetch(table_bucket(names, bucket + 2 * ahead));
	if (names->buckets - bucket > ahead) {
		const struct table_entry *entry = table_bucket(names, bucket + ahead);
		if (entry != NULL)
			__builtin_prefetch(((const struct node *)entry)->rrs);
	}
}

int zone_pin_walk(struct zone_pin *pin, size_t budget, zone_name_fn fn, void *arg)
{
	const struct table *names = &pin->zone->names;
	size_t shown = 0;

	while (pin->bucket < names->buckets && shown < budget && !pin->is_broken) {
		fetch_ahead(names, pin->bucket);
		const struct table_entry *entry = table_bucket(names, pin->bucket++);
		for (; entry != NULL; entry = entry->next) {
			const struct node *node = (const struct node *)entry;
			const struct rrs *rrs = pin_rrs(pin, node);
			if (rrs == NULL && !zone_pin_exists(pin, node))
				continue;
			fn(arg, node, rrs);
			shown++;
		}
	}
	if (pin->is_broken)
		return -1;
	return pin->bucket == names->buckets;
}

static void undo_free(struct zone_pin *pin)
{
	for (uint32_t i = 0; i < pin->undo.buckets; i++) {
		struct table_entry *entry = table_bucket(&pin->undo, i);
		while (entry != NULL) {
			struct table_entry *next = entry->next;
			pool_release(pin->zone->pool, entry, sizeof(struct undo));
			entry = next;
		}
	}
	table_fini(&pin->undo);
}

/* No pin is left. A node's ancestors may be in the list as well: being in limbo keeps them until
 * their own turn. */
static void retired_free(struct zone *zone)
{
	struct retired *retired = zone->retired;

	zone->retired = NULL;
	while (retired != NULL) {
		struct retired *next = retired->next;
		if (retired->node != NULL) {
			retired->node->in_limbo = 0;
			zone_prune(zone, retired->node);
		}
		rrs_free(retired->rrs, zone->pool);
		pool_release(zone->pool, retired, sizeof(*retired));
		retired = next;
	}
}

void zone_pin_free(struct zone_pin *pin)
{
	struct zone *zone = pin->zone;
	struct zone_pin **at = &zone->pins;

	while (*at != pin)
		at = &(*at)->next;
	*at = pin->next;
	table_unhold(&zone->names);
	undo_free(pin);
	pool_release(zone->pool, pin, sizeof(*pin));
	if (zone->pins == NULL)
		retired_free(zone);
}

struct zone *zone_pin_zone(const struct zone_pin *pin)
{
	return pin->zone;
}
