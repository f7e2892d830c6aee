/*
 * searchRecords: records of all zones whose name or content is like a pattern, disabled ones too,
 * as the gpgsql backend searches its table. "*" is any characters, "?" is one. Letters stand for
 * themselves; the names in the store are lower case.
 */
#include "protocol/listing.h"
#include "protocol/record_text.h"

#include "base/json_text.h"
#include "dns/rrtype.h"

#include <stdlib.h>
#include <string.h>

/* With it no record can take long to compare. */
#define PATTERN_MAX 512

struct search_listing {
	struct listing listing; /* first member */
	struct mirror *mirror;	/* a reference; it keeps zones that go meanwhile */
	size_t wanted;		/* records, still */
	size_t zone;		/* in zones[], the one in hand, whose table of names is held */
	uint32_t bucket;	/* in it, the next one */
	struct buf scratch;	/* for a content without its escapes */
	size_t pattern_len;
	char pattern[PATTERN_MAX];
	size_t n;
	struct zone *zones[];
};

static bool is_octet_inside_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Goes back to the last star only, so that the work is bounded by the product of the lengths. */
static bool is_like(const char *text, size_t len, const char *pattern, size_t pattern_len)
{
	size_t star = SIZE_MAX; /* behind the last one that was met */
	size_t star_at = 0;	/* what it stands for ends here */
	size_t at = 0;
	size_t i = 0;

	while (at < len) {
		if (i < pattern_len && pattern[i] == '*') {
			star = ++i;
			star_at = at;
		} else if (i < pattern_len && pattern[i] == '?') {
			i++;
			at++;
			while (at < len && is_octet_inside_character(text[at]))
				at++;
		} else if (i < pattern_len && pattern[i] == text[at]) {
			i++;
			at++;
		} else if (star != SIZE_MAX) {
			i = star;
			at = ++star_at;
		} else {
			return false;
		}
	}
	while (i < pattern_len && pattern[i] == '*')
		i++;
	return i == pattern_len;
}

/* The content as it is in the store. */
static struct text content_text(struct buf *scratch, const struct rr *rr)
{
	struct text plain = {rr->content, rr->content_len};

	if (memchr(plain.at, '\\', plain.len) == NULL)
		return plain;
	buf_reset(scratch, SIZE_MAX);
	char *out = buf_reserve(scratch, plain.len);
	if (out == NULL)
		return (struct text){"", 0};
	plain.len = (size_t)(json_text_unescape(out, plain.at, plain.len) - out);
	plain.at = out;
	return plain;
}

/* The priority may be in a column of its own, where gpgsql does not see it. */
static struct text without_priority(struct text content)
{
	size_t n = 0;

	while (n < content.len && content.at[n] >= '0' && content.at[n] <= '9')
		n++;
	n += n < content.len;
	return (struct text){content.at + n, content.len - n};
}

static bool content_is_like(struct search_listing *search, const struct rr *rr)
{
	struct text content = content_text(&search->scratch, rr);

	if (is_like(content.at, content.len, search->pattern, search->pattern_len))
		return true;
	if (rr->type != RRTYPE_MX && rr->type != RRTYPE_SRV)
		return false;
	content = without_priority(content);
	return is_like(content.at, content.len, search->pattern, search->pattern_len);
}

static void search_node(struct search_listing *search, const struct zone *zone,
	const struct node *node, struct buf *reply)
{
	char text[NAME_TEXT_MAX + 1];
	char name[6 * sizeof(text)];
	struct name full;
	struct rr rr;

	full.len = (uint8_t)(node->name_len + zone->name_len);
	memcpy(full.wire, node->name, node->name_len);
	memcpy(full.wire + node->name_len, zone->name, zone->name_len);
	size_t len = name_print(text, full.wire, full.len);
	bool is_name = is_like(text, len, search->pattern, search->pattern_len);
	text[len++] = '.';
	char *end = json_text_escape(name, text, len);
	for (const uint8_t *at = NULL;
		search->wanted > 0 && (at = rrs_next(node->rrs, at, &rr)) != NULL;) {
		if (!is_name && !content_is_like(search, &rr))
			continue;
		listing_separate(&search->listing, reply);
		record_text_add(reply, zone, &rr, node_is_authoritative(node, rr.type),
			(struct text){name, (size_t)(end - name)});
		search->wanted--;
	}
}

/* Names of the zone in hand, bucket after bucket. True when all of them have been seen. */
static bool search_zone(struct search_listing *search, size_t *budget, struct buf *reply)
{
	const struct zone *zone = search->zones[search->zone];

	while (search->bucket < zone->names.buckets && search->wanted > 0) {
		if (*budget == 0)
			return false;
		const struct table_entry *entry = table_bucket(&zone->names, search->bucket++);
		--*budget;
		for (; entry != NULL; entry = entry->next)
			if (((const struct node *)entry)->rrs != NULL)
				search_node(search, zone, (const struct node *)entry, reply);
	}
	return true;
}

static int search_step(struct listing *base, size_t budget, struct buf *reply)
{
	struct search_listing *search = (struct search_listing *)base;

	while (search->zone < search->n && search->wanted > 0) {
		if (budget == 0 || !search_zone(search, &budget, reply))
			return 0;
		if (search->wanted == 0)
			break; /* search_free lets go of the table */
		table_unhold(&search->zones[search->zone]->names);
		search->bucket = 0;
		if (++search->zone < search->n)
			table_hold(&search->zones[search->zone]->names);
		budget -= budget > 0;
	}
	return buf_failed(&search->scratch) ? -1 : 1;
}

static void search_free(struct listing *base)
{
	struct search_listing *search = (struct search_listing *)base;

	if (search->zone < search->n)
		table_unhold(&search->zones[search->zone]->names);
	buf_fini(&search->scratch);
	mirror_release_zones(search->mirror);
	mirror_unref(search->mirror);
	free(search);
}

static void add_to_search(void *arg, struct zone *zone)
{
	struct search_listing *search = arg;

	search->zones[search->n++] = zone;
}

static struct listing *search_new(struct mirror *mirror, struct text pattern, size_t wanted)
{
	const size_t pointer = sizeof(void *); /* of zones[]; clang-tidy takes it for a mistake */
	struct search_listing *search = calloc(1, sizeof(*search) + mirror_zones(mirror) * pointer);

	if (search == NULL)
		return NULL;
	search->listing.step = search_step;
	search->listing.free = search_free;
	search->mirror = mirror;
	search->wanted = wanted;
	search->pattern_len = pattern.len;
	memcpy(search->pattern, pattern.at, pattern.len);
	buf_init(&search->scratch);
	mirror_ref(mirror);
	mirror_keep_zones(mirror);
	mirror_each_zone(mirror, add_to_search, search);
	if (search->n > 0)
		table_hold(&search->zones[0]->names);
	return &search->listing;
}

void method_search_records(struct call *call)
{
	struct text pattern;
	int64_t wanted;

	if (!call_text(call, "pattern", &pattern) ||
		!call_int(call, "maxResults", 0, INT32_MAX, &wanted))
		return;
	if (pattern.len > PATTERN_MAX) {
		call_fail(call, "searchRecords: the pattern is over %d characters", PATTERN_MAX);
		return;
	}
	call_answer_listing(call, search_new(call->protocol->mirror, pattern, (size_t)wanted));
}
