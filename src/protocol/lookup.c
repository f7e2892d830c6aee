/*
 * lookup and APILookup: the records of one name. What the gpgsql backend selects by name and type,
 * in the zone with the id asked for, or in every zone that has the name when the id is -1.
 */
#include "base/json_text.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"
#include "mirror/denial.h"
#include "protocol/call.h"
#include "protocol/record_text.h"

struct question {
	struct name name;
	uint16_t type;		 /* RRTYPE_ANY: all */
	bool is_of_any_zone;	 /* else of `zone` only */
	const struct zone *zone; /* NULL: the name is not in the zone asked for */
	bool with_disabled;
	size_t text_len;
	/* The name as it was asked, which the records of the reply repeat, escaped for JSON. */
	char text[6 * (NAME_TEXT_MAX + 1)];
};

static void question_find_zone(struct call *call, struct question *question, int32_t id)
{
	const struct name *name = &question->name;
	const struct zone *zone = mirror_find_zone_by_id(call->protocol->mirror, id);

	if (zone != NULL && name_is_in(name->wire, name->len, zone->name, zone->name_len))
		question->zone = zone;
}

static bool question_make(
	struct call *call, struct question *question, const struct lookup_request *lookup)
{
	int error = name_parse(&question->name, lookup->qname.at, lookup->qname.len);

	if (error != NAME_OK) {
		call_bad_name(call, "qname", lookup->qname, error);
		return false;
	}
	question->zone = NULL;
	question->is_of_any_zone = lookup->zone_id < 0;
	if (!question->is_of_any_zone)
		question_find_zone(call, question, (int32_t)lookup->zone_id);
	/* A name that parses has no more than NAME_TEXT_MAX characters and a final dot. */
	char *end = json_text_escape(question->text, lookup->qname.at, lookup->qname.len);
	question->text_len = (size_t)(end - question->text);
	/* No type of PowerDNS: nothing can have it. */
	question->type = rrtype_parse(lookup->qtype.at, lookup->qtype.len);
	question->with_disabled = lookup->with_disabled;
	return true;
}

static struct text question_name(const struct question *question)
{
	return (struct text){question->text, question->text_len};
}

static void separate(struct buf *reply)
{
	if (reply->len > 0 && reply->data[reply->len - 1] == '}')
		buf_add_char(reply, ',');
}

static void add_records(struct call *call, const struct question *question, const struct zone *zone,
	const struct node *node)
{
	struct rr rr;

	for (const uint8_t *at = NULL; (at = rrs_next(node->rrs, at, &rr)) != NULL;) {
		if ((question->type != RRTYPE_ANY && question->type != rr.type) ||
			(rr.disabled && !question->with_disabled))
			continue;
		separate(call->reply);
		record_text_add(call->reply, zone, &rr, node_is_authoritative(node, rr.type),
			question_name(question));
	}
}

/* The name is in the zone. */
static void answer_from_zone(
	struct call *call, const struct question *question, const struct zone *zone)
{
	const struct node *node =
		zone_find(zone, question->name.wire, (size_t)(question->name.len - zone->name_len));

	if (node == NULL)
		return;
	if (rrs_has(node->rrs, RRS_ENABLED) || question->with_disabled) {
		add_records(call, question, zone, node);
	} else if (question->type == RRTYPE_ANY && node_exists(node)) {
		separate(call->reply);
		record_text_add_empty(call->reply, zone, zone_empty_is_authoritative(zone, node),
			call->protocol->mirror->default_ttl, question_name(question));
	}
}

/* Every zone that the name lies in, the innermost first. */
static void answer_from_zones(struct call *call, const struct question *question)
{
	const struct name *name = &question->name;
	size_t at = 0;

	for (;;) {
		const struct zone *zone =
			mirror_find_zone(call->protocol->mirror, name->wire + at, name->len - at);
		if (zone != NULL)
			answer_from_zone(call, question, zone);
		if (at == name->len)
			return;
		at += name_first_label(name->wire + at, name->len - at);
	}
}

void lookup_answer(struct call *call, const struct lookup_request *lookup)
{
	struct question question;

	if (!question_make(call, &question, lookup))
		return;
	BUF_ADD_LIT(call->reply, "{\"result\":[");
	if (question.is_of_any_zone)
		answer_from_zones(call, &question);
	else if (question.zone != NULL)
		answer_from_zone(call, &question, question.zone);
	BUF_ADD_LIT(call->reply, "]}\n");
}

bool lookup_get(struct call *call, struct lookup_request *lookup)
{
	lookup->with_disabled = false;
	return call_text(call, "qname", &lookup->qname) &&
	       call_text(call, "qtype", &lookup->qtype) &&
	       call_int_or(call, "zone-id", -1, INT32_MIN, INT32_MAX, &lookup->zone_id);
}

void method_lookup(struct call *call)
{
	struct lookup_request lookup;

	if (lookup_get(call, &lookup))
		lookup_answer(call, &lookup);
}

void method_api_lookup(struct call *call)
{
	struct lookup_request lookup;

	if (lookup_get(call, &lookup) &&
		call_bool_or(call, "include-disabled", false, &lookup.with_disabled))
		lookup_answer(call, &lookup);
}
