#include "protocol/protocol.h"

#include "base/json_text.h"
#include "protocol/call.h"

#include <stdlib.h>
#include <string.h>

void method_initialize(struct call *call)
{
	/* Its parameters are those of PowerDNS' connection string, which the server needs not know.
	 */
	reply_true(call->reply);
}

static void status_text(struct call *call, struct buf *text)
{
	if (call->protocol->status != NULL)
		call->protocol->status(call->protocol->status_arg, text);
}

void method_direct_backend_cmd(struct call *call)
{
	struct text query;
	struct buf text;

	if (!call_text(call, "query", &query))
		return;
	buf_init(&text);
	if (query.len == 6 && memcmp(query.at, "status", 6) == 0)
		status_text(call, &text);
	else
		buf_printf(&text, "csdns knows the command: status\n");
	BUF_ADD_LIT(call->reply, "{\"result\":\"");
	json_text_add(call->reply, text.data, text.len);
	BUF_ADD_LIT(call->reply, "\"}\n");
	call->reply->failed |= buf_failed(&text);
	buf_fini(&text);
}

struct method {
	const char *name;
	method_fn fn;
	bool needs_no_data; /* can be answered before the first load */
};

static const struct method methods[] = {
	{"lookup", method_lookup, false},
	{"APILookup", method_api_lookup, false},
	{"list", method_list, false},
	{"getAllDomains", method_get_all_domains, false},
	{"getDomainInfo", method_get_domain_info, false},
	{"getDomainMetadata", method_get_domain_metadata, false},
	{"getAllDomainMetadata", method_get_all_domain_metadata, false},
	{"getUpdatedMasters", method_get_updated_masters, false},
	{"setNotified", method_set_notified, false},
	{"directBackendCmd", method_direct_backend_cmd, true},
	{"initialize", method_initialize, true},
};

static const struct method *method_find(const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	return NULL;
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
	const struct method *method = method_find(name);
	if (method == NULL) {
		call_fail(call, "method \"%.64s\" is not known", name);
		return;
	}
	call->answer->method = method->name;
	if (call->protocol->mirror == NULL && !method->needs_no_data) {
		call_fail(call, "%s: no data has been loaded yet", method->name);
		return;
	}
	method->fn(call);
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

/* NULL with the error, or with parser_ran_out. */
static json_t *request_parse(const char *request, size_t len, json_error_t *error)
{
	json_malloc_t old_alloc;
	json_free_t old_free;

	json_get_alloc_funcs(&old_alloc, &old_free);
	json_set_alloc_funcs(parser_alloc, free);
	parser_ran_out = false;
	json_t *json = json_loadb(request, len, 0, error);
	json_set_alloc_funcs(old_alloc, old_free);
	if (!parser_ran_out)
		return json;
	json_decref(json);
	return NULL;
}

void protocol_answer(const struct protocol *protocol, const char *request, size_t len,
	struct buf *reply, struct answer *answer)
{
	struct call call = {.protocol = protocol, .reply = reply, .answer = answer};
	struct lookup_request lookup;
	json_error_t error;

	answer_init(answer);
	if (protocol->mirror != NULL && lookup_scan(request, len, &lookup)) {
		answer->method = "lookup";
		lookup_answer(&call, &lookup);
		return;
	}
	json_t *json = request_parse(request, len, &error);
	if (parser_ran_out)
		reply->failed = true;
	else if (json == NULL)
		call_malformed(&call, "it is not JSON: ", error.text);
	else
		call_dispatch(&call, json);
	json_decref(json);
}
