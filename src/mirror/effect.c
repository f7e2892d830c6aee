#include "mirror/effect.h"

#include "dns/rrtype.h"
#include "mirror/denial.h"
#include "mirror/hooks.h"

#include <string.h>

/* With more names than this the zone is affected as a whole: PowerDNS takes 10 ms for so many. */
#define ZONE_NAMES_MAX 2000
/* Records that are compared with each other at most. */
#define COMPARE_MAX 64
/* References that are looked at for one change set; some 10 ms. */
#define REFERENCES_MAX 50000

/* ---- what is said ---- */

static size_t full_name(
	uint8_t wire[NAME_WIRE_MAX], const struct zone *zone, const uint8_t *name, size_t len)
{
	memcpy(wire, name, len);
	memcpy(wire + len, zone->name, zone->name_len);
	return len + zone->name_len;
}

static void add_whole_zone(struct affected *affected, const struct zone *zone)
{
	affected_add_name(affected, zone->name, zone->name_len, true);
}

/* Has the zone too many names for saying each? */
static bool is_whole(struct affected *affected, const struct zone *zone)
{
	uint32_t names = affected_names_of(affected, zone);

	if (names == ZONE_NAMES_MAX)
		add_whole_zone(affected, zone);
	return names >= ZONE_NAMES_MAX;
}

static void add_exact(struct affected *affected, const struct zone *zone, const struct node *node)
{
	uint8_t wire[NAME_WIRE_MAX];
	size_t len = full_name(wire, zone, node->name, node->name_len);

	affected_add_name(affected, wire, len, false);
}

static bool is_wildcard(const struct node *node)
{
	return node->name_len >= 2 && node->name[0] == 1 && node->name[1] == '*';
}

/* The node and what is below it; where it is a wildcard, what that is for. */
static void add_below(struct affected *affected, const struct zone *zone, const struct node *node)
{
	uint8_t wire[NAME_WIRE_MAX];
	size_t skip = is_wildcard(node) ? 2 : 0;
	size_t len = full_name(wire, zone, node->name + skip, node->name_len - skip);

	affected_add_name(affected, wire, len, true);
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

/* Is more than the serial another one? Whoever says "no" sends the SOA along. */
static bool soa_differs(const struct rr *a, const struct rr *b)
{
	size_t a_serial = word_at(a, 2);
	size_t a_rest = word_at(a, 3);
	size_t b_rest = word_at(b, 3);

	return a->ttl != b->ttl || a_serial != word_at(b, 2) ||
	       memcmp(a->content, b->content, a_serial) != 0 ||
	       a->content_len - a_rest != b->content_len - b_rest ||
	       memcmp(a->content + a_rest, b->content + b_rest, a->content_len - a_rest) != 0;
}

static bool has_record(const struct rrs *rrs, const struct rr *wanted)
{
	struct rr rr;

	for (const uint8_t *at = NULL; (at = rrs_next(rrs, at, &rr)) != NULL;)
		if (rr.type == wanted->type && rr.disabled == wanted->disabled &&
			rr.ttl == wanted->ttl && rr.content_len == wanted->content_len &&
			memcmp(rr.content, wanted->content, rr.content_len) == 0)
			return true;
	return false;
}

static bool has_all_but_soa(const struct rrs *rrs, const struct rrs *other)
{
	struct rr rr;

	for (const uint8_t *at = NULL; (at = rrs_next(other, at, &rr)) != NULL;)
		if (rr.type != RRTYPE_SOA && !has_record(rrs, &rr))
			return false;
	return true;
}

/* Are all records but the SOA the same, in whatever order? Rows from before the schema checked them
 * may be there twice. */
static bool is_same_but_soa(const struct rrs *before, const struct rrs *after)
{
	if (before == NULL || after == NULL || before->records != after->records ||
		before->records > COMPARE_MAX)
		return false;
	return has_all_but_soa(after, before) && has_all_but_soa(before, after);
}

static bool has_types_of(const struct rrs *rrs, const struct rrs *other)
{
	struct rr rr;
	struct rr found;

	for (const uint8_t *at = NULL; (at = rrs_next(other, at, &rr)) != NULL;)
		if (!rr.disabled && !rrs_find(rrs, rr.type, &found))
			return false;
	return true;
}

static bool has_same_types(const struct rrs *before, const struct rrs *after)
{
	if (before == NULL || after == NULL || before->records > COMPARE_MAX ||
		after->records > COMPARE_MAX)
		return false;
	return has_types_of(before, after) && has_types_of(after, before);
}

/* Does the change reach all names of a signed zone? What is proved of a name depends on which names
 * and types there are; the signatures of a zone that came signed are records of their own. */
static bool denial_differs(
	const struct zone *zone, const struct rrs *before, const struct rrs *after)
{
	if (hook_is_off("signed"))
		return false;
	if (zone->denial != NULL && zone->denial->is_presigned)
		return true;
	return zone->keys != NULL && !has_same_types(before, after);
}

/* Do the records say something about names below? An apex has NS for itself. */
static bool reaches_below(const struct node *node, const struct rrs *rrs)
{
	return (rrs_has(rrs, RRS_DNAME) && !hook_is_off("dname")) ||
	       (node->parent != NULL && rrs_has(rrs, RRS_NS | RRS_DS) &&
		       !hook_is_off("delegation"));
}

/* More of a zone is another than its serial: what signaling zones say of it may be as well. */
static void add_signaling(struct affected *affected, const struct references *references)
{
	const struct zone *zone = references->signaling;

	for (; zone != NULL && !hook_is_off("signaling"); zone = zone->next_signaling)
		add_whole_zone(affected, zone);
}

static bool is_serial_alone(const struct rrs *before, const struct rrs *after)
{
	struct rr old;
	struct rr new;

	return rrs_find(before, RRTYPE_SOA, &old) && rrs_find(after, RRTYPE_SOA, &new) &&
	       !soa_differs(&old, &new) && is_same_but_soa(before, after);
}

/* The apex, when its SOA is not what it was. Returns whether that says all. */
static bool add_apex(struct affected *affected, const struct zone *zone, const struct rrs *before,
	const struct rrs *after)
{
	struct rr old;
	struct rr new;
	bool had = rrs_find(before, RRTYPE_SOA, &old);
	bool has = rrs_find(after, RRTYPE_SOA, &new);

	if (had != has) { /* which makes it a zone that is served */
		affected_add_zone(affected, zone->name, zone->name_len);
		return true;
	}
	if (!has)
		return false;
	if (soa_differs(&old, &new) && !hook_is_off("soa")) {
		add_whole_zone(affected, zone);
		return true;
	}
	if (!is_same_but_soa(before, after))
		return false;
	if (!hook_is_off("serial"))
		affected_add_later(affected, zone->name, zone->name_len);
	return true;
}

void effect_of_records(struct affected *affected, const struct zone *zone, const struct node *node,
	const struct rrs *before, const struct rrs *after)
{
	if (node->parent == NULL && zone->references->signaling != NULL &&
		!is_serial_alone(before, after))
		add_signaling(affected, zone->references);
	if (is_whole(affected, zone))
		return;
	if (denial_differs(zone, before, after))
		add_whole_zone(affected, zone);
	else if (node->parent == NULL && add_apex(affected, zone, before, after))
		return;
	else if ((is_wildcard(node) && !hook_is_off("wildcard")) || reaches_below(node, before) ||
		 reaches_below(node, after))
		add_below(affected, zone, node);
	else if (!hook_is_off("name"))
		add_exact(affected, zone, node);
}

/* Is there a wildcard that is for names below the node while the node does not exist? */
static bool has_wildcard_beside(const struct zone *zone, const struct node *node)
{
	const struct node *parent = node->parent;
	uint8_t name[NAME_WIRE_MAX + 2] = {1, '*'};

	memcpy(name + 2, parent->name, parent->name_len);
	node = zone_find(zone, name, 2 + (size_t)parent->name_len);
	return node != NULL && node_exists(node);
}

/* What is below the node is not there before and after, so a name is enough; a suffix is dearer to
 * PowerDNS, which forgets the settings and keys of all zones with it. */
void effect_of_existence(struct affected *affected, const struct zone *zone,
	const struct node *node, const struct node *topmost)
{
	if (topmost->parent == NULL || hook_is_off("existence"))
		return;
	if (has_wildcard_beside(zone, topmost)) {
		add_below(affected, zone, topmost);
		return;
	}
	for (; node != topmost->parent; node = node->parent) {
		if (is_wildcard(node))
			add_below(affected, zone, node);
		else
			add_exact(affected, zone, node);
	}
}

void effect_of_zone(struct affected *affected, const struct zone *before, const struct zone *after)
{
	bool is_same = before != NULL && after != NULL && before->id == after->id &&
		       before->name_len == after->name_len &&
		       memcmp(before->name, after->name, after->name_len) == 0;

	if (before != NULL || after != NULL)
		add_signaling(affected, (after == NULL ? before : after)->references);
	if (is_same && !hook_is_off("zone"))
		add_whole_zone(affected, after);
	if (is_same || hook_is_off("list"))
		return;
	if (before != NULL)
		affected_add_zone(affected, before->name, before->name_len);
	if (after != NULL)
		affected_add_zone(affected, after->name, after->name_len);
}

/* ---- who points there ---- */

struct search {
	struct affected *affected;
	uint32_t seen;
};

static bool add_referrer(
	void *arg, const struct zone *zone, const struct node *node, bool is_inside)
{
	struct search *search = arg;
	struct affected *affected = search->affected;

	if (++search->seen > REFERENCES_MAX)
		affected_set_all_names(affected);
	if (is_whole(affected, zone))
		return !is_inside && !affected->is_all;
	if ((is_wildcard(node) && !hook_is_off("wildcard")) || reaches_below(node, node->rrs))
		add_below(affected, zone, node);
	else
		add_exact(affected, zone, node);
	return !affected->is_all;
}

void effect_finish(struct affected *affected, const struct mirror *mirror)
{
	struct search search = {affected, 0};
	const struct affected_name *name = affected->names;

	/* What is added comes at the end of the list. */
	for (; name != NULL && !affected->is_all; name = name->next)
		if (!affected_is_covered(affected, name))
			references_each(mirror, name->wire, name->len, name->is_suffix,
				add_referrer, &search);
	affected_finish(affected);
}
