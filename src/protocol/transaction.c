/*
 * Transactions: startTransaction, feedRecord, feedEnts, feedEnts3, replaceRRSet, commitTransaction,
 * abortTransaction. A transaction is its connection's; "trxid", a time in seconds, says nothing.
 */
#include "base/json_text.h"
#include "dns/rrtype.h"
#include "protocol/call.h"

#include <string.h>

/* A record as it is to be stored; text is borrowed from the request. */
struct stored {
	struct name name;
	struct text type;
	struct text content; /* of MX and SRV without the priority */
	struct text prio;    /* digits */
	int64_t ttl;
	bool auth;
};

/* The columns that the gpgsql backend makes of PowerDNS' one: leading digits, then what is left
 * without the blanks in front. */
static void split_priority(struct stored *stored)
{
	struct text *content = &stored->content;
	size_t n = 0;

	stored->prio = (struct text){"0", 1};
	if (!(stored->type.len == 2 && memcmp(stored->type.at, "MX", 2) == 0) &&
		!(stored->type.len == 3 && memcmp(stored->type.at, "SRV", 3) == 0))
		return;
	while (n < content->len && content->at[n] >= '0' && content->at[n] <= '9')
		n++;
	if (n == content->len)
		return;
	if (n > 0)
		stored->prio = (struct text){content->at, n};
	while (n < content->len && content->at[n] == ' ')
		n++;
	content->at += n;
	content->len -= n;
}

static bool known_type(struct call *call, const char *key, struct text *type)
{
	if (!call_text(call, key, type))
		return false;
	if (rrtype_parse(type->at, type->len) != 0)
		return true;
	call_fail(call, "%s: \"%.*s\" is no type of records", call->answer->method,
		type->len > 20 ? 20 : (int)type->len, type->at);
	return false;
}

static bool name_in_zone(
	struct call *call, const char *key, const struct zone *zone, struct name *name)
{
	char text[NAME_TEXT_MAX];

	if (!call_name(call, key, name))
		return false;
	if (name_is_in(name->wire, name->len, zone->name, zone->name_len))
		return true;
	size_t len = name_print(text, name->wire, name->len);
	call_fail(call, "%s: \"%.*s\" lies outside of zone %ld", call->answer->method,
		len > 100 ? 100 : (int)len, text, (long)zone->id);
	return false;
}

/* One of the request's records; record->parameters is its object. */
static bool record_get(struct call *record, const struct zone *zone, struct stored *stored)
{
	if (!json_is_object(record->parameters)) {
		call_fail(record, "%s: a record is no object", record->answer->method);
		return false;
	}
	if (!name_in_zone(record, "qname", zone, &stored->name) ||
		!known_type(record, "qtype", &stored->type) ||
		!call_text(record, "content", &stored->content) ||
		!call_int(record, "ttl", 0, INT32_MAX, &stored->ttl) ||
		!call_bool_or(record, "auth", true, &stored->auth))
		return false;
	split_priority(stored);
	return true;
}

/* ---- begin and end ---- */

static bool has_transaction(struct call *call)
{
	if (call->protocol->transaction == NULL)
		call_fail(call, "%s: no transaction is open", call->answer->method);
	return call->protocol->transaction != NULL;
}

void method_start_transaction(struct call *call)
{
	const struct mirror *mirror = call->protocol->mirror;
	const struct zone *zone;
	int64_t id;
	struct text domain;
	struct name name;

	if (!call_int_or(call, "domain_id", -1, INT32_MIN, INT32_MAX, &id) ||
		!call_text_or(call, "domain", "", &domain))
		return;
	if (id >= 0) {
		zone = call_zone_id(call, "domain_id");
		if (zone == NULL)
			return;
	} else {
		/* Only what is fed needs to know the zone. */
		zone = domain.len == 0 || name_parse(&name, domain.at, domain.len) != NAME_OK
			       ? NULL
			       : mirror_find_zone(mirror, name.wire, name.len);
	}
	struct write *write = call_write(call, WRITE_BEGIN);
	write->zone_id = zone == NULL ? -1 : zone->id;
	if (id >= 0)
		write_add_number(write, id);
	else
		write_add_null(write);
}

void method_commit_transaction(struct call *call)
{
	if (has_transaction(call))
		(void)call_write(call, WRITE_COMMIT);
}

void method_abort_transaction(struct call *call)
{
	if (has_transaction(call))
		(void)call_write(call, WRITE_ABORT);
}

/* ---- whole zones ---- */

/* As the gpgsql backend stores it: labels from the right, with blanks between them. */
static void add_order_name(struct write *write, const struct name *name)
{
	uint8_t at[NAME_WIRE_MAX / 2];
	char text[NAME_TEXT_MAX];
	size_t n = 0;

	for (size_t i = 0; i < name->len; i += (size_t)name->wire[i] + 1)
		at[n++] = (uint8_t)i;
	write_open(write);
	while (n-- > 0) {
		size_t len = name_print(text, name->wire + at[n], (size_t)name->wire[at[n]] + 1);
		buf_add(&write->text, text, len);
		if (n > 0)
			buf_add_char(&write->text, ' ');
	}
	write_close(write);
}

static const struct zone *transaction_zone(struct call *call)
{
	if (!has_transaction(call))
		return NULL;
	const struct zone *zone = mirror_find_zone_by_id(
		call->protocol->mirror, call->protocol->transaction->zone_id);
	if (zone == NULL)
		call_fail(call, "%s: the transaction is about no zone", call->answer->method);
	return zone;
}

void method_feed_record(struct call *call)
{
	const struct zone *zone = transaction_zone(call);
	struct call record = *call;
	struct stored stored;
	struct name order_name;

	if (zone == NULL)
		return;
	record.parameters = call_object(call, "rr");
	if (record.parameters == NULL || !record_get(&record, zone, &stored))
		return;
	bool has_order = json_is_string(json_object_get(record.parameters, "ordername"));
	if (has_order && !call_name(&record, "ordername", &order_name))
		return;
	struct write *write = call_write(call, WRITE_FEED);
	write_add_number(write, zone->id);
	call_write_name(write, &stored.name);
	write_add(write, stored.type.at, stored.type.len);
	write_add(write, stored.content.at, stored.content.len);
	write_add_number(write, stored.ttl);
	write_add(write, stored.prio.at, stored.prio.len);
	if (has_order)
		add_order_name(write, &order_name);
	else
		write_add_null(write);
	write_add_bool(write, stored.auth);
}

/* The mirror computes empty non-terminals. */
void method_feed_ents(struct call *call)
{
	if (has_transaction(call))
		reply_true(call->reply);
}

/* ---- record sets ---- */

static void add_member(struct buf *text, const char *key, struct text value)
{
	buf_printf(text, ",\"%s\":\"", key);
	json_text_add(text, value.at, value.len);
	buf_add_char(text, '"');
}

static void add_record(struct buf *text, const struct stored *stored)
{
	buf_printf(text, "{\"ttl\":%ld,\"auth\":%s", (long)stored->ttl,
		stored->auth ? "true" : "false");
	add_member(text, "type", stored->type);
	add_member(text, "content", stored->content);
	add_member(text, "prio", stored->prio);
	buf_add_char(text, '}');
}

/* All records of the set, which have its name. */
static bool add_set(struct call *call, struct buf *text, const json_t *set, const struct zone *zone,
	const struct name *name)
{
	struct call record = *call;
	struct stored stored;
	size_t i;

	buf_add_char(text, '[');
	json_array_foreach(set, i, record.parameters)
	{
		if (!record_get(&record, zone, &stored))
			return false;
		if (stored.name.len != name->len ||
			memcmp(stored.name.wire, name->wire, name->len) != 0) {
			call_fail(call, "replaceRRSet: a record has another name than its set");
			return false;
		}
		if (i > 0)
			buf_add_char(text, ',');
		add_record(text, &stored);
	}
	buf_add_char(text, ']');
	return true;
}

void method_replace_rrset(struct call *call)
{
	const struct zone *zone = call_zone_id(call, "domain_id");
	struct name name;
	struct text type;

	if (zone == NULL || !name_in_zone(call, "qname", zone, &name) ||
		!known_type(call, "qtype", &type))
		return;
	const json_t *set = call_array(call, "rrset");
	if (set == NULL)
		return;
	struct write *write = call_write(call, WRITE_REPLACE_RRSET);
	write_add_number(write, zone->id);
	call_write_name(write, &name);
	write_add(write, type.at, type.len);
	write_open(write);
	if (!add_set(call, &write->text, set, zone, &name))
		call_write_drop(call);
	else
		write_close(write);
}
