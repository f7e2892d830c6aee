#include "protocol/protocol.h"

#include "protocol/call.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without a timeout in the connection string. */
#define UNIX_TIMEOUT_MS 2000
#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/* PowerDNS passes on the text of its setting. */
static long unix_timeout(json_t *parameters)
{
	const char *text = json_string_value(json_object_get(parameters, "timeout"));
	char *end;

	if (text == NULL)
		return UNIX_TIMEOUT_MS;
	long ms = strtol(text, &end, 10);
	return end == text || ms < 0 ? UNIX_TIMEOUT_MS : ms;
}

void method_initialize(struct call *call)
{
	/* The parameters are those of PowerDNS' connection string. */
	if (json_object_get(call->parameters, "path") != NULL)
		call->answer->unix_timeout_ms = unix_timeout(call->parameters);
	reply_true(call->reply);
}

enum method_flags {
	READS = 0,
	NEEDS_NO_DATA = 1, /* can be answered before the first load */
	WRITES = 2,	   /* a transaction in which it fails cannot be committed */
};

struct method {
	const char *name;
	method_fn fn;
	unsigned flags;
};

/* Its place in the table. */
enum { LOOKUP = 0 };

static const struct method methods[] = {
	[LOOKUP] = {"lookup", method_lookup, READS},
	{"APILookup", method_api_lookup, READS},
	{"list", method_list, READS},
	{"getAllDomains", method_get_all_domains, READS},
	{"getDomainInfo", method_get_domain_info, READS},
	{"getDomainMetadata", method_get_domain_metadata, READS},
	{"getAllDomainMetadata", method_get_all_domain_metadata, READS},
	{"getUpdatedMasters", method_get_updated_masters, READS},
	{"getUnfreshSlaveInfos", method_get_unfresh_slave_infos, READS},
	{"searchRecords", method_search_records, READS},
	{"getDomainKeys", method_get_domain_keys, READS},
	{"getBeforeAndAfterNamesAbsolute", method_get_before_and_after_names_absolute, READS},
	{"getTSIGKey", method_get_tsig_key, READS},
	{"getTSIGKeys", method_get_tsig_keys, READS},
	{"setNotified", method_set_notified, WRITES},
	{"setFresh", method_set_fresh, WRITES},
	{"setStale", method_set_stale, WRITES},
	{"setDomainMetadata", method_set_domain_metadata, WRITES},
	{"addDomainKey", method_add_domain_key, WRITES},
	{"removeDomainKey", method_remove_domain_key, WRITES},
	{"activateDomainKey", method_activate_domain_key, WRITES},
	{"deactivateDomainKey", method_deactivate_domain_key, WRITES},
	{"publishDomainKey", method_publish_domain_key, WRITES},
	{"unpublishDomainKey", method_unpublish_domain_key, WRITES},
	{"setTSIGKey", method_set_tsig_key, WRITES},
	{"deleteTSIGKey", method_delete_tsig_key, WRITES},
	{"superMasterBackend", method_super_master_backend, READS},
	{"createSlaveDomain", method_create_slave_domain, WRITES},
	{"startTransaction", method_start_transaction, READS},
	{"feedRecord", method_feed_record, WRITES},
	{"feedEnts", method_feed_ents, READS},
	{"feedEnts3", method_feed_ents, READS},
	{"replaceRRSet", method_replace_rrset, WRITES},
	{"commitTransaction", method_commit_transaction, READS},
	{"abortTransaction", method_abort_transaction, READS},
	{"directBackendCmd", method_direct_backend_cmd, NEEDS_NO_DATA},
	{"initialize", method_initialize, NEEDS_NO_DATA},
};

/* These instead, while a transaction is open. */
static const struct method inside_methods[] = {
	{"lookup", inside_lookup, READS},
	{"APILookup", inside_api_lookup, READS},
	{"list", inside_list, READS},
	{"getDomainMetadata", inside_get_domain_metadata, READS},
	{"getAllDomainMetadata", inside_get_all_domain_metadata, READS},
	{"getDomainKeys", inside_get_domain_keys, READS},
};

_Static_assert(COUNT(methods) < PROTOCOL_METHODS_MAX, "one number is that of unknown methods");

const char *protocol_method_name(unsigned number)
{
	return number < COUNT(methods) ? methods[number].name : NULL;
}

static const struct method *methods_find(const struct method *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

static bool reads_inside(const struct protocol *protocol)
{
	return protocol->transaction != NULL && !protocol->transaction->has_failed;
}

/* NULL where it is not known; else *number is its number. */
static const struct method *method_find(
	const struct protocol *protocol, const char *name, unsigned *number)
{
	const struct method *inside =
		!reads_inside(protocol) ? NULL
					: methods_find(inside_methods, COUNT(inside_methods), name);
	const struct method *method = methods_find(methods, COUNT(methods), name);

	if (method != NULL)
		*number = (unsigned)(method - methods);
	return inside != NULL ? inside : method;
}

static void call_malformed(struct call *call, const char *what, const char *detail)
{
	call->answer->is_malformed = true;
	call_fail(call, "request refused: %s%s", what, detail);
}

static void call_dispatch(struct call *call, json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "method"));

	call->parameters = json_object_get(request, "parameters");
	if (name == NULL) {
		call_malformed(call, "no object with a \"method\"", "");
		return;
	}
	if (call->parameters != NULL && !json_is_object(call->parameters)) {
		call_malformed(call, "\"parameters\" is not an object", "");
		return;
	}
	const struct method *method =
		method_find(call->protocol, name, &call->answer->method_number);
	if (method == NULL) {
		call_fail(call, "method \"%.64s\" is not known", name);
		return;
	}
	call->answer->method = method->name;
	call->answer->is_write = (method->flags & WRITES) != 0;
	if (call->protocol->mirror == NULL && (method->flags & NEEDS_NO_DATA) == 0) {
		(void)snprintf(call->answer->problem, sizeof(call->answer->problem),
			"%s: no data has been loaded yet", method->name);
		reply_no_result(call->reply, call->answer->problem);
		return;
	}
	method->fn(call);
	if (call->answer->kind == ANSWER_WRITE && buf_failed(&call->answer->write.text))
		call->reply->failed = true;
}

bool protocol_prepare(
	const struct protocol *protocol, const char *request, size_t len, struct prepared *prepared)
{
	struct lookup_request lookup;
	struct name name;

	if (len > 0 && request[len - 1] == '\n')
		len--;
	if (protocol->mirror == NULL || !lookup_scan(request, len, &lookup) || lookup.zone_id < 0 ||
		name_parse(&name, lookup.qname.at, lookup.qname.len) != NAME_OK)
		return false;
	const struct zone *zone = mirror_find_zone_by_id(protocol->mirror, (int32_t)lookup.zone_id);
	if (zone == NULL || name.len < zone->name_len)
		return false;
	prepared->zone = zone;
	prepared->hash = table_hash(name.wire, (size_t)(name.len - zone->name_len));
	return true;
}

/* The problem's text is long and seldom there. */
static void answer_init(struct answer *answer)
{
	answer->kind = ANSWER_REPLY;
	answer->method = "?";
	answer->method_number = COUNT(methods);
	answer->is_write = false;
	answer->unix_timeout_ms = 0;
	answer->is_secret = false;
	answer->wipe_request = true;
	answer->listing = NULL;
	answer->is_malformed = false;
	answer->problem[0] = '\0';
}

/* jansson leaves octets out of a string, without a word, where it finds no memory for them; so its
 * allocations are watched. */
static bool parser_ran_out;

static void *parser_alloc(size_t size)
{
	void *memory = malloc(size);

	parser_ran_out |= memory == NULL;
	return memory;
}

/* It may have been a part of a key. */
static void parser_free(void *memory)
{
	if (memory != NULL)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

/* NULL with the error, or with parser_ran_out. */
static json_t *request_parse(const char *request, size_t len, size_t flags, json_error_t *error)
{
	parser_ran_out = false;
	json_t *json = json_loadb(request, len, flags, error);
	if (!parser_ran_out)
		return json;
	json_decref(json);
	return NULL;
}

static bool is_feed_ents3(json_t *request)
{
	const json_t *method = json_object_get(request, "method");

	return json_string_length(method) == strlen("feedEnts3") &&
	       strcmp(json_string_value(method), "feedEnts3") == 0;
}

/* PowerDNS sends the salt of feedEnts3 as the octets that it is: no UTF-8, or an escaped NUL.
 * Nobody needs it, the mirror computes what it is for: so the request is read without. NULL for
 * every other one, or with parser_ran_out. */
static json_t *feed_ents3_parse(const char *request, size_t len)
{
	json_error_t error;
	char *copy = malloc(len);

	parser_ran_out = copy == NULL;
	if (copy == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++)
		copy[i] = (char)(request[i] & 0x80 ? '?' : request[i]);
	json_t *json = request_parse(copy, len, JSON_ALLOW_NUL, &error);
	parser_free(copy);
	if (json == NULL || is_feed_ents3(json))
		return json;
	json_decref(json);
	return NULL;
}

static json_t *any_request_parse(const char *request, size_t len, json_error_t *error)
{
	json_t *json = request_parse(request, len, 0, error);

	if (json != NULL || parser_ran_out)
		return json;
	switch (json_error_code(error)) {
	case json_error_invalid_utf8:
	case json_error_null_character:
		return feed_ents3_parse(request, len);
	default:
		return NULL;
	}
}

void protocol_answer(const struct protocol *protocol, const char *request, size_t len,
	struct buf *reply, struct answer *answer)
{
	struct call call = {.protocol = protocol, .reply = reply, .answer = answer};
	struct lookup_request lookup;
	json_malloc_t old_alloc;
	json_free_t old_free;
	json_error_t error;

	answer_init(answer);
	if (protocol->mirror != NULL && !reads_inside(protocol) &&
		lookup_scan(request, len, &lookup)) {
		answer->method = "lookup";
		answer->method_number = LOOKUP;
		answer->wipe_request = false;
		lookup_answer(&call, &lookup);
		return;
	}
	json_get_alloc_funcs(&old_alloc, &old_free);
	json_set_alloc_funcs(parser_alloc, parser_free);
	json_t *json = any_request_parse(request, len, &error);
	if (parser_ran_out)
		reply->failed = true;
	else if (json == NULL)
		call_malformed(&call, "it is not JSON: ", error.text);
	else
		call_dispatch(&call, json);
	json_decref(json);
	json_set_alloc_funcs(old_alloc, old_free);
}
