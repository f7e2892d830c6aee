/*
 * Methods that write one thing, by themselves or inside a transaction: setNotified, setFresh,
 * setStale, setDomainMetadata, keys of zones, TSIG keys, createSlaveDomain. Where the gpgsql
 * backend says nothing about a key or zone that is not there, these fail.
 */
#include "base/json_text.h"
#include "protocol/call.h"

#include <string.h>

/* domainmetadata.kind */
#define KIND_CHARACTERS_MAX 32

static void write_zone(struct call *call, enum write_kind kind)
{
	const struct zone *zone = call_zone_id(call, "id");

	if (zone != NULL)
		write_add_number(call_write(call, kind), zone->id);
}

void method_set_notified(struct call *call)
{
	const struct zone *zone = call_zone_id(call, "id");
	int64_t serial;

	if (zone == NULL || !call_int(call, "serial", 0, UINT32_MAX, &serial))
		return;
	struct write *write = call_write(call, WRITE_SET_NOTIFIED);
	write_add_number(write, zone->id);
	write_add_number(write, serial);
}

void method_set_fresh(struct call *call)
{
	write_zone(call, WRITE_SET_FRESH);
}

void method_set_stale(struct call *call)
{
	write_zone(call, WRITE_SET_STALE);
}

/* ---- metadata ---- */

/* Characters of UTF-8, which jansson has checked. */
static size_t characters(struct text text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += ((unsigned char)text.at[i] & 0xc0) != 0x80;
	return n;
}

static bool metadata_kind(struct call *call, struct text *kind)
{
	if (!call_text(call, "kind", kind))
		return false;
	size_t n = characters(*kind);
	if (n > 0 && n <= KIND_CHARACTERS_MAX)
		return true;
	call_fail(call, "%s: a kind of metadata has 1 to %d characters, not %zu",
		call->answer->method, KIND_CHARACTERS_MAX, n);
	return false;
}

static bool all_strings(const json_t *array)
{
	size_t i;
	json_t *item;

	json_array_foreach(array, i, item)
	{
		if (!json_is_string(item))
			return false;
	}
	return true;
}

static void add_contents(struct write *write, const json_t *contents)
{
	size_t i;
	json_t *item;

	write_open(write);
	buf_add_char(&write->text, '[');
	json_array_foreach(contents, i, item)
	{
		buf_add_str(&write->text, i == 0 ? "\"" : ",\"");
		json_text_add(&write->text, json_string_value(item), json_string_length(item));
		buf_add_char(&write->text, '"');
	}
	buf_add_char(&write->text, ']');
	write_close(write);
}

void method_set_domain_metadata(struct call *call)
{
	const struct zone *zone = call_zone(call, "name");
	struct text kind;

	if (zone == NULL || !metadata_kind(call, &kind))
		return;
	const json_t *contents = call_array(call, "value");
	if (contents == NULL)
		return;
	if (!all_strings(contents)) {
		call_fail(call, "setDomainMetadata: \"value\" has something that is no string");
		return;
	}
	struct write *write = call_write(call, WRITE_SET_METADATA);
	write_add_number(write, zone->id);
	write_add(write, kind.at, kind.len);
	add_contents(write, contents);
}

/* ---- keys of zones ---- */

void method_add_domain_key(struct call *call)
{
	const struct zone *zone = call_zone(call, "name");
	struct call key = *call;
	struct text content;
	int64_t flags;
	bool active;
	bool published;

	if (zone == NULL)
		return;
	key.parameters = call_object(call, "key");
	if (key.parameters == NULL || !call_int(&key, "flags", 0, UINT16_MAX, &flags) ||
		!call_bool_or(&key, "active", true, &active) ||
		!call_bool_or(&key, "published", true, &published) ||
		!call_text(&key, "content", &content))
		return;
	struct write *write = call_write(call, WRITE_ADD_KEY);
	write_add_number(write, zone->id);
	write_add_number(write, flags);
	write_add_bool(write, active);
	write_add_bool(write, published);
	write_add(write, content.at, content.len);
}

static void write_key(struct call *call, enum write_kind kind)
{
	const struct zone *zone = call_zone(call, "name");
	int64_t id;

	if (zone == NULL || !call_int(call, "id", 0, INT32_MAX, &id))
		return;
	struct write *write = call_write(call, kind);
	write_add_number(write, zone->id);
	write_add_number(write, id);
}

void method_remove_domain_key(struct call *call)
{
	write_key(call, WRITE_REMOVE_KEY);
}

void method_activate_domain_key(struct call *call)
{
	write_key(call, WRITE_ACTIVATE_KEY);
}

void method_deactivate_domain_key(struct call *call)
{
	write_key(call, WRITE_DEACTIVATE_KEY);
}

void method_publish_domain_key(struct call *call)
{
	write_key(call, WRITE_PUBLISH_KEY);
}

void method_unpublish_domain_key(struct call *call)
{
	write_key(call, WRITE_UNPUBLISH_KEY);
}

/* ---- TSIG keys ---- */

void method_set_tsig_key(struct call *call)
{
	struct name name;
	struct name algorithm;
	struct text secret;

	if (!call_name(call, "name", &name) || !call_name(call, "algorithm", &algorithm) ||
		!call_text(call, "content", &secret))
		return;
	struct write *write = call_write(call, WRITE_SET_TSIG_KEY);
	call_write_name(write, &name);
	call_write_name(write, &algorithm);
	write_add(write, secret.at, secret.len);
}

void method_delete_tsig_key(struct call *call)
{
	struct name name;

	if (call_name(call, "name", &name))
		call_write_name(call_write(call, WRITE_DELETE_TSIG_KEY), &name);
}

/* ---- zones ---- */

/* PowerDNS sends the servers' addresses along with their names. */
static bool is_name_server(const json_t *record)
{
	const char *type = json_string_value(json_object_get(record, "qtype"));

	return type == NULL || strcmp(type, "NS") == 0;
}

static bool add_name_server(struct call *call, struct write *write, json_t *record)
{
	struct call server = *call;
	char text[NAME_TEXT_MAX];
	struct name name;

	server.parameters = json_is_object(record) ? record : NULL;
	if (!call_name(&server, "content", &name))
		return false;
	if (write->text.len > 0 && write->text.data[write->text.len - 1] == '"')
		buf_add_char(&write->text, ',');
	buf_add_char(&write->text, '"');
	json_text_add(&write->text, text, name_print(text, name.wire, name.len));
	buf_add_char(&write->text, '"');
	return true;
}

/* Is the sender of a NOTIFY, by its address and the names of the zone's servers, one of ours? The
 * database is asked, as it is the next moment for the zone. */
void method_super_master_backend(struct call *call)
{
	const json_t *set = call_array(call, "nsset");
	struct text ip;
	json_t *record;
	size_t i;

	if (set == NULL || !call_text(call, "ip", &ip))
		return;
	struct write *write = call_write(call, WRITE_READ_AUTOPRIMARY);
	write_add(write, ip.at, ip.len);
	write_open(write);
	buf_add_char(&write->text, '[');
	json_array_foreach(set, i, record)
	{
		if (is_name_server(record) && !add_name_server(call, write, record)) {
			call_write_drop(call);
			return;
		}
	}
	buf_add_char(&write->text, ']');
	write_close(write);
}

/* The name of the primary may be missing: then it has just the one address. */
static bool primary_name(struct call *call, struct text *text, struct name *name)
{
	if (!call_text_or(call, "nameserver", "", text))
		return false;
	return text->len == 0 || call_name(call, "nameserver", name);
}

void method_create_slave_domain(struct call *call)
{
	struct name name;
	struct name primary;
	struct text primary_text;
	struct text ip;
	struct text account;

	if (!call_name(call, "domain", &name) || !call_text(call, "ip", &ip) ||
		!primary_name(call, &primary_text, &primary) ||
		!call_text_or(call, "account", "", &account))
		return;
	struct write *write = call_write(call, WRITE_CREATE_SECONDARY);
	call_write_name(write, &name);
	write_add(write, ip.at, ip.len);
	if (primary_text.len == 0)
		write_add(write, "", 0);
	else
		call_write_name(write, &primary);
	write_add(write, account.at, account.len);
}
