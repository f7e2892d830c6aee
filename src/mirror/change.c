#include "mirror/change.h"

#include "mirror/denial.h"
#include "mirror/effect.h"

#include <stdlib.h>
#include <string.h>

/* A whole zone, rebuilt. */
struct staged_zone {
	struct table_entry entry; /* in change->zones; first member */
	int32_t id;
	struct zone *zone; /* the new one; NULL while no row came */
	struct zone *old;  /* which it replaced; NULL before the commit, and where there was none */
};

/* A row in domains. */
struct staged_info {
	struct table_entry entry; /* in change->infos; first member */
	int32_t id;
	struct zone_info *info; /* NULL while no row came */
};

/* The records of one name. Before the commit rrs are the new ones, after it the old ones. */
struct staged_name {
	struct table_entry entry; /* in change->names; first member */
	struct staged_name *next; /* in the order of touching */
	struct zone *zone;
	struct node *node;
	struct rrs *rrs;
	struct reference_note *notes; /* list */
};

struct change {
	struct mirror *mirror;
	struct pool *pool; /* for the staged_ structs; the data goes into the mirror's pool */
	struct table zones;
	struct table infos;
	struct table names;
	struct staged_name *first_name;
	struct staged_name **last_name;
	bool is_committed;
	/* The new ones, NULL where they are not touched; after the commit the old ones. */
	bool has_tsig_keys;
	struct tsig_keys *tsig_keys;
	struct affected *affected; /* the watcher's, or NULL */
};

struct change *change_new(struct mirror *mirror)
{
	struct change *change = calloc(1, sizeof(*change));

	if (change == NULL)
		return NULL;
	change->pool = pool_new();
	if (change->pool == NULL) {
		free(change);
		return NULL;
	}
	change->mirror = mirror;
	change->last_name = &change->first_name;
	table_init(&change->zones, change->pool);
	table_init(&change->infos, change->pool);
	table_init(&change->names, change->pool);
	return change;
}

static void change_free(struct change *change)
{
	pool_free(change->pool);
	free(change);
}

static uint32_t id_hash(int32_t id)
{
	return table_hash(&id, sizeof(id));
}

static bool zone_is_staged(const struct table_entry *entry, const void *id)
{
	return ((const struct staged_zone *)entry)->id == *(const int32_t *)id;
}

static struct staged_zone *staged_zone_find(const struct change *change, int32_t id)
{
	return (struct staged_zone *)table_find(&change->zones, id_hash(id), zone_is_staged, &id);
}

static bool info_is_staged(const struct table_entry *entry, const void *id)
{
	return ((const struct staged_info *)entry)->id == *(const int32_t *)id;
}

static struct staged_info *staged_info_find(const struct change *change, int32_t id)
{
	return (struct staged_info *)table_find(&change->infos, id_hash(id), info_is_staged, &id);
}

static uint32_t node_hash(const struct node *node)
{
	return table_hash_address(node);
}

static bool node_is_staged(const struct table_entry *entry, const void *node)
{
	return ((const struct staged_name *)entry)->node == node;
}

static struct staged_name *staged_name_find(const struct change *change, const struct node *node)
{
	return (struct staged_name *)table_find(
		&change->names, node_hash(node), node_is_staged, node);
}

int change_touch_zone(struct change *change, int32_t domain_id)
{
	if (staged_zone_find(change, domain_id) != NULL)
		return 0;
	struct staged_zone *staged = pool_alloc(change->pool, sizeof(*staged));
	if (staged == NULL)
		return -1;
	staged->entry.hash = id_hash(domain_id);
	staged->id = domain_id;
	staged->zone = NULL;
	staged->old = NULL;
	return table_add(&change->zones, &staged->entry);
}

int change_touch_info(struct change *change, int32_t domain_id)
{
	if (staged_info_find(change, domain_id) != NULL)
		return 0;
	struct staged_info *staged = pool_alloc(change->pool, sizeof(*staged));
	if (staged == NULL)
		return -1;
	staged->entry.hash = id_hash(domain_id);
	staged->id = domain_id;
	staged->info = NULL;
	return table_add(&change->infos, &staged->entry);
}

static int stage_node(struct change *change, struct zone *zone, struct node *node)
{
	struct staged_name *staged = pool_alloc(change->pool, sizeof(*staged));

	if (staged == NULL)
		return -1;
	staged->entry.hash = node_hash(node);
	staged->next = NULL;
	staged->zone = zone;
	staged->node = node;
	staged->rrs = NULL;
	staged->notes = NULL;
	if (table_add(&change->names, &staged->entry) < 0)
		return -1;
	node->is_staged = 1;
	*change->last_name = staged;
	change->last_name = &staged->next;
	if (references_touch(zone, node, change->pool, &staged->notes) < 0)
		return -1;
	return denial_touch(zone, node);
}

int change_touch_name(struct change *change, int32_t domain_id, struct text text)
{
	struct zone *zone = mirror_find_zone_by_id(change->mirror, domain_id);
	struct name name;

	if (zone == NULL || staged_zone_find(change, domain_id) != NULL ||
		name_parse(&name, text.at, text.len) != NAME_OK ||
		!name_is_spelled(&name, text.at, text.len) ||
		!name_is_in(name.wire, name.len, zone->name, zone->name_len))
		return 0;
	/* The node is made now, so that the commit has only to switch its records. */
	struct node *node = zone_make(zone, name.wire, (size_t)(name.len - zone->name_len));
	if (node == NULL)
		return -1;
	if (staged_name_find(change, node) != NULL)
		return 0;
	if (stage_node(change, zone, node) < 0) {
		zone_prune(zone, node);
		return -1;
	}
	return 0;
}

int change_touch_tsig_keys(struct change *change)
{
	if (change->tsig_keys == NULL)
		change->tsig_keys = tsig_keys_new(change->mirror->pool);
	change->has_tsig_keys = true;
	return change->tsig_keys == NULL ? -1 : 0;
}

enum row_result change_add_domain(
	struct change *change, const struct domain_row *row, const char **why)
{
	struct staged_zone *staged_zone = staged_zone_find(change, row->id);

	if (staged_zone != NULL)
		return mirror_make_zone(change->mirror, row, &staged_zone->zone, why);
	struct staged_info *staged_info = staged_info_find(change, row->id);
	if (staged_info == NULL)
		return ROW_IGNORED;
	staged_info->info = zone_info_new(change->mirror->pool, row);
	return staged_info->info == NULL ? ROW_NO_MEMORY : ROW_TAKEN;
}

/* A record of a name that is staged, or that is not. */
static enum row_result add_to_name(
	struct change *change, struct zone *zone, const struct record_row *row, const char **why)
{
	struct mirror *mirror = change->mirror;
	struct record record;
	enum row_result result =
		record_from_row(&record, &mirror->scratch, zone, row, mirror->default_ttl, why);

	if (result != ROW_TAKEN)
		return result;
	struct node *node = zone_find(zone, record.name, record.name_len);
	struct staged_name *staged = node == NULL ? NULL : staged_name_find(change, node);
	if (staged == NULL)
		return ROW_IGNORED;
	if (rrs_add(&staged->rrs, zone->pool, &record.rr) < 0 ||
		references_expect(zone, node, &record.rr, change->pool, &staged->notes) < 0 ||
		(!record.rr.disabled && denial_expect(zone, node) < 0))
		return ROW_NO_MEMORY;
	return ROW_TAKEN;
}

enum row_result change_add_record(
	struct change *change, const struct record_row *row, const char **why)
{
	struct staged_zone *staged = staged_zone_find(change, row->domain_id);

	if (staged != NULL) {
		if (staged->zone != NULL)
			return mirror_add_zone_record(change->mirror, staged->zone, row, why);
	} else {
		struct zone *zone = mirror_find_zone_by_id(change->mirror, row->domain_id);
		if (zone != NULL)
			return add_to_name(change, zone, row, why);
	}
	*why = "its zone is not served";
	return ROW_LEFT_OUT;
}

enum row_result change_add_metadata(
	struct change *change, const struct metadata_row *row, const char **why)
{
	struct staged_zone *staged = staged_zone_find(change, row->domain_id);

	(void)why;
	if (staged == NULL || staged->zone == NULL)
		return ROW_IGNORED;
	return zone_add_metadata(staged->zone, row) < 0 ? ROW_NO_MEMORY : ROW_TAKEN;
}

enum row_result change_add_key(struct change *change, const struct key_row *row, const char **why)
{
	struct staged_zone *staged = staged_zone_find(change, row->domain_id);

	(void)why;
	if (staged == NULL || staged->zone == NULL)
		return ROW_IGNORED;
	return zone_add_key(staged->zone, &change->mirror->secrets, row) < 0 ? ROW_NO_MEMORY
									     : ROW_TAKEN;
}

enum row_result change_add_tsig_key(
	struct change *change, const struct tsig_row *row, const char **why)
{
	struct mirror *mirror = change->mirror;

	if (change->tsig_keys == NULL)
		return ROW_IGNORED;
	return tsig_keys_add(change->tsig_keys, &mirror->secrets, mirror->pool, row, why);
}

void change_watch(struct change *change, struct affected *affected)
{
	change->affected = affected;
}

size_t change_size(const struct change *change)
{
	return (size_t)change->zones.entries + change->infos.entries + change->names.entries +
	       change->has_tsig_keys;
}

/* Calls fn for each entry of a table. */
static void each(const struct table *table, void (*fn)(struct change *, struct table_entry *),
	struct change *change)
{
	for (uint32_t i = 0; i < table->buckets; i++) {
		struct table_entry *next;
		for (struct table_entry *entry = table_bucket(table, i); entry != NULL;
			entry = next) {
			next = entry->next;
			fn(change, entry);
		}
	}
}

static void commit_old_zone(struct change *change, struct table_entry *entry)
{
	struct staged_zone *staged = (struct staged_zone *)entry;

	staged->old = mirror_find_zone_by_id(change->mirror, staged->id);
	if (staged->old == NULL)
		return;
	mirror_unlink_zone(change->mirror, staged->old);
	mirror_discard_zone(change->mirror, staged->old);
}

static void commit_new_zone(struct change *change, struct table_entry *entry)
{
	struct staged_zone *staged = (struct staged_zone *)entry;
	struct zone *zone = staged->zone;

	if (zone != NULL && !mirror_link_zone(change->mirror, zone)) {
		mirror_discard_zone(change->mirror, zone);
		zone = NULL;
	}
	if (change->affected != NULL)
		effect_of_zone(change->affected, staged->old, zone);
}

static void commit_name(struct change *change, struct staged_name *name)
{
	struct node *changed;

	if (change->affected != NULL)
		effect_of_records(
			change->affected, name->zone, name->node, name->node->rrs, name->rrs);
	name->rrs = zone_swap(name->zone, name->node, name->rrs, &changed);
	if (change->affected != NULL && changed != NULL)
		effect_of_existence(change->affected, name->zone, name->node, changed);
}

static void commit_info(struct change *change, struct table_entry *entry)
{
	struct staged_info *staged = (struct staged_info *)entry;
	struct zone *zone = mirror_find_zone_by_id(change->mirror, staged->id);
	struct zone_info *unused = staged->info;

	if (zone != NULL && staged->info != NULL) {
		unused = zone->info;
		zone->info = staged->info;
	}
	zone_info_free(unused, change->mirror->pool);
}

static void commit_tsig_keys(struct change *change)
{
	struct tsig_keys *old = change->mirror->tsig_keys;

	if (!change->has_tsig_keys)
		return;
	change->mirror->tsig_keys = change->tsig_keys;
	change->tsig_keys = old;
}

void change_commit(struct change *change, struct store_version version)
{
	change->is_committed = true;
	/* All old zones go before a new one comes: two zones may have exchanged their names. */
	each(&change->zones, commit_old_zone, change);
	each(&change->zones, commit_new_zone, change);
	each(&change->infos, commit_info, change);
	for (struct staged_name *name = change->first_name; name != NULL; name = name->next)
		commit_name(change, name);
	commit_tsig_keys(change);
	change->mirror->version = version;
	if (change->affected != NULL)
		effect_finish(change->affected, change->mirror);
}

bool change_clean_step(struct change *change, size_t budget)
{
	/* A zone that went with the commit keeps its memory until mirror_free_step, which the owner
	 * calls after this. */
	for (; change->first_name != NULL && budget > 0; budget--) {
		struct staged_name *name = change->first_name;
		change->first_name = name->next;
		rrs_free(name->rrs, name->zone->pool);
		references_settle(name->notes, change->is_committed);
		/* An ancestor may be staged as well: its own turn prunes it. */
		name->node->is_staged = 0;
		if (name->zone->is_garbage)
			continue;
		denial_settle(name->zone, name->node);
		zone_prune(name->zone, name->node);
	}
	if (change->first_name != NULL ||
		!tsig_keys_free_step(change->tsig_keys, change->mirror->pool, &budget))
		return false;
	change_free(change);
	return true;
}

static void abort_zone(struct change *change, struct table_entry *entry)
{
	struct zone *zone = ((struct staged_zone *)entry)->zone;

	if (zone != NULL)
		mirror_discard_zone(change->mirror, zone);
}

static void abort_info(struct change *change, struct table_entry *entry)
{
	zone_info_free(((struct staged_info *)entry)->info, change->mirror->pool);
}

void change_abort(struct change *change)
{
	each(&change->zones, abort_zone, change);
	each(&change->infos, abort_info, change);
}
