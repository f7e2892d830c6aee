#include "mirror/mirror.h"

#include <stdlib.h>
#include <string.h>

struct mirror *mirror_new(uint32_t default_ttl)
{
	struct mirror *mirror = calloc(1, sizeof(*mirror));

	if (mirror == NULL)
		return NULL;
	mirror->pool = pool_new();
	if (mirror->pool == NULL) {
		free(mirror);
		return NULL;
	}
	table_init(&mirror->zones_by_id, mirror->pool);
	table_init(&mirror->zones_by_name, mirror->pool);
	references_init(&mirror->references, mirror->pool);
	secrets_init(&mirror->secrets);
	buf_init(&mirror->scratch);
	mirror->default_ttl = default_ttl;
	mirror->refs = 1;
	if (table_prepare(&mirror->zones_by_id) < 0 || table_prepare(&mirror->zones_by_name) < 0) {
		mirror_unref(mirror);
		(void)mirror_free_step(mirror, SIZE_MAX);
		return NULL;
	}
	return mirror;
}

void mirror_ref(struct mirror *mirror)
{
	mirror->refs++;
}

void mirror_unref(struct mirror *mirror)
{
	mirror->refs--;
}

bool mirror_free_step(struct mirror *mirror, size_t budget)
{
	if (mirror->refs == 0) {
		/* Everything is in the pool: no need to look at more than the secrets. */
		if (!secrets_wipe_step(&mirror->secrets, &budget) ||
			!pool_free_step(mirror->pool, 1 + budget / 256))
			return false;
		buf_fini(&mirror->scratch);
		free(mirror);
		return true;
	}
	while (mirror->garbage != NULL && mirror->zone_keepers == 0) {
		struct zone *zone = mirror->garbage;
		struct zone *next = zone->next_garbage;
		if (!zone_free_step(zone, &budget))
			return false;
		mirror->garbage = next;
	}
	return true;
}

/* ---- zones ---- */

struct zone_key {
	const uint8_t *name;
	size_t len;
};

static struct zone *zone_of_name_entry(const struct table_entry *entry)
{
	return (struct zone *)((char *)entry - offsetof(struct zone, by_name));
}

static bool zone_has_name(const struct table_entry *entry, const void *arg)
{
	const struct zone *zone = zone_of_name_entry(entry);
	const struct zone_key *key = arg;

	return zone->name_len == key->len && memcmp(zone->name, key->name, key->len) == 0;
}

static bool zone_has_id(const struct table_entry *entry, const void *arg)
{
	return ((const struct zone *)entry)->id == *(const int32_t *)arg;
}

struct zone *mirror_find_zone(const struct mirror *mirror, const uint8_t *name, size_t len)
{
	struct zone_key key = {name, len};
	struct table_entry *entry =
		table_find(&mirror->zones_by_name, table_hash(name, len), zone_has_name, &key);

	return entry == NULL ? NULL : zone_of_name_entry(entry);
}

struct zone *mirror_find_zone_by_id(const struct mirror *mirror, int32_t id)
{
	return (struct zone *)table_find(
		&mirror->zones_by_id, table_hash(&id, sizeof(id)), zone_has_id, &id);
}

void mirror_keep_zones(struct mirror *mirror)
{
	mirror->zone_keepers++;
}

void mirror_release_zones(struct mirror *mirror)
{
	mirror->zone_keepers--;
}

size_t mirror_zones(const struct mirror *mirror)
{
	return mirror->zones_by_id.entries;
}

void mirror_each_zone(const struct mirror *mirror, mirror_zone_fn fn, void *arg)
{
	for (uint32_t i = 0; i < mirror->zones_by_id.buckets; i++) {
		struct table_entry *entry = table_bucket(&mirror->zones_by_id, i);
		for (; entry != NULL; entry = entry->next)
			fn(arg, (struct zone *)entry);
	}
}

bool mirror_link_zone(struct mirror *mirror, struct zone *zone)
{
	if (mirror_find_zone(mirror, zone->name, zone->name_len) != NULL)
		return false;
	/* mirror_new took the memory without which these could fail. */
	if (table_add(&mirror->zones_by_id, &zone->by_id) < 0 ||
		table_add(&mirror->zones_by_name, &zone->by_name) < 0)
		return false;
	zone->all_records = &mirror->records;
	mirror->records += zone->records;
	return true;
}

void mirror_unlink_zone(struct mirror *mirror, struct zone *zone)
{
	table_remove(&mirror->zones_by_id, &zone->by_id);
	table_remove(&mirror->zones_by_name, &zone->by_name);
	mirror->records -= zone->records;
	zone->all_records = NULL;
}

void mirror_discard_zone(struct mirror *mirror, struct zone *zone)
{
	zone->is_garbage = true;
	if (zone->pins != NULL)
		return; /* whoever ends the last pin discards it again */
	zone->next_garbage = mirror->garbage;
	mirror->garbage = zone;
}

/* ---- filling ---- */

enum row_result mirror_make_zone(
	struct mirror *mirror, const struct domain_row *row, struct zone **zone, const char **why)
{
	struct name name;
	int error = name_parse(&name, row->name.at, row->name.len);

	if (error == NAME_OK && !name_is_spelled(&name, row->name.at, row->name.len)) {
		*why = NAME_SPELLED;
		return ROW_LEFT_OUT;
	}
	if (error != NAME_OK) {
		*why = name_error_text(error);
		return ROW_LEFT_OUT;
	}
	*zone = zone_new(mirror->pool, &name, row);
	if (*zone == NULL)
		return ROW_NO_MEMORY;
	(*zone)->references = &mirror->references;
	return ROW_TAKEN;
}

enum row_result mirror_add_domain(
	struct mirror *mirror, const struct domain_row *row, const char **why)
{
	struct zone *zone;
	enum row_result result = mirror_make_zone(mirror, row, &zone, why);

	if (result != ROW_TAKEN)
		return result;
	if (!mirror_link_zone(mirror, zone)) {
		mirror_discard_zone(mirror, zone);
		*why = "another zone has the same name";
		return ROW_LEFT_OUT;
	}
	return ROW_TAKEN;
}

enum row_result mirror_add_record(
	struct mirror *mirror, const struct record_row *row, const char **why)
{
	struct zone *zone = mirror_find_zone_by_id(mirror, row->domain_id);

	if (zone == NULL) {
		*why = "its zone is not served";
		return ROW_LEFT_OUT;
	}
	return mirror_add_zone_record(mirror, zone, row, why);
}

enum row_result mirror_add_zone_record(
	struct mirror *mirror, struct zone *zone, const struct record_row *row, const char **why)
{
	struct record record;
	enum row_result result =
		record_from_row(&record, &mirror->scratch, zone, row, mirror->default_ttl, why);

	if (result != ROW_TAKEN)
		return result;
	struct node *node = zone_make(zone, record.name, record.name_len);
	if (node == NULL)
		return ROW_NO_MEMORY;
	if (zone_append(zone, node, &record.rr) < 0) {
		zone_prune(zone, node);
		return ROW_NO_MEMORY;
	}
	return ROW_TAKEN;
}

enum row_result mirror_add_metadata(
	struct mirror *mirror, const struct metadata_row *row, const char **why)
{
	struct zone *zone = mirror_find_zone_by_id(mirror, row->domain_id);

	if (zone == NULL) {
		*why = "its zone is not served";
		return ROW_LEFT_OUT;
	}
	return zone_add_metadata(zone, row) < 0 ? ROW_NO_MEMORY : ROW_TAKEN;
}

enum row_result mirror_add_key(struct mirror *mirror, const struct key_row *row, const char **why)
{
	struct zone *zone = mirror_find_zone_by_id(mirror, row->domain_id);

	if (zone == NULL) {
		*why = "its zone is not served";
		return ROW_LEFT_OUT;
	}
	return zone_add_key(zone, &mirror->secrets, row) < 0 ? ROW_NO_MEMORY : ROW_TAKEN;
}

enum row_result mirror_add_tsig_key(
	struct mirror *mirror, const struct tsig_row *row, const char **why)
{
	if (mirror->tsig_keys == NULL)
		mirror->tsig_keys = tsig_keys_new(mirror->pool);
	return mirror->tsig_keys == NULL
		       ? ROW_NO_MEMORY
		       : tsig_keys_add(mirror->tsig_keys, &mirror->secrets, mirror->pool, row, why);
}
