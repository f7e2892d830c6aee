#include "mirror/effect.h"

#include "dns/rrtype.h"

#include <string.h>

/* ---- what is said ---- */

static void add_below(
	struct affected *affected, const struct zone *zone, const uint8_t *name, size_t len)
{
	uint8_t wire[NAME_WIRE_MAX];

	memcpy(wire, name, len);
	memcpy(wire + len, zone->name, zone->name_len);
	affected_add_name(affected, wire, len + zone->name_len, true);
}

static void add_exact(struct affected *affected, const struct zone *zone, const struct node *node)
{
	uint8_t wire[NAME_WIRE_MAX];

	memcpy(wire, node->name, node->name_len);
	memcpy(wire + node->name_len, zone->name, zone->name_len);
	affected_add_name(affected, wire, (size_t)node->name_len + zone->name_len, false);
}

static bool is_wildcard(const struct node *node)
{
	return node->name_len >= 2 && node->name[0] == 1 && node->name[1] == '*';
}

/* The node and what is below it; where it is a wildcard, what that is for. */
static void add_node_below(
	struct affected *affected, const struct zone *zone, const struct node *node)
{
	size_t skip = is_wildcard(node) ? 2 : 0;

	add_below(affected, zone, node->name + skip, node->name_len - skip);
}

/* ---- what changed ---- */

/* Where a word of the content begins; words are parted by blanks. */
static size_t word_at(const struct rr *rr, unsigned n)
{
	size_t at = 0;

	for (;; n--) {
		while (at < rr->content_len && (rr->content[at] == ' ' || rr->content[at] == '\t'))
			at++;
		if (n == 0)
			return at;
		while (at < rr->content_len && rr->content[at] != ' ' && rr->content[at] != '\t')
			at++;
	}
}

/* Is more than the serial another one? "No" carries the SOA's TTL and its last number. */
static bool soa_differs(const struct rrs *before, const struct rrs *after)
{
	struct rr a;
	struct rr b;
	bool had = rrs_find(before, RRTYPE_SOA, &a);
	bool has = rrs_find(after, RRTYPE_SOA, &b);

	if (!had || !has)
		return had != has;
	size_t a_serial = word_at(&a, 2);
	size_t b_serial = word_at(&b, 2);
	size_t a_rest = word_at(&a, 3);
	size_t b_rest = word_at(&b, 3);
	return a.ttl != b.ttl || a_serial != b_serial ||
	       memcmp(a.content, b.content, a_serial) != 0 ||
	       a.content_len - a_rest != b.content_len - b_rest ||
	       memcmp(a.content + a_rest, b.content + b_rest, a.content_len - a_rest) != 0;
}

static bool is_signed(const struct zone *zone)
{
	return zone->keys != NULL || zone->denial != NULL;
}

/* Do the records say something about names below? An apex always has NS, for itself. */
static bool reaches_below(const struct node *node, const struct rrs *rrs)
{
	return rrs_has(rrs, node->parent == NULL ? RRS_DNAME : RRS_NS | RRS_DS | RRS_DNAME);
}

void effect_of_records(struct affected *affected, const struct zone *zone, const struct node *node,
	const struct rrs *before, const struct rrs *after)
{
	if (is_signed(zone) || (node->parent == NULL && soa_differs(before, after)))
		add_node_below(affected, zone, zone->apex);
	else if (is_wildcard(node) || reaches_below(node, before) || reaches_below(node, after))
		add_node_below(affected, zone, node);
	else
		add_exact(affected, zone, node);
}

void effect_of_existence(
	struct affected *affected, const struct zone *zone, const struct node *node)
{
	if (node->parent != NULL)
		add_node_below(affected, zone, node);
}

void effect_of_zone(struct affected *affected, const struct zone *before, const struct zone *after)
{
	bool is_same = before != NULL && after != NULL && before->id == after->id &&
		       before->name_len == after->name_len &&
		       memcmp(before->name, after->name, after->name_len) == 0;

	if (is_same) {
		add_node_below(affected, after, after->apex);
		return;
	}
	if (before != NULL)
		affected_add_zone(affected, before->name, before->name_len);
	if (after != NULL)
		affected_add_zone(affected, after->name, after->name_len);
}
