/*
 * What is read inside an open transaction has to show what the transaction has written: PowerDNS
 * looks up what it replaced a moment ago, for the next update of the same packet. So the database
 * is asked, in that transaction.
 */
#include "protocol/call.h"

static void read_records(struct call *call, const struct lookup_request *lookup)
{
	struct name name;

	int error = name_parse(&name, lookup->qname.at, lookup->qname.len);
	if (error != NAME_OK) {
		call_bad_name(call, "qname", lookup->qname, error);
		return;
	}
	struct write *write = call_write(call, WRITE_READ_RECORDS);
	if (lookup->zone_id < 0)
		write_add_null(write);
	else
		write_add_number(write, lookup->zone_id);
	call_write_name(write, &name);
	write_add(write, lookup->qtype.at, lookup->qtype.len);
	write_add_bool(write, lookup->with_disabled);
	write_add_number(write, call->protocol->mirror->default_ttl);
}

void inside_lookup(struct call *call)
{
	struct lookup_request lookup;

	if (lookup_get(call, &lookup))
		read_records(call, &lookup);
}

void inside_api_lookup(struct call *call)
{
	struct lookup_request lookup;

	if (lookup_get(call, &lookup) &&
		call_bool_or(call, "include-disabled", false, &lookup.with_disabled))
		read_records(call, &lookup);
}

void inside_list(struct call *call)
{
	const struct zone *zone = call_zone_id(call, "domain_id");
	bool with_disabled;

	if (zone == NULL || !call_bool_or(call, "include_disabled", false, &with_disabled))
		return;
	struct write *write = call_write(call, WRITE_READ_ZONE);
	write_add_number(write, zone->id);
	write_add_bool(write, with_disabled);
	write_add_number(write, call->protocol->mirror->default_ttl);
}

/* Of an unknown zone there is nothing: outside of transactions this is no failure either. */
static struct write *read_of_zone(struct call *call, enum write_kind kind)
{
	struct name name;

	if (!call_name(call, "name", &name))
		return NULL;
	const struct zone *zone = mirror_find_zone(call->protocol->mirror, name.wire, name.len);
	struct write *write = call_write(call, kind);
	if (zone == NULL)
		write_add_null(write);
	else
		write_add_number(write, zone->id);
	return write;
}

void inside_get_domain_metadata(struct call *call)
{
	struct text kind;

	if (!call_text(call, "kind", &kind))
		return;
	struct write *write = read_of_zone(call, WRITE_READ_METADATA);
	if (write != NULL)
		write_add(write, kind.at, kind.len);
}

void inside_get_all_domain_metadata(struct call *call)
{
	(void)read_of_zone(call, WRITE_READ_ALL_METADATA);
}

void inside_get_domain_keys(struct call *call)
{
	(void)read_of_zone(call, WRITE_READ_KEYS);
}
