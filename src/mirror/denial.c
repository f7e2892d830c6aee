#include "mirror/denial.h"

#include <stdlib.h>
#include <string.h>

/* ---- which order ---- */

static uint64_t hash_prefix(const uint8_t *hash)
{
	uint64_t prefix = 0;

	for (size_t i = 0; i < sizeof(prefix); i++)
		prefix = prefix << 8 | hash[i];
	return prefix;
}

static struct order_key name_key(const uint8_t *name, size_t len)
{
	return (struct order_key){name_order_prefix(name, len), name, len};
}

static struct order_key hash_key(const uint8_t *hash)
{
	return (struct order_key){hash_prefix(hash), hash, NSEC3_HASH_SIZE};
}

static struct order_key node_key(const struct zone *zone, const struct node *node)
{
	return zone->denial->has_hashes ? hash_key(node_tail_const(node)->hash)
					: name_key(node->name, node->name_len);
}

static int compare_names(const struct order_key *key, const void *item)
{
	const struct node *node = item;

	return name_compare(key->octets, key->len, node->name, node->name_len);
}

static int compare_hashes(const struct order_key *key, const void *item)
{
	return memcmp(key->octets, node_tail_const(item)->hash, NSEC3_HASH_SIZE);
}

int denial_begin(struct zone *zone)
{
	bool is_presigned = zone_setting_is_one(zone, "PRESIGNED");
	struct text param = zone_setting(zone, "NSEC3PARAM");
	bool is_narrow = !is_presigned && zone_setting_is_one(zone, "NSEC3NARROW");

	if ((zone->keys == NULL && !is_presigned) || (param.len > 0 && is_narrow))
		return 0;
	struct denial *denial = pool_alloc(zone->pool, sizeof(*denial));
	if (denial == NULL)
		return -1;
	denial->is_presigned = is_presigned;
	denial->has_hashes = nsec3_params_parse(&denial->params, param.at, param.len);
	order_init(&denial->order, zone->pool, denial->has_hashes ? compare_hashes : compare_names);
	zone->denial = denial;
	return 0;
}

bool denial_free_step(struct zone *zone, size_t *budget)
{
	if (zone->denial == NULL)
		return true;
	if (!order_free_step(&zone->denial->order, budget))
		return false;
	pool_release(zone->pool, zone->denial, sizeof(*zone->denial));
	zone->denial = NULL;
	return true;
}

int denial_node_made(const struct zone *zone, struct node *node)
{
	if (!zone_has_hashes(zone))
		return 0;
	struct node_tail *tail = node_tail(node);
	tail->child = tail->prev = tail->next = NULL;
	return nsec3_hash(tail->hash, &zone->denial->params, node->name, node->name_len, zone->name,
		zone->name_len);
}

void denial_node_joined(const struct zone *zone, struct node *node)
{
	if (!zone_has_hashes(zone))
		return;
	struct node_tail *parent = node_tail(node->parent);
	struct node *next = parent->child;
	node_tail(node)->next = next;
	if (next != NULL)
		node_tail(next)->prev = node;
	parent->child = node;
}

static void leave_parent(struct node *node)
{
	struct node *prev = node_tail(node)->prev;
	struct node *next = node_tail(node)->next;

	if (prev != NULL)
		node_tail(prev)->next = next;
	else
		node_tail(node->parent)->child = next;
	if (next != NULL)
		node_tail(next)->prev = prev;
}

/* What comes behind the node, of all that is below `top`; of what is below the node itself only
 * where it goes deeper. NULL at the end. */
static struct node *next_below(const struct node *top, struct node *node, bool is_deeper)
{
	if (is_deeper && node_tail(node)->child != NULL)
		return node_tail(node)->child;
	while (node != top && node_tail(node)->next == NULL)
		node = node->parent;
	return node == top ? NULL : node_tail(node)->next;
}

/* ---- what is in the order ---- */

/* With opt-out a delegation that is not signed has no NSEC3. An empty non-terminal always has one,
 * even where RFC 5155 section 7.1 lets it be left out: PowerDNS proves with it that a name below is
 * not there, and gpgsql makes one up for that. */
static bool is_left_out(const struct zone *zone, const struct node *node)
{
	return zone->denial->params.is_opt_out && node->parent != NULL &&
	       rrs_has(node->rrs, RRS_NS) && !rrs_has(node->rrs, RRS_DS);
}

/* May the node be in the chain? */
static bool is_wanted(const struct zone *zone, const struct node *node)
{
	if (!zone->denial->has_hashes)
		return rrs_has(node->rrs, RRS_DATA);
	/* A signed zone that came by transfer may have more in its chain than it needs. */
	return node_exists(node) && (zone->denial->is_presigned || !is_left_out(zone, node));
}

static int node_enter(struct zone *zone, struct node *node)
{
	struct order_key key = node_key(zone, node);

	if (node->is_ordered)
		return 0;
	if (order_add(&zone->denial->order, &key, node) < 0)
		return -1;
	node->is_ordered = 1;
	return 0;
}

static void node_leave(struct zone *zone, struct node *node)
{
	struct order_key key = node_key(zone, node);

	order_remove(&zone->denial->order, &key);
	node->is_ordered = 0;
}

void denial_node_gone(struct zone *zone, struct node *node)
{
	if (node->is_ordered)
		node_leave(zone, node);
	if (zone_has_hashes(zone))
		leave_parent(node);
}

static bool is_delegation(const struct node *node)
{
	return node->parent != NULL && rrs_has(node->rrs, RRS_NS);
}

/* The topmost delegation that the node lies below, or NULL. */
static const struct node *delegation_above(const struct node *node)
{
	const struct node *found = NULL;

	for (node = node->parent; node != NULL; node = node->parent)
		if (is_delegation(node))
			found = node;
	return found;
}

/* Does a delegation keep names out of the order? */
static bool has_hiding(const struct zone *zone)
{
	return zone_has_hashes(zone) && !zone->denial->is_presigned;
}

/* The delegation may go: what it hides, and no other one below it. */
static int enter_below(struct zone *zone, struct node *delegation)
{
	struct node *node = next_below(delegation, delegation, true);

	for (; node != NULL; node = next_below(delegation, node, !is_delegation(node)))
		if (is_wanted(zone, node) && node_enter(zone, node) < 0)
			return -1;
	return 0;
}

static void leave_below(struct zone *zone, struct node *top)
{
	struct node *node = next_below(top, top, true);

	for (; node != NULL; node = next_below(top, node, true))
		if (node->is_ordered)
			node_leave(zone, node);
}

int denial_expect(struct zone *zone, struct node *node)
{
	if (zone->denial == NULL)
		return 0;
	if (!zone->denial->has_hashes)
		return node_enter(zone, node);
	/* What it will make exist. */
	for (; node != NULL; node = node->parent)
		if (node_enter(zone, node) < 0)
			return -1;
	return 0;
}

int denial_touch(struct zone *zone, struct node *node)
{
	if (!zone_has_hashes(zone) || node->child_nodes == 0)
		return 0;
	/* A delegation that goes may leave an empty non-terminal. */
	if (denial_expect(zone, node) < 0)
		return -1;
	return has_hiding(zone) && is_delegation(node) ? enter_below(zone, node) : 0;
}

/* In the order, and nothing is expected of it? */
static bool is_done(const struct zone *zone, const struct node *node)
{
	return node->is_ordered &&
	       (!is_wanted(zone, node) || (has_hiding(zone) && delegation_above(node) != NULL));
}

void denial_settle(struct zone *zone, struct node *node)
{
	if (zone->denial == NULL)
		return;
	if (has_hiding(zone) && node->child_nodes > 0 &&
		(is_delegation(node) || delegation_above(node) != NULL))
		leave_below(zone, node);
	for (; node != NULL; node = node->parent)
		if (is_done(zone, node))
			node_leave(zone, node);
}

/* ---- neighbours ---- */

/* Has the zone a signature for the NSEC3 of this node? Its owner is the hash. */
static bool has_signed_hash(const struct zone *zone, const struct node *node)
{
	uint8_t owner[1 + NSEC3_TEXT_SIZE] = {NSEC3_TEXT_SIZE};

	nsec3_print((char *)owner + 1, node_tail_const(node)->hash);
	const struct node *found = zone_find(zone, owner, sizeof(owner));
	return found != NULL && rrs_has(found->rrs, RRS_RRSIG);
}

/* Is the node, which is in the order, in the chain? */
static bool is_in_chain(const struct zone *zone, const struct node *node)
{
	if (!is_wanted(zone, node))
		return false;
	if (zone_has_hashes(zone) && zone->denial->is_presigned)
		return has_signed_hash(zone, node);
	return delegation_above(node) == NULL;
}

bool zone_empty_is_authoritative(const struct zone *zone, const struct node *node)
{
	return zone_has_hashes(zone) && zone->denial->is_presigned ? is_in_chain(zone, node)
								   : delegation_above(node) == NULL;
}

/* From something below the delegation to the last that lies there. What comes next could at least
 * be the delegation's label with a zero octet behind it. */
static void seek_end(
	const struct zone *zone, const struct node *delegation, struct order_place *place)
{
	uint8_t name[NAME_WIRE_MAX + 1];
	size_t label = name_first_label(delegation->name, delegation->name_len);

	memcpy(name, delegation->name, label);
	name[0] = (uint8_t)label; /* one octet more */
	name[label] = 0;
	memcpy(name + label + 1, delegation->name + label, delegation->name_len - label);
	struct order_key key = name_key(name, delegation->name_len + 1U);
	(void)order_seek(&zone->denial->order, &key, place);
	const struct node *found = order_item(place);
	if (!name_is_in(found->name, found->name_len, delegation->name, delegation->name_len))
		(void)order_prev(place); /* that very name */
}

/* From the place on backward to one in the chain; NULL when there is none up to the beginning. */
static const struct node *chain_back(const struct zone *zone, struct order_place *place)
{
	do {
		const struct node *node = order_item(place);
		if (is_in_chain(zone, node))
			return node;
		const struct node *above = zone_has_hashes(zone) ? NULL : delegation_above(node);
		if (above != NULL && is_in_chain(zone, above))
			return above;
	} while (order_prev(place));
	return NULL;
}

static const struct node *chain_forward(const struct zone *zone, struct order_place *place)
{
	do {
		const struct node *node = order_item(place);
		if (is_in_chain(zone, node))
			return node;
		const struct node *above = zone_has_hashes(zone) ? NULL : delegation_above(node);
		if (above != NULL)
			seek_end(zone, above, place);
	} while (order_next(place));
	return NULL;
}

static bool find_neighbours(
	const struct zone *zone, const struct order_key *key, struct neighbours *neighbours)
{
	const struct order *order = &zone->denial->order;
	struct order_place place;
	struct order_place next;

	neighbours->before = neighbours->after = NULL;
	if (order_seek(order, key, &place)) {
		next = place;
		neighbours->before = chain_back(zone, &place);
		if (order_next(&next))
			neighbours->after = chain_forward(zone, &next);
	}
	if (neighbours->before == NULL && order_last(order, &place))
		neighbours->before = chain_back(zone, &place);
	if (neighbours->after == NULL && order_first(order, &next))
		neighbours->after = chain_forward(zone, &next);
	return neighbours->before != NULL && neighbours->after != NULL;
}

bool zone_name_neighbours(
	const struct zone *zone, const uint8_t *name, size_t len, struct neighbours *neighbours)
{
	struct order_key key = name_key(name, len);

	return zone->denial != NULL && !zone->denial->has_hashes &&
	       find_neighbours(zone, &key, neighbours);
}

bool zone_hash_neighbours(
	const struct zone *zone, const uint8_t hash[NSEC3_HASH_SIZE], struct neighbours *neighbours)
{
	struct order_key key = hash_key(hash);

	return zone_has_hashes(zone) && find_neighbours(zone, &key, neighbours);
}
