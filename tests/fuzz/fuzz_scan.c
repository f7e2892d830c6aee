#include "fuzz.h"

#include "protocol/call.h"

#include <string.h>

static int same(struct text a, struct text b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

/* What the scanner accepts the JSON parser accepts too, and both see the same question. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lookup_request scanned;
	struct lookup_request parsed;
	struct answer answer = {.method = "lookup"};
	struct buf reply;

	if (!lookup_scan((const char *)data, size, &scanned))
		return 0;
	json_t *json = json_loadb((const char *)data, size, 0, NULL);
	FUZZ_CHECK(json != NULL);
	const char *method = json_string_value(json_object_get(json, "method"));
	FUZZ_CHECK(method != NULL && strcmp(method, "lookup") == 0);
	buf_init(&reply);
	struct call call = {.reply = &reply,
		.answer = &answer,
		.parameters = json_object_get(json, "parameters")};
	FUZZ_CHECK(lookup_get(&call, &parsed));
	FUZZ_CHECK(same(scanned.qname, parsed.qname));
	FUZZ_CHECK(same(scanned.qtype, parsed.qtype));
	FUZZ_CHECK(scanned.zone_id == parsed.zone_id);
	FUZZ_CHECK(scanned.with_disabled == parsed.with_disabled);
	json_decref(json);
	buf_fini(&reply);
	return 0;
}
