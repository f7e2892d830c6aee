#include "mirror/affected.h"

#include "mirror/affected_set.h"
#include "mirror/table.h"

#include <string.h>

/* More names than this are everything: PowerDNS takes some 5 µs for each. */
#define NAMES_MAX 10000

/* A name of one of the lists. */
struct item {
	struct table_entry entry; /* in the table of its list; first member */
	struct affected_name name;
	uint8_t wire[];
};

/* A zone, and how many names of it were counted. */
struct tally {
	struct table_entry entry; /* in work->tallies; first member */
	const void *zone;
	uint32_t names;
};

struct affected_work {
	struct table exact;
	struct table suffixes;
	struct table zones;
	struct table tallies;
	struct table later;
	struct item *last_name;			 /* NULL when there are none */
	const struct affected_name *later_names; /* list */
};

void affected_init(struct affected *affected)
{
	memset(affected, 0, sizeof(*affected));
}

void affected_fini(struct affected *affected)
{
	if (affected->pool != NULL)
		pool_free(affected->pool);
	affected_init(affected);
}

void affected_set_all_names(struct affected *affected)
{
	affected->is_all = true;
	affected->names = NULL;
	affected->n_names = 0;
}

void affected_set_all(struct affected *affected)
{
	affected_set_all_names(affected);
	affected->is_all_zones = true;
	affected->zones = NULL;
	affected->n_zones = 0;
}

bool affected_is_empty(const struct affected *affected)
{
	return !affected->is_all && !affected->is_all_zones && affected->n_names == 0 &&
	       affected->n_zones == 0;
}

size_t affected_print(char *out, const struct affected_name *name)
{
	size_t n = name_print(out, name->wire, name->len);

	/* With the dot a name that ends with "$" is not taken for a suffix. */
	out[n++] = '.';
	if (name->is_suffix)
		out[n++] = '$';
	return n;
}

/* ---- the lists ---- */

static bool begin(struct affected *affected)
{
	if (affected->pool != NULL)
		return true;
	affected->pool = pool_new();
	if (affected->pool == NULL)
		return false;
	struct affected_work *work = pool_alloc(affected->pool, sizeof(*work));
	if (work == NULL) {
		pool_free(affected->pool);
		affected->pool = NULL;
		return false;
	}
	table_init(&work->exact, affected->pool);
	table_init(&work->suffixes, affected->pool);
	table_init(&work->zones, affected->pool);
	table_init(&work->tallies, affected->pool);
	table_init(&work->later, affected->pool);
	work->last_name = NULL;
	work->later_names = NULL;
	affected->work = work;
	return true;
}

struct wire {
	const uint8_t *at;
	size_t len;
};

static bool item_has_name(const struct table_entry *entry, const void *arg)
{
	const struct item *item = (const struct item *)entry;
	const struct wire *wire = arg;

	return item->name.len == wire->len && memcmp(item->wire, wire->at, wire->len) == 0;
}

static bool has_name(const struct table *table, const uint8_t *at, size_t len)
{
	struct wire wire = {at, len};

	return table->entries > 0 &&
	       table_find(table, table_hash(at, len), item_has_name, &wire) != NULL;
}

static struct item *item_add(
	struct affected *affected, struct table *table, const uint8_t *wire, size_t len)
{
	struct item *item = pool_alloc(affected->pool, sizeof(*item) + len);

	if (item == NULL)
		return NULL;
	item->entry.hash = table_hash(wire, len);
	item->name = (struct affected_name){.len = (uint8_t)len, .wire = item->wire};
	memcpy(item->wire, wire, len);
	return table_add(table, &item->entry) < 0 ? NULL : item;
}

/* Is one of the suffixes the name, or above it? */
static bool is_below_suffix(const struct affected_work *work, const uint8_t *wire, size_t len)
{
	if (work->suffixes.entries == 0)
		return false;
	for (;;) {
		if (has_name(&work->suffixes, wire, len))
			return true;
		if (len == 0)
			return false;
		size_t label = name_first_label(wire, len);
		wire += label;
		len -= label;
	}
}

void affected_add_name(struct affected *affected, const uint8_t *wire, size_t len, bool is_suffix)
{
	if (affected->is_all)
		return;
	if (!begin(affected) || affected->n_names == NAMES_MAX) {
		affected_set_all_names(affected);
		return;
	}
	struct affected_work *work = affected->work;
	struct table *table = is_suffix ? &work->suffixes : &work->exact;
	if (is_below_suffix(work, wire, len) || has_name(table, wire, len))
		return;
	struct item *item = item_add(affected, table, wire, len);
	if (item == NULL) {
		affected_set_all_names(affected);
		return;
	}
	item->name.is_suffix = is_suffix;
	if (work->last_name == NULL)
		affected->names = &item->name;
	else
		work->last_name->name.next = &item->name;
	work->last_name = item;
	affected->n_names++;
}

void affected_add_zone(struct affected *affected, const uint8_t *wire, size_t len)
{
	affected_add_name(affected, wire, len, true);
	if (affected->is_all_zones)
		return;
	struct item *item = NULL;
	if (begin(affected)) {
		if (has_name(&affected->work->zones, wire, len))
			return;
		item = item_add(affected, &affected->work->zones, wire, len);
	}
	if (item == NULL) {
		affected_set_all(affected);
		return;
	}
	item->name.is_suffix = true;
	item->name.next = affected->zones;
	affected->zones = &item->name;
	affected->n_zones++;
}

void affected_add_later(struct affected *affected, const uint8_t *wire, size_t len)
{
	struct item *item = NULL;

	if (affected->is_all)
		return;
	if (begin(affected)) {
		if (has_name(&affected->work->later, wire, len))
			return;
		item = item_add(affected, &affected->work->later, wire, len);
	}
	if (item == NULL) {
		affected_set_all_names(affected);
		return;
	}
	item->name.next = affected->work->later_names;
	affected->work->later_names = &item->name;
}

static bool tally_is_of(const struct table_entry *entry, const void *zone)
{
	return ((const struct tally *)entry)->zone == zone;
}

uint32_t affected_names_of(struct affected *affected, const void *zone)
{
	if (affected->is_all)
		return UINT32_MAX;
	if (!begin(affected)) {
		affected_set_all_names(affected);
		return UINT32_MAX;
	}
	struct table *tallies = &affected->work->tallies;
	uint32_t hash = table_hash_address(zone);
	struct tally *tally = (struct tally *)table_find(tallies, hash, tally_is_of, zone);
	if (tally != NULL)
		return tally->names++;
	tally = pool_alloc(affected->pool, sizeof(*tally));
	if (tally != NULL)
		*tally = (struct tally){.entry.hash = hash, .zone = zone, .names = 1};
	if (tally == NULL || table_add(tallies, &tally->entry) < 0) {
		affected_set_all_names(affected);
		return UINT32_MAX;
	}
	return 0;
}

bool affected_is_covered(const struct affected *affected, const struct affected_name *name)
{
	size_t skip = name->is_suffix ? name_first_label(name->wire, name->len) : 0;

	/* Nothing is above the root. */
	return !(name->is_suffix && name->len == 0) &&
	       is_below_suffix(affected->work, name->wire + skip, name->len - skip);
}

void affected_finish(struct affected *affected)
{
	const struct affected_name **last = &affected->names;
	const struct affected_name *next;

	if (affected->pool == NULL)
		return;
	next = affected->work->later_names;
	for (; next != NULL; next = next->next)
		affected_add_name(affected, next->wire, next->len, false);
	for (const struct affected_name *name = affected->names; name != NULL; name = next) {
		next = name->next;
		if (affected_is_covered(affected, name)) {
			affected->n_names--;
			continue;
		}
		*last = name;
		last = &((struct item *)((char *)name - offsetof(struct item, name)))->name.next;
	}
	*last = NULL;
}
