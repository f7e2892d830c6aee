#include "mirror/reference.h"

#include "dns/rrtype.h"
#include "mirror/hooks.h"
#include "mirror/mirror.h"

#include <string.h>

/* ---- what a record points at ---- */

/* A content is read character by character: its escapes for JSON are undone first. */
struct reader {
	const char *at;
	const char *end;
	bool is_escaped;
};

static char hex_value(char c)
{
	return (char)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static char next_char(struct reader *reader)
{
	char c = *reader->at++;

	if (c != '\\' || !reader->is_escaped || reader->at == reader->end)
		return c;
	c = *reader->at++;
	if (c != 'u' || reader->end - reader->at < 4)
		return c;
	c = (char)(hex_value(reader->at[2]) * 16 + hex_value(reader->at[3]));
	reader->at += 4;
	return c;
}

struct word {
	char text[NAME_TEXT_MAX + 1]; /* with a final dot */
	size_t len;
	bool is_long; /* there was more than fits: no name */
};

static void word_add(struct word *word, char c)
{
	if (word->len < sizeof(word->text))
		word->text[word->len++] = c;
	else
		word->is_long = true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The next word; a quote in it is a character like others. */
static bool next_word(struct reader *reader, struct word *word)
{
	word->len = 0;
	word->is_long = false;
	while (reader->at < reader->end) {
		char c = next_char(reader);
		if (!is_blank(c))
			word_add(word, c);
		else if (word->len > 0)
			return true;
	}
	return word->len > 0;
}

/* Goes behind a string in quotes. */
static void skip_string(struct reader *reader)
{
	bool is_inside = false;

	while (reader->at < reader->end) {
		char c = next_char(reader);
		if (c == '"' && is_inside)
			return;
		is_inside |= c == '"';
		if (c == '\\' && reader->at < reader->end)
			(void)next_char(reader);
	}
}

#define NO_WORD	      (-1)
#define NAPTR_STRINGS 3

/* Which word of the content is the name? Those of NAPTR in front of its strings count. */
static int word_of_target(uint16_t type)
{
	switch (type) {
	case RRTYPE_CNAME:
	case RRTYPE_ALIAS:
	case RRTYPE_DNAME:
	case RRTYPE_NS:
		return 0;
	case RRTYPE_MX:
	case RRTYPE_SVCB:
	case RRTYPE_HTTPS:
		return 1;
	case RRTYPE_NAPTR:
		return 2;
	case RRTYPE_SRV:
		return 3;
	default:
		return NO_WORD;
	}
}

bool reference_target(const struct rr *rr, bool is_escaped, struct name *target)
{
	int wanted = word_of_target(rr->type);
	struct reader reader = {rr->content, rr->content + rr->content_len, is_escaped};
	struct word word;

	if (wanted == NO_WORD || rr->disabled)
		return false;
	for (int n = 0; n <= wanted; n++) {
		for (int i = 0; n == 2 && rr->type == RRTYPE_NAPTR && i < NAPTR_STRINGS; i++)
			skip_string(&reader);
		if (!next_word(&reader, &word))
			return false;
	}
	return !word.is_long && name_parse(target, word.text, word.len) == NAME_OK;
}

/* ---- the orders ---- */

/* What an order is searched with: the octets of an order_key are this. */
struct key {
	const uint8_t *name;
	size_t len;
	struct node *node; /* NULL comes before all others */
};

static int compare(const struct order_key *order_key, const void *item)
{
	const struct key *key = (const void *)order_key->octets;
	const struct reference *reference = item;
	int order = name_compare(key->name, key->len, reference->target, reference->target_len);

	if (order != 0 || key->node == reference->node)
		return order;
	return (uintptr_t)key->node < (uintptr_t)reference->node ? -1 : 1;
}

static struct order_key order_key(const struct key *key)
{
	return (struct order_key){
		name_order_prefix(key->name, key->len), (const void *)key, sizeof(*key)};
}

void references_init(struct references *references, struct pool *pool)
{
	order_init(&references->across, pool, compare);
	order_init(&references->dnames, pool, compare);
	references->signaling = NULL;
}

void references_init_zone(struct zone *zone)
{
	order_init(&zone->inside, zone->pool, compare);
}

void references_join(struct zone *zone)
{
	static const uint8_t label[] = "\7_signal";
	size_t len = sizeof(label) - 1;

	if (zone->references == NULL || zone->name_len < len ||
		memcmp(zone->name, label, len) != 0 || !zone_setting_is_one(zone, "SIGNALING-ZONE"))
		return;
	zone->next_signaling = zone->references->signaling;
	zone->references->signaling = zone;
}

void references_leave(struct zone *zone)
{
	struct zone **at = zone->references == NULL ? NULL : &zone->references->signaling;

	while (at != NULL && *at != NULL && *at != zone)
		at = &(*at)->next_signaling;
	if (at != NULL && *at == zone)
		*at = zone->next_signaling;
}

static bool is_switched_off(uint16_t type)
{
	char scratch[RRTYPE_TEXT_SIZE];

	return hook_is_off(rrtype_print(type, scratch));
}

/* The order in which it belongs; the key's name is in target. NULL: the zone is in no mirror. */
static struct order *order_of(
	struct zone *zone, uint16_t type, const struct name *target, struct key *key)
{
	key->name = target->wire;
	key->len = target->len;
	if (zone->references == NULL || is_switched_off(type))
		return NULL;
	if (type == RRTYPE_DNAME)
		return &zone->references->dnames;
	if (!name_is_in(target->wire, target->len, zone->name, zone->name_len))
		return &zone->references->across;
	key->len -= zone->name_len;
	return &zone->inside;
}

static struct reference *find(const struct order *order, const struct key *key)
{
	struct order_key seek = order_key(key);
	struct order_place place;

	if (!order_seek(order, &seek, &place))
		return NULL;
	struct reference *found = (struct reference *)order_item(&place);
	bool is_it = found->node == key->node &&
		     name_compare(key->name, key->len, found->target, found->target_len) == 0;
	return is_it ? found : NULL;
}

static size_t reference_size(size_t target_len)
{
	return offsetof(struct reference, target) + target_len;
}

static struct reference *add(struct zone *zone, struct order *order, const struct key *key)
{
	struct order_key at = order_key(key);
	struct reference *reference = pool_alloc(zone->pool, reference_size(key->len));

	if (reference == NULL)
		return NULL;
	reference->zone = zone;
	reference->node = key->node;
	reference->is_old = reference->is_new = false;
	reference->target_len = (uint8_t)key->len;
	memcpy(reference->target, key->name, key->len);
	if (order_add(order, &at, reference) == 0)
		return reference;
	pool_release(zone->pool, reference, reference_size(key->len));
	return NULL;
}

static void drop(struct order *order, struct reference *reference)
{
	struct key key = {reference->target, reference->target_len, reference->node};
	struct order_key at = order_key(&key);

	order_remove(order, &at);
	pool_release(reference->zone->pool, reference, reference_size(reference->target_len));
}

/* ---- zones that are filled, and that go ---- */

int references_add(struct zone *zone, struct node *node, const struct rr *rr, bool is_escaped)
{
	struct name target;
	struct key key = {.node = node};

	if (!reference_target(rr, is_escaped, &target))
		return 0;
	struct order *order = order_of(zone, rr->type, &target, &key);
	if (order == NULL || find(order, &key) != NULL)
		return 0;
	return add(zone, order, &key) == NULL ? -1 : 0;
}

void references_remove(struct zone *zone, struct node *node)
{
	struct rr rr;

	for (const uint8_t *at = NULL; (at = rrs_next(node->rrs, at, &rr)) != NULL;) {
		struct name target;
		struct key key = {.node = node};
		if (!reference_target(&rr, true, &target))
			continue;
		struct order *order = order_of(zone, rr.type, &target, &key);
		/* Another record may have had the same, or memory was out when it came. */
		struct reference *reference = order == NULL ? NULL : find(order, &key);
		if (reference != NULL)
			drop(order, reference);
	}
}

/* ---- change sets ---- */

/* Whoever takes a note out of the pool leaves it there when he cannot use it. */
static struct reference_note *note_new(struct pool *pool)
{
	return pool_alloc(pool, sizeof(struct reference_note));
}

static void note_add(struct reference_note **notes, struct reference_note *note,
	struct order *order, struct reference *reference)
{
	note->next = *notes;
	note->order = order;
	note->reference = reference;
	*notes = note;
}

int references_touch(
	struct zone *zone, struct node *node, struct pool *pool, struct reference_note **notes)
{
	struct rr rr;

	for (const uint8_t *at = NULL; (at = rrs_next(node->rrs, at, &rr)) != NULL;) {
		struct name target;
		struct key key = {.node = node};
		if (!reference_target(&rr, true, &target))
			continue;
		struct order *order = order_of(zone, rr.type, &target, &key);
		struct reference *reference = order == NULL ? NULL : find(order, &key);
		if (reference == NULL || reference->is_old)
			continue;
		struct reference_note *note = note_new(pool);
		if (note == NULL)
			return -1;
		reference->is_old = true;
		note_add(notes, note, order, reference);
	}
	return 0;
}

int references_expect(struct zone *zone, struct node *node, const struct rr *rr, struct pool *pool,
	struct reference_note **notes)
{
	struct name target;
	struct key key = {.node = node};

	if (!reference_target(rr, false, &target))
		return 0;
	struct order *order = order_of(zone, rr->type, &target, &key);
	if (order == NULL)
		return 0;
	struct reference *reference = find(order, &key);
	if (reference == NULL) {
		struct reference_note *note = note_new(pool);
		reference = note == NULL ? NULL : add(zone, order, &key);
		if (reference == NULL)
			return -1;
		note_add(notes, note, order, reference);
	}
	reference->is_new = true;
	return 0;
}

void references_settle(const struct reference_note *notes, bool is_done)
{
	for (; notes != NULL; notes = notes->next) {
		struct reference *reference = notes->reference;
		bool is_needed = is_done ? reference->is_new : reference->is_old;
		reference->is_old = reference->is_new = false;
		if (!is_needed)
			drop(notes->order, reference);
	}
}

/* ---- who points there? ---- */

struct search {
	const uint8_t *name;
	size_t len;
	bool is_suffix;
	bool is_inside;
	reference_fn fn;
	void *arg;
};

static bool is_match(const struct search *search, const struct reference *reference)
{
	if (search->is_suffix)
		return name_is_in(
			reference->target, reference->target_len, search->name, search->len);
	return reference->target_len == search->len &&
	       memcmp(reference->target, search->name, search->len) == 0;
}

/* What lies below a name comes right behind it. */
static void each_in(const struct order *order, const struct search *search)
{
	struct key key = {search->name, search->len, NULL};
	struct order_key seek = order_key(&key);
	struct order_place place;

	if (order->entries == 0)
		return;
	bool more =
		order_seek(order, &seek, &place) ? order_next(&place) : order_first(order, &place);
	for (; more; more = order_next(&place)) {
		const struct reference *reference = order_item(&place);
		if (!is_match(search, reference) || !search->fn(search->arg, reference->zone,
							    reference->node, search->is_inside))
			return;
	}
}

void references_each(const struct mirror *mirror, const uint8_t *wire, size_t len, bool is_suffix,
	reference_fn fn, void *arg)
{
	const struct references *references = &mirror->references;
	struct search search = {wire, len, is_suffix, false, fn, arg};

	each_in(&references->across, &search);
	each_in(&references->dnames, &search);
	search.is_suffix = false;
	for (size_t at = 0;; at += name_first_label(wire + at, len - at)) {
		/* Of a zone, with the name relative to it; of DNAMEs, with those above the name. */
		const struct zone *zone = mirror_find_zone(mirror, wire + at, len - at);
		if (zone != NULL && !(is_suffix && at == 0)) {
			struct search inside = {wire, at, is_suffix, true, fn, arg};
			each_in(&zone->inside, &inside);
		}
		if (at == len)
			return;
		search.name = wire + at;
		search.len = len - at;
		if (at > 0)
			each_in(&references->dnames, &search);
	}
}
