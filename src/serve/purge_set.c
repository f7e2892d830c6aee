#include "serve/purge_set.h"

#include "dns/name.h"
#include "mirror/table.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST  64
#define KEEP_ENTRIES 4096
#define KEEP_SLOTS   1024
/* In front of the octets of an entry's name. */
#define ENTRY_HEAD 2
/* A blank, the name, its final dot and the sign of a suffix. */
#define WORD_MAX (1 + NAME_TEXT_MAX + 2)

void purge_set_init(struct purge_set *set)
{
	memset(set, 0, sizeof(*set));
	buf_init(&set->entries);
}

static void drop_slots(struct purge_set *set)
{
	free(set->slots);
	set->slots = NULL;
	set->cap = 0;
}

void purge_set_fini(struct purge_set *set)
{
	drop_slots(set);
	buf_fini(&set->entries);
	purge_set_init(set);
}

void purge_set_reset(struct purge_set *set)
{
	if (set->cap > KEEP_SLOTS)
		drop_slots(set);
	else if (set->cap > 0 && set->n > 0)
		memset(set->slots, 0, set->cap * sizeof(*set->slots));
	buf_reset(&set->entries, KEEP_ENTRIES);
	set->n = 0;
	set->n_suffixes = 0;
	set->is_all = false;
	set->is_overflown = false;
}

bool purge_set_is_empty(const struct purge_set *set)
{
	return set->n == 0 && !set->is_all;
}

static struct purge_name entry_at(const struct purge_set *set, size_t at)
{
	const uint8_t *entry = (const uint8_t *)set->entries.data + at;

	return (struct purge_name){
		.is_suffix = entry[0] != 0, .len = entry[1], .wire = entry + ENTRY_HEAD};
}

/* The slot of the name, or the free one where it would go. There is a free one. */
static uint32_t *find_slot(const struct purge_set *set, const uint8_t *wire, size_t len)
{
	uint32_t at = table_hash(wire, len) & (set->cap - 1);

	while (set->slots[at] != 0) {
		struct purge_name there = entry_at(set, set->slots[at] - 1);
		if (there.len == len && memcmp(there.wire, wire, len) == 0)
			break;
		at = (at + 1) & (set->cap - 1);
	}
	return &set->slots[at];
}

static bool make_room(struct purge_set *set)
{
	uint32_t cap = set->cap == 0 ? SLOTS_FIRST : set->cap * 2;
	struct purge_name name;

	if ((set->n + 1) * 2 <= set->cap)
		return true;
	uint32_t *slots = calloc(cap, sizeof(*slots));
	if (slots == NULL)
		return false;
	free(set->slots);
	set->slots = slots;
	set->cap = cap;
	for (size_t at = 0, next = 0; purge_set_next(set, &next, &name); at = next)
		*find_slot(set, name.wire, name.len) = (uint32_t)at + 1;
	return true;
}

static bool has_suffix(const struct purge_set *set, const uint8_t *wire, size_t len)
{
	uint32_t slot = *find_slot(set, wire, len);

	return slot != 0 && entry_at(set, slot - 1).is_suffix;
}

static bool is_covered(const struct purge_set *set, const uint8_t *wire, size_t len)
{
	if (set->n_suffixes == 0)
		return false;
	while (!has_suffix(set, wire, len)) {
		size_t label = name_first_label(wire, len);
		if (label == 0)
			return false;
		wire += label;
		len -= label;
	}
	return true;
}

static bool append(struct purge_set *set, const uint8_t *wire, size_t len, bool is_suffix)
{
	uint8_t head[ENTRY_HEAD] = {is_suffix, (uint8_t)len};
	size_t at = set->entries.len;

	if (set->n == PURGE_SET_MAX || !make_room(set))
		return false;
	if (buf_reserve(&set->entries, ENTRY_HEAD + len) == NULL)
		return false;
	uint32_t *slot = find_slot(set, wire, len);
	buf_add(&set->entries, head, ENTRY_HEAD);
	buf_add(&set->entries, wire, len);
	*slot = (uint32_t)at + 1;
	set->n++;
	return true;
}

void purge_set_add_all(struct purge_set *set)
{
	purge_set_reset(set);
	set->is_all = true;
}

void purge_set_add(struct purge_set *set, const uint8_t *wire, size_t len, bool is_suffix)
{
	uint32_t slot;

	if (len == 0)
		wire = (const uint8_t *)"";
	if (set->is_all || is_covered(set, wire, len))
		return;
	if (is_suffix && len == 0) { /* the root and all below it */
		purge_set_add_all(set);
		return;
	}
	slot = set->cap == 0 ? 0 : *find_slot(set, wire, len);
	if (slot != 0) {
		/* Not a suffix yet, else it would be covered. */
		if (is_suffix)
			set->entries.data[slot - 1] = 1;
	} else if (!append(set, wire, len, is_suffix)) {
		purge_set_add_all(set);
		set->is_overflown = true;
		return;
	}
	set->n_suffixes += is_suffix;
}

void purge_set_merge(struct purge_set *set, const struct purge_set *from)
{
	struct purge_name name;
	size_t at = 0;

	if (from->is_all && !set->is_all)
		purge_set_add_all(set);
	while (!set->is_all && purge_set_next(from, &at, &name))
		purge_set_add(set, name.wire, name.len, name.is_suffix);
}

bool purge_set_next(const struct purge_set *set, size_t *at, struct purge_name *name)
{
	if (*at >= set->entries.len)
		return false;
	*name = entry_at(set, *at);
	*at += ENTRY_HEAD + (size_t)name->len;
	return true;
}

/* With its final dot, so that a "$" that ends a label is no sign of a suffix. */
static void print_word(struct buf *line, const struct purge_name *name)
{
	char text[WORD_MAX];
	size_t len = 1;

	text[0] = ' ';
	len += name_print(text + 1, name->wire, name->len);
	text[len++] = '.';
	if (name->is_suffix)
		text[len++] = '$';
	buf_add(line, text, len);
}

bool purge_set_print(const struct purge_set *set, size_t *at, struct buf *line, unsigned *names)
{
	size_t start = line->len;
	struct purge_name name;

	*names = 0;
	if (set->is_all && *at == 0) {
		BUF_ADD_LIT(line, "PURGE\n");
		*at = 1;
		return true;
	}
	if (*at >= set->entries.len)
		return false;
	BUF_ADD_LIT(line, "PURGE");
	while (line->len - start + WORD_MAX < PURGE_LINE_MAX && purge_set_next(set, at, &name)) {
		print_word(line, &name);
		++*names;
	}
	buf_add_char(line, '\n');
	return true;
}
