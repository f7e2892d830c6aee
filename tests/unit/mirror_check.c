#include "mirror_check.h"

#include "unit.h"

#include "dns/rrtype.h"
#include "mirror/denial.h"

typedef void (*node_fn)(void *arg, const struct node *node);

static void each_node(const struct zone *zone, node_fn fn, void *arg)
{
	for (uint32_t i = 0; i < zone->names.buckets; i++) {
		const struct table_entry *entry = table_bucket(&zone->names, i);
		for (; entry != NULL; entry = entry->next)
			fn(arg, (const struct node *)entry);
	}
}

/* ---- existence ---- */

struct existence {
	const struct node *above;
	bool exists;
};

static bool has_enabled(const struct rrs *rrs)
{
	struct rr rr;

	for (const uint8_t *at = NULL; (at = rrs_next(rrs, at, &rr)) != NULL;)
		if (!rr.disabled)
			return true;
	return false;
}

static void look_below(void *arg, const struct node *node)
{
	struct existence *existence = arg;

	if (has_enabled(node->rrs) && name_is_in(node->name, node->name_len, existence->above->name,
					      existence->above->name_len))
		existence->exists = true;
}

/* Does a name exist by its records and those below it, counted anew? */
static bool node_exists_recounted(const struct zone *zone, const struct node *node)
{
	struct existence existence = {node, false};

	each_node(zone, look_below, &existence);
	return existence.exists;
}

/* ---- one zone ---- */

struct children {
	const struct zone *zone;
	const struct node *parent;
	uint32_t nodes;
	uint32_t existing;
};

static void count_child(void *arg, const struct node *node)
{
	struct children *children = arg;

	if (node->parent != children->parent)
		return;
	children->nodes++;
	if (node_exists_recounted(children->zone, node))
		children->existing++;
}

static uint8_t flag_of(uint16_t type)
{
	return type == RRTYPE_NS      ? RRS_NS
	       : type == RRTYPE_DS    ? RRS_DS
	       : type == RRTYPE_RRSIG ? RRS_RRSIG
	       : type == RRTYPE_DNAME ? RRS_DNAME
	       : type == RRTYPE_CNAME ? RRS_CNAME
				      : 0;
}

static void check_rrs(const struct rrs *rrs)
{
	uint8_t flags = 0;
	uint32_t records = 0;
	struct rr rr;

	if (rrs == NULL)
		return;
	for (const uint8_t *at = NULL; (at = rrs_next(rrs, at, &rr)) != NULL; records++)
		if (!rr.disabled)
			flags |= RRS_ENABLED | flag_of(rr.type) |
				 (rr.type == RRTYPE_RRSIG ? 0 : RRS_DATA);
	assert_int_equal(rrs->records, records);
	assert_true(records > 0);
	assert_int_equal(rrs->flags, flags);
}

struct sums {
	const struct zone *zone;
	bool is_quiet;
	uint64_t records;
	uint32_t nodes;
	uint32_t ordered;
};

/* They are a list. */
static void check_children(const struct node *node)
{
	const struct node *prev = NULL;
	uint32_t n = 0;

	for (const struct node *child = node_tail_const(node)->child; child != NULL;
		child = node_tail_const(child)->next) {
		assert_ptr_equal(child->parent, node);
		assert_ptr_equal(node_tail_const(child)->prev, prev);
		prev = child;
		n++;
	}
	assert_int_equal(n, node->child_nodes);
}

static void check_node(void *arg, const struct node *node)
{
	struct sums *sums = arg;
	struct children children = {sums->zone, node, 0, 0};

	assert_ptr_equal(zone_find(sums->zone, node->name, node->name_len), node);
	if (node->name_len == 0) {
		assert_null(node->parent);
		assert_ptr_equal(sums->zone->apex, node);
	} else {
		size_t label = name_first_label(node->name, node->name_len);
		const struct node *parent =
			zone_find(sums->zone, node->name + label, node->name_len - label);
		assert_non_null(parent);
		assert_ptr_equal(node->parent, parent);
	}
	each_node(sums->zone, count_child, &children);
	assert_int_equal(node->child_nodes, children.nodes);
	if (zone_has_hashes(sums->zone))
		check_children(node);
	assert_int_equal(node->entry.owner, children.existing);
	assert_int_equal(node_exists(node), node_exists_recounted(sums->zone, node));
	if (sums->zone->pins == NULL)
		assert_int_equal(node->in_limbo, 0);
	if (sums->is_quiet && sums->zone->pins == NULL)
		assert_true(node->parent == NULL || node->rrs != NULL || node->child_nodes > 0);
	check_rrs(node->rrs);
	sums->records += node->rrs == NULL ? 0 : node->rrs->records;
	sums->nodes++;
}

/* ---- the order ---- */

static bool is_below_delegation(const struct node *node)
{
	for (node = node->parent; node != NULL; node = node->parent)
		if (node->parent != NULL && rrs_has(node->rrs, RRS_NS))
			return true;
	return false;
}

static bool is_wanted(const struct zone *zone, const struct node *node)
{
	if (!zone->denial->has_hashes)
		return rrs_has(node->rrs, RRS_DATA);
	if (!zone->denial->is_presigned && is_below_delegation(node))
		return false;
	if (zone->denial->params.is_opt_out && !zone->denial->is_presigned &&
		node->parent != NULL && rrs_has(node->rrs, RRS_NS) && !rrs_has(node->rrs, RRS_DS))
		return false;
	return node_exists(node);
}

static void check_ordered(void *arg, const struct node *node)
{
	struct sums *sums = arg;
	const struct zone *zone = sums->zone;

	sums->ordered += node->is_ordered;
	if (zone->denial == NULL)
		return;
	if (is_wanted(zone, node))
		assert_int_equal(node->is_ordered, 1);
	else if (sums->is_quiet && zone->pins == NULL)
		assert_int_equal(node->is_ordered, 0);
}

static void check_in_order(const struct zone *zone, const struct node *a, const struct node *b)
{
	if (zone->denial->has_hashes)
		assert_true(memcmp(node_tail_const(a)->hash, node_tail_const(b)->hash,
				    NSEC3_HASH_SIZE) < 0);
	else
		assert_true(name_compare(a->name, a->name_len, b->name, b->name_len) < 0);
}

static void check_order(const struct zone *zone, bool is_quiet)
{
	struct sums sums = {.zone = zone, .is_quiet = is_quiet};
	struct order_place place;
	uint32_t entries = 0;
	const struct node *last = NULL;

	each_node(zone, check_ordered, &sums);
	if (zone->denial == NULL) {
		assert_int_equal(sums.ordered, 0);
		return;
	}
	bool more = order_first(&zone->denial->order, &place);
	for (; more; more = order_next(&place), entries++) {
		const struct node *node = order_item(&place);
		assert_true(node->is_ordered);
		if (last != NULL)
			check_in_order(zone, last, node);
		last = node;
	}
	assert_int_equal(entries, sums.ordered);
	assert_int_equal(entries, zone->denial->order.entries);
}

/* ---- references ---- */

/* Does the node have a record that points there? */
static bool points(const struct reference *reference, const struct zone *inside_of)
{
	struct rr rr;
	struct name target;

	for (const uint8_t *at = NULL; (at = rrs_next(reference->node->rrs, at, &rr)) != NULL;) {
		if (!reference_target(&rr, true, &target))
			continue;
		size_t zone_len = inside_of == NULL ? 0 : inside_of->name_len;
		if (target.len == reference->target_len + zone_len &&
			memcmp(target.wire, reference->target, reference->target_len) == 0 &&
			(inside_of == NULL || memcmp(target.wire + reference->target_len,
						      inside_of->name, zone_len) == 0))
			return true;
	}
	return false;
}

static void check_references(const struct order *order, const struct zone *inside_of, bool is_quiet)
{
	const struct reference *last = NULL;
	struct order_place place;
	uint32_t entries = 0;

	bool more = order_first(order, &place);
	for (; more; more = order_next(&place), entries++) {
		const struct reference *reference = order_item(&place);
		int compared = last == NULL ? -1
					    : name_compare(last->target, last->target_len,
						      reference->target, reference->target_len);
		assert_true(compared < 0 ||
			    (compared == 0 && (uintptr_t)last->node < (uintptr_t)reference->node));
		if (inside_of != NULL)
			assert_ptr_equal(reference->zone, inside_of);
		if (is_quiet) {
			assert_false(reference->is_old || reference->is_new);
			assert_true(points(reference, inside_of));
		}
		last = reference;
	}
	assert_int_equal(entries, order->entries);
}

void zone_check(const struct zone *zone, bool is_quiet)
{
	struct sums sums = {.zone = zone, .is_quiet = is_quiet};

	assert_non_null(zone->apex);
	assert_non_null(zone->info);
	each_node(zone, check_node, &sums);
	check_order(zone, is_quiet);
	check_references(&zone->inside, zone, is_quiet);
	assert_int_equal(sums.nodes, zone->names.entries);
	assert_int_equal(sums.records, zone->records);
	if (zone->pins == NULL) {
		assert_null(zone->retired);
		assert_int_equal(zone->names.holds, 0);
	}
}

/* ---- the mirror ---- */

struct mirror_sums {
	const struct mirror *mirror;
	bool is_quiet;
	uint32_t zones;
	uint64_t records;
};

static void check_zone(void *arg, struct zone *zone)
{
	struct mirror_sums *sums = arg;

	assert_ptr_equal(mirror_find_zone(sums->mirror, zone->name, zone->name_len), zone);
	assert_ptr_equal(mirror_find_zone_by_id(sums->mirror, zone->id), zone);
	assert_false(zone->is_garbage);
	zone_check(zone, sums->is_quiet);
	sums->zones++;
	sums->records += zone->records;
}

void mirror_check(const struct mirror *mirror, bool is_quiet)
{
	struct mirror_sums sums = {.mirror = mirror, .is_quiet = is_quiet};

	mirror_each_zone(mirror, check_zone, &sums);
	check_references(&mirror->references.across, NULL, is_quiet);
	check_references(&mirror->references.dnames, NULL, is_quiet);
	assert_int_equal(sums.zones, mirror->zones_by_id.entries);
	assert_int_equal(sums.zones, mirror->zones_by_name.entries);
	assert_int_equal(sums.zones, mirror_zones(mirror));
	assert_int_equal(sums.records, mirror->records);
}

/* ---- memory ---- */

static size_t table_bytes(const struct table *table)
{
	size_t bytes = 0;

	if (table->segment_cap == 0)
		return 0;
	bytes += pool_size(table->segment_cap * sizeof(*table->segments));
	for (uint32_t i = 0; i < table->segment_cap; i++) {
		uint32_t buckets = i == 0 ? table->first_cap : TABLE_SEGMENT;
		if (table->segments[i] != NULL)
			bytes += pool_size(buckets * sizeof(struct table_entry *));
	}
	return bytes;
}

static size_t block_bytes(const struct order *order, const void *block, unsigned level)
{
	const struct order_inner *inner = block;
	size_t bytes = pool_size(sizeof(*inner));

	if (level == order->height)
		return pool_size(
			sizeof(struct order_leaf) +
			((const struct order_leaf *)block)->cap * sizeof(struct order_entry));
	for (unsigned i = 0; i < inner->n; i++)
		bytes += block_bytes(order, inner->branches[i].child, level + 1);
	return bytes;
}

struct node_sums {
	struct reachable *reachable;
	size_t tail;
};

static void add_node(void *arg, const struct node *node)
{
	struct node_sums *sums = arg;
	struct reachable *reachable = sums->reachable;

	size_t bare = pool_size(offsetof(struct node, name) + node->name_len);
	reachable->data += bare;
	reachable->tables +=
		pool_size(offsetof(struct node, name) + node->name_len + sums->tail) - bare;
	if (node->rrs != NULL)
		reachable->data += pool_size(offsetof(struct rrs, data) + node->rrs->size);
}

static size_t secret_bytes(const struct secret *secret)
{
	return pool_size(sizeof(*secret) + secret->len);
}

static void add_tsig_keys(struct reachable *reachable, const struct tsig_keys *keys)
{
	if (keys == NULL)
		return;
	/* An empty set and none at all are the same. */
	reachable->tables += pool_size(sizeof(*keys)) + table_bytes(&keys->by_name);
	for (const struct tsig_key *key = keys->first; key != NULL; key = key->next)
		reachable->data += pool_size(sizeof(*key) + key->algorithm_len + key->name_len) +
				   secret_bytes(key->secret);
}

static void add_references(struct reachable *reachable, const struct order *order)
{
	struct order_place place;

	if (order->root == NULL)
		return;
	reachable->tables += block_bytes(order, order->root, 0);
	bool more = order_first(order, &place);
	for (; more; more = order_next(&place)) {
		const struct reference *reference = order_item(&place);
		reachable->data +=
			pool_size(offsetof(struct reference, target) + reference->target_len);
	}
}

static void add_zone(void *arg, struct zone *zone)
{
	struct reachable *reachable = arg;
	struct node_sums sums = {reachable, zone_has_hashes(zone) ? sizeof(struct node_tail) : 0};

	assert_null(zone->pins);
	reachable->data += pool_size(offsetof(struct zone, name) + zone->name_len);
	reachable->data += pool_size(zone->info->size);
	for (const struct metadata *item = zone->metadata; item != NULL; item = item->next)
		reachable->data += pool_size(sizeof(*item) + item->kind_len + item->content_len);
	for (const struct dnssec_key *key = zone->keys; key != NULL; key = key->next)
		reachable->data += pool_size(sizeof(*key)) + secret_bytes(key->content);
	if (zone->denial != NULL) {
		const struct order *order = &zone->denial->order;
		reachable->tables += pool_size(sizeof(*zone->denial));
		if (order->root != NULL)
			reachable->tables += block_bytes(order, order->root, 0);
	}
	add_references(reachable, &zone->inside);
	each_node(zone, add_node, &sums);
	reachable->tables += table_bytes(&zone->names);
}

struct reachable mirror_reachable(const struct mirror *mirror)
{
	struct reachable reachable = {0, 0};

	mirror_each_zone(mirror, add_zone, &reachable);
	for (struct zone *zone = mirror->garbage; zone != NULL; zone = zone->next_garbage)
		add_zone(&reachable, zone);
	add_references(&reachable, &mirror->references.across);
	add_references(&reachable, &mirror->references.dnames);
	add_tsig_keys(&reachable, mirror->tsig_keys);
	reachable.tables += table_bytes(&mirror->zones_by_id);
	reachable.tables += table_bytes(&mirror->zones_by_name);
	return reachable;
}
