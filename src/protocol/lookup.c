/*
 * lookup and APILookup: the records of one name. What the gpgsql backend selects by name and type,
 * in the zone with the id asked for, or in every zone that has the name when the id is -1.
 */
#include "base/json_text.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"
#include "protocol/call.h"
#include "protocol/record_text.h"

#include <string.h>

struct question {
	struct name name;
	uint16_t type; /* RRTYPE_ANY: all */
	int64_t zone_id;
	bool with_disabled;
	size_t text_len;
	/* The name as it was asked, which the records of the reply repeat, escaped for JSON. */
	char text[6 * (NAME_TEXT_MAX + 1)];
};

static bool question_get(struct call *call, struct question *question)
{
	const char *name;
	const char *type;
	size_t len;

	if (!call_name(call, "qname", &question->name, &name) ||
		!call_text(call, "qtype", &type, &len) ||
		!call_int_or(call, "zone-id", -1, INT32_MIN, INT32_MAX, &question->zone_id))
		return false;
	/* A name that parses has no more than NAME_TEXT_MAX characters and a final dot. */
	char *end = json_text_escape(question->text, name, strlen(name));
	question->text_len = (size_t)(end - question->text);
	/* No type of PowerDNS: nothing can have it. */
	question->type = rrtype_parse(type, len);
	return true;
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
		record_text_add(call->reply, zone, node, &rr, question->text, question->text_len);
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
		record_text_add_empty(call->reply, zone, node, question->text, question->text_len);
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

static void answer_from_id(struct call *call, const struct question *question)
{
	const struct zone *zone =
		mirror_find_zone_by_id(call->protocol->mirror, (int32_t)question->zone_id);

	if (zone != NULL &&
		name_is_in(question->name.wire, question->name.len, zone->name, zone->name_len))
		answer_from_zone(call, question, zone);
}

static void answer_question(struct call *call, const struct question *question)
{
	BUF_ADD_LIT(call->reply, "{\"result\":[");
	if (question->zone_id < 0)
		answer_from_zones(call, question);
	else
		answer_from_id(call, question);
	BUF_ADD_LIT(call->reply, "]}\n");
}

void method_lookup(struct call *call)
{
	struct question question;

	question.with_disabled = false;
	if (question_get(call, &question))
		answer_question(call, &question);
}

void method_api_lookup(struct call *call)
{
	struct question question;

	if (question_get(call, &question) &&
		call_bool_or(call, "include-disabled", false, &question.with_disabled))
		answer_question(call, &question);
}
