#include "mirror/zone.h"

#include "base/json_text.h"
#include "dns/rdata.h"
#include "mirror/denial.h"

#include <string.h>
#include <strings.h>

static size_t node_size(const struct zone *zone, size_t name_len)
{
	return offsetof(struct node, name) + name_len +
	       (zone_has_hashes(zone) ? sizeof(struct node_tail) : 0);
}

struct name_key {
	const uint8_t *name;
	size_t len;
};

static bool node_has_name(const struct table_entry *entry, const void *arg)
{
	const struct node *node = (const struct node *)entry;
	const struct name_key *key = arg;

	return node->name_len == key->len && memcmp(node->name, key->name, key->len) == 0;
}

struct node *zone_find(const struct zone *zone, const uint8_t *name, size_t len)
{
	struct name_key key = {name, len};

	return (struct node *)table_find(&zone->names, table_hash(name, len), node_has_name, &key);
}

void zone_fetch(const struct zone *zone, uint32_t hash, enum fetch_step step)
{
	if (step == FETCH_BUCKET) {
		table_fetch(&zone->names, hash);
		return;
	}
	const struct node *node = (const struct node *)table_first(&zone->names, hash);
	if (node != NULL)
		__builtin_prefetch(step == FETCH_NODE ? (const void *)node : node->rrs);
}

static struct node *node_new(
	struct zone *zone, struct node *parent, const uint8_t *name, size_t len)
{
	struct node *node = pool_alloc(zone->pool, node_size(zone, len));

	if (node == NULL)
		return NULL;
	node->entry.hash = table_hash(name, len);
	node->entry.owner = 0;
	node->parent = parent;
	node->rrs = NULL;
	node->child_nodes = 0;
	node->in_limbo = 0;
	node->is_staged = 0;
	node->is_ordered = 0;
	node->name_len = (uint8_t)len;
	memcpy(node->name, name, len);
	if (denial_node_made(zone, node) < 0 || table_add(&zone->names, &node->entry) < 0) {
		pool_release(zone->pool, node, node_size(zone, len));
		return NULL;
	}
	if (parent != NULL) {
		parent->child_nodes++;
		denial_node_joined(zone, node);
	}
	return node;
}

/* The apex of a zone with hashes has one too. */
static int zone_begin(struct zone *zone)
{
	struct node *bare = zone->apex;
	size_t bare_size = node_size(zone, 0);

	if (denial_begin(zone) < 0)
		return -1;
	zone->has_begun = true;
	if (!zone_has_hashes(zone)) {
		references_join(zone);
		return 0;
	}
	zone->apex = node_new(zone, NULL, (const uint8_t *)"", 0);
	if (zone->apex == NULL) {
		size_t budget = 1;
		(void)denial_free_step(zone, &budget);
		zone->apex = bare;
		zone->has_begun = false;
		return -1;
	}
	table_remove(&zone->names, &bare->entry);
	pool_release(zone->pool, bare, bare_size);
	references_join(zone);
	return 0;
}

struct node *zone_make(struct zone *zone, const uint8_t *name, size_t len)
{
	uint8_t labels[NAME_WIRE_MAX / 2];
	size_t missing = 0;
	struct node *node;

	if (!zone->has_begun && zone_begin(zone) < 0)
		return NULL;
	/* Up to the closest ancestor that is there (the apex always is), then down again. */
	size_t at = 0;
	while ((node = zone_find(zone, name + at, len - at)) == NULL) {
		labels[missing++] = (uint8_t)at;
		at += name_first_label(name + at, len - at);
	}
	while (missing > 0) {
		at = labels[--missing];
		struct node *child = node_new(zone, node, name + at, len - at);
		if (child == NULL) {
			zone_prune(zone, node);
			return NULL;
		}
		node = child;
	}
	return node;
}

static bool node_is_needed(const struct node *node)
{
	return node->parent == NULL || node->rrs != NULL || node->child_nodes > 0 ||
	       node->in_limbo || node->is_staged;
}

void zone_prune(struct zone *zone, struct node *node)
{
	while (!node_is_needed(node)) {
		if (zone->pins != NULL) {
			zone_keep_for_pins(zone, node, NULL);
			return;
		}
		struct node *parent = node->parent;
		denial_node_gone(zone, node);
		table_remove(&zone->names, &node->entry);
		pool_release(zone->pool, node, node_size(zone, node->name_len));
		parent->child_nodes--;
		node = parent;
	}
}

bool node_exists(const struct node *node)
{
	return rrs_has(node->rrs, RRS_ENABLED) || node->entry.owner > 0;
}

bool node_is_authoritative(const struct node *node, uint16_t type)
{
	/* A signature came with the zone, for what it is about. */
	if (node->parent == NULL || type == RRTYPE_RRSIG)
		return true;
	if (rrs_has(node->rrs, RRS_NS) && type != RRTYPE_DS)
		return false;
	for (node = node->parent; node->parent != NULL; node = node->parent)
		if (rrs_has(node->rrs, RRS_NS))
			return false;
	return true;
}

bool zone_serial(const struct zone *zone, uint32_t *serial)
{
	struct rr soa;

	if (!rrs_find(zone->apex->rrs, RRTYPE_SOA, &soa))
		return false;
	*serial = soa_serial(soa.content, soa.content_len);
	return true;
}

/* ---- the row in domains ---- */

static enum zone_kind kind_parse(struct text type)
{
	static const struct {
		const char *text;
		enum zone_kind kind;
	} kinds[] = {{"MASTER", ZONE_PRIMARY}, {"SLAVE", ZONE_SECONDARY},
		{"PRODUCER", ZONE_PRODUCER}, {"CONSUMER", ZONE_CONSUMER}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].text) == type.len &&
			strncasecmp(kinds[i].text, type.at, type.len) == 0)
			return kinds[i].kind;
	return ZONE_NATIVE;
}

static bool is_separator(char c)
{
	return c == ',' || c == ' ' || c == '\t';
}

/* The addresses as items of a JSON array; returns the characters. out may be NULL to count. */
static size_t masters_write(char *out, struct text master)
{
	size_t n = 0;

	for (size_t at = 0; at < master.len;) {
		size_t end = at;
		while (end < master.len && !is_separator(master.at[end]))
			end++;
		if (end > at) {
			size_t size = json_text_size(master.at + at, end - at);
			size_t comma = n > 0;
			if (out != NULL) {
				if (comma)
					out[n] = ',';
				out[n + comma] = '"';
				(void)json_text_escape(
					out + n + comma + 1, master.at + at, end - at);
				out[n + comma + 1 + size] = '"';
			}
			n += comma + size + 2;
		}
		at = end + 1;
	}
	return n;
}

struct zone_info *zone_info_new(struct pool *pool, const struct domain_row *row)
{
	size_t masters = masters_write(NULL, row->master);
	size_t account = json_text_size(row->account.at, row->account.len);
	size_t size = sizeof(struct zone_info) + masters + account;
	struct zone_info *info = pool_alloc(pool, size);

	if (info == NULL)
		return NULL;
	info->kind = kind_parse(row->type);
	info->last_check = row->last_check;
	info->has_notified_serial = row->has_notified_serial;
	info->notified_serial = (uint32_t)row->notified_serial;
	info->size = (uint32_t)size;
	info->masters_len = (uint32_t)masters;
	info->account_len = (uint32_t)account;
	(void)masters_write(info->text, row->master);
	(void)json_text_escape(info->text + masters, row->account.at, row->account.len);
	return info;
}

void zone_info_free(struct zone_info *info, struct pool *pool)
{
	if (info != NULL)
		pool_release(pool, info, info->size);
}

/* ---- metadata ---- */

static size_t metadata_size(size_t kind_len, size_t content_len)
{
	return sizeof(struct metadata) + kind_len + content_len;
}

int zone_add_metadata(struct zone *zone, const struct metadata_row *row)
{
	size_t kind = json_text_size(row->kind.at, row->kind.len);
	size_t content = json_text_size(row->content.at, row->content.len);
	struct metadata *item = pool_alloc(zone->pool, metadata_size(kind, content));

	if (item == NULL)
		return -1;
	item->next = NULL;
	item->kind_len = (uint32_t)kind;
	item->content_len = (uint32_t)content;
	(void)json_text_escape(item->text, row->kind.at, row->kind.len);
	(void)json_text_escape(item->text + kind, row->content.at, row->content.len);
	*zone->last_metadata = item;
	zone->last_metadata = &item->next;
	return 0;
}

struct text zone_setting(const struct zone *zone, const char *kind)
{
	size_t len = strlen(kind);

	for (const struct metadata *item = zone->metadata; item != NULL; item = item->next)
		if (item->kind_len == len && memcmp(item->text, kind, len) == 0)
			return (struct text){item->text + len, item->content_len};
	return (struct text){NULL, 0};
}

bool zone_setting_is_one(const struct zone *zone, const char *kind)
{
	struct text text = zone_setting(zone, kind);

	return text.len == 1 && text.at[0] == '1';
}

/* ---- keys ---- */

int zone_add_key(struct zone *zone, struct secrets *secrets, const struct key_row *row)
{
	struct dnssec_key *key = pool_alloc(zone->pool, sizeof(*key));

	if (key == NULL)
		return -1;
	key->content = secret_new(secrets, zone->pool, row->content);
	if (key->content == NULL) {
		pool_release(zone->pool, key, sizeof(*key));
		return -1;
	}
	key->next = NULL;
	key->id = row->id;
	key->flags = (uint16_t)row->flags;
	key->active = row->active;
	key->published = row->published;
	*zone->last_key = key;
	zone->last_key = &key->next;
	return 0;
}

static void keys_free(struct zone *zone)
{
	while (zone->keys != NULL) {
		struct dnssec_key *key = zone->keys;
		zone->keys = key->next;
		secret_free(key->content, zone->pool);
		pool_release(zone->pool, key, sizeof(*key));
	}
}

/* ---- making and freeing ---- */

static size_t zone_size(size_t name_len)
{
	return offsetof(struct zone, name) + name_len;
}

struct zone *zone_new(struct pool *pool, const struct name *name, const struct domain_row *row)
{
	struct zone *zone = pool_alloc(pool, zone_size(name->len));

	if (zone == NULL)
		return NULL;
	memset(zone, 0, sizeof(*zone));
	zone->pool = pool;
	zone->id = row->id;
	zone->last_metadata = &zone->metadata;
	zone->last_key = &zone->keys;
	zone->name_len = name->len;
	memcpy(zone->name, name->wire, name->len);
	zone->by_id.hash = table_hash(&zone->id, sizeof(zone->id));
	zone->by_name.hash = table_hash(zone->name, zone->name_len);
	table_init(&zone->names, pool);
	references_init_zone(zone);
	zone->info = zone_info_new(pool, row);
	zone->apex = zone->info == NULL ? NULL : node_new(zone, NULL, (const uint8_t *)"", 0);
	if (zone->apex == NULL) {
		zone_info_free(zone->info, pool);
		table_fini(&zone->names);
		pool_release(pool, zone, zone_size(name->len));
		return NULL;
	}
	return zone;
}

bool zone_free_step(struct zone *zone, size_t *budget)
{
	struct table *names = &zone->names;

	references_leave(zone);
	/* From the last bucket down; nothing looks up in a zone that is being freed, so a node's
	 * parent may go before it. */
	while (names->buckets > 0) {
		struct table_entry **bucket =
			&names->segments[(names->buckets - 1) / TABLE_SEGMENT]
					[(names->buckets - 1) % TABLE_SEGMENT];
		while (*bucket != NULL) {
			struct node *node = (struct node *)*bucket;
			if (*budget == 0)
				return false;
			--*budget;
			*bucket = node->entry.next;
			references_remove(zone, node);
			rrs_free(node->rrs, zone->pool);
			pool_release(zone->pool, node, node_size(zone, node->name_len));
		}
		names->buckets--;
	}
	/* The tree does not look at its nodes when it goes. */
	if (!denial_free_step(zone, budget))
		return false;
	table_fini(names);
	while (zone->metadata != NULL) {
		struct metadata *item = zone->metadata;
		zone->metadata = item->next;
		pool_release(zone->pool, item, metadata_size(item->kind_len, item->content_len));
	}
	keys_free(zone);
	zone_info_free(zone->info, zone->pool);
	pool_release(zone->pool, zone, zone_size(zone->name_len));
	return true;
}
