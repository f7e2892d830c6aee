#include "unit.h"

#include "config.h"

#include "fail_alloc.h"
#include "fail_pool.h"
#include "fill.h"
#include "protocol_ask.h"

/* ---- lookups ---- */

#define WWW_A(name)    RECORD("A", name, "192.0.2.1", 1, 1)
#define WWW_OFF(name)  RECORD("A", name, "192.0.2.2", 1, 1)
#define WWW_AAAA(name) RECORD("AAAA", name, "2001:db8::1", 1, 1)

static void test_lookup(void **state)
{
	(void)state;
	assert_answer(ask_lookup("www.example.org.", "A", 1), "[" WWW_A("www.example.org.") "]");
	assert_answer(ask_lookup("www.example.org", "A", 1), "[" WWW_A("www.example.org") "]");
	assert_answer(ask_lookup("wWw.EXAMPLE.org.", "ANY", 1),
		"[" WWW_A("wWw.EXAMPLE.org.") "," WWW_AAAA("wWw.EXAMPLE.org.") "]");
	assert_answer(ask_lookup("www.example.org.", "MX", 1), "[]");
	assert_answer(ask_lookup("www.example.org.", "NOTYPE", 1), "[]");
	assert_answer(ask_lookup("www.example.org.", "", 1), "[]");
	assert_answer(
		ask_lookup("www.example.org.", "TYPE28", 1), "[" WWW_AAAA("www.example.org.") "]");
	assert_answer(ask_lookup("nope.example.org.", "ANY", 1), "[]");
	assert_answer(ask_lookup("www.example.net.", "ANY", 1), "[]");
	assert_answer(ask_lookup("www.example.org.", "ANY", 3), "[]");
	assert_answer(ask_lookup("www.example.org.", "ANY", 99), "[]");
	assert_answer(ask_lookup("off.example.org.", "ANY", 1), "[]");
	assert_answer(ask_lookup("example.org.", "SOA", 1),
		"[" RECORD(
			"SOA", "example.org.", "ns.example.org h.example.org 7 2 3 4 5", 1, 1) "]");
}

static void test_lookup_empty_non_terminal(void **state)
{
	(void)state;
	assert_answer(
		ask_lookup("b.ent.example.org.", "ANY", 1), "[" ENT("b.ent.example.org.", 1) "]");
	assert_answer(ask_lookup("ENT.example.org.", "ANY", 1), "[" ENT("ENT.example.org.", 1) "]");
	assert_answer(ask_lookup("ent.example.org.", "A", 1), "[]");
	assert_answer(ask_lookup("nosoa.net.", "ANY", 3),
		"[" RECORD("A", "nosoa.net.", "192.0.2.8", 3, 1) "]");
	/* the names between the root and a zone that it delegates */
	assert_answer(ask_lookup("net.", "ANY", -7), "[]");
}

static void test_lookup_authority(void **state)
{
	(void)state;
	assert_answer(ask_lookup("deleg.example.org.", "ANY", 1),
		"[" RECORD("NS", "deleg.example.org.", "glue.deleg.example.org", 1, 0) "]");
	assert_answer(ask_lookup("glue.deleg.example.org.", "ANY", 1),
		"[" RECORD("A", "glue.deleg.example.org.", "192.0.2.5", 1, 0) "]");
}

/* Each zone that the name lies in, the innermost first. */
static void test_lookup_in_any_zone(void **state)
{
	(void)state;
	assert_answer(ask_lookup("x.sub.example.org.", "A", -1),
		"[" RECORD("A", "x.sub.example.org.", "192.0.2.7", 2, 1) "," RECORD(
			"A", "x.sub.example.org.", "192.0.2.6", 1, 0) "]");
	assert_answer(ask_lookup("x.sub.example.org.", "A", 2),
		"[" RECORD("A", "x.sub.example.org.", "192.0.2.7", 2, 1) "]");
	assert_answer(ask_lookup("x.sub.example.org.", "A", 1),
		"[" RECORD("A", "x.sub.example.org.", "192.0.2.6", 1, 0) "]");
	assert_answer(ask_lookup("sub.example.org.", "ANY", -1),
		"[" RECORD("SOA", "sub.example.org.", "x.sub.example.org h.example.org 8 2 3 4 5",
			2, 1) "," RECORD("NS", "sub.example.org.", "x.sub.example.org", 1, 0) "]");
	assert_answer(
		ask_lookup(".", "SOA", -1), "[" RECORD("SOA", ".", "a b 1 2 3 4 5", -7, 1) "]");
	assert_answer(ask_lookup("org.", "ANY", -1),
		"[" RECORD("NS", "org.", "ns.example.org", -7, 0) "]");
	assert_answer(ask_lookup("example.com.", "ANY", -1), "[]");
	/* in PowerDNS' own spelling */
	assert_answer(
		"{\"method\": \"lookup\", \"parameters\": {\"local\": \"0.0.0.0\", \"qname\": "
		"\"wWw.example.org.\", \"qtype\": \"A\", \"real-remote\": \"0.0.0.0/0\", "
		"\"remote\": \"0.0.0.0\", \"zone-id\": -1}}",
		"[" WWW_A("wWw.example.org.") "]");
	/* every negative number means any, as absent does */
	assert_answer(ask_lookup("www.example.org.", "A", -2), "[" WWW_A("www.example.org.") "]");
	assert_answer("{\"method\":\"lookup\",\"parameters\":{\"qname\":\"www.example.org.\","
		      "\"qtype\":\"A\"}}",
		"[" WWW_A("www.example.org.") "]");
}

#define API_LOOKUP(rest)                                                                           \
	"{\"method\":\"APILookup\",\"parameters\":{\"qname\":\"www.example.org.\",\"qtype\":"      \
	"\"A\",\"zone-id\":1" rest "}}"

static void test_api_lookup(void **state)
{
	(void)state;
	assert_answer(API_LOOKUP(""), "[" WWW_A("www.example.org.") "]");
	assert_answer(API_LOOKUP(",\"include-disabled\":false"), "[" WWW_A("www.example.org.") "]");
	assert_answer(API_LOOKUP(",\"include-disabled\":true"),
		"[" WWW_A("www.example.org.") "," WWW_OFF("www.example.org.") "]");
	assert_fails(API_LOOKUP(",\"include-disabled\":1"),
		"APILookup: parameter \"include-disabled\" is not true or false");
	assert_answer("{\"method\":\"APILookup\",\"parameters\":{\"qname\":\"off.example.org.\","
		      "\"qtype\":\"ANY\",\"zone-id\":1,\"include-disabled\":true}}",
		"[" RECORD("A", "off.example.org.", "192.0.2.4", 1, 1) "]");
}

/* The content comes back as it is in the store, and the name as it was asked. */
static void test_escapes(void **state)
{
	(void)state;
	assert_answer(ask_lookup("Esc\\\\.a\\\\032b.example.org.", "TXT", 1),
		"[" RECORD("TXT", "Esc\\\\.a\\\\032b.example.org.",
			"\\\"a \\\\\\\"b\\\\\\\" \\\\\\\\ \\u00e9 /\\u0001\\\"", 1, 1) "]");
	/* the same name, spelled otherwise */
	assert_answer(ask_lookup("esc\\\\046a b.example.org.", "TXT", 1),
		"[" RECORD("TXT", "esc\\\\046a b.example.org.",
			"\\\"a \\\\\\\"b\\\\\\\" \\\\\\\\ \\u00e9 /\\u0001\\\"", 1, 1) "]");
	assert_answer(
		ask_lookup("\\u0077ww.example.org.", "A", 1), "[" WWW_A("www.example.org.") "]");
	assert_answer(ask_lookup("\\u00e9.example.org.", "A", 1), "[]");
}

/* A name that has as many characters as can be, each one escaped. */
static void test_longest_name(void **state)
{
	char wire[1100] = "";
	char qname[2300] = "";
	char request[3000];
	struct protocol protocol = ask_protocol(asked);
	struct answer answer;
	struct buf reply;

	(void)state;
	for (int label = 0; label < 4; label++) {
		for (int i = 0; i < (label < 3 ? 63 : 61); i++) {
			strcat(wire, "\\001");
			strcat(qname, "\\\\001");
		}
		strcat(wire, ".");
		strcat(qname, ".");
	}
	wire[strlen(wire) - 1] = '\0';
	assert_true(fill_add_record(asked, -7, wire, "A", "192.0.2.1"));
	strcat(wire, ".");
	(void)snprintf(request, sizeof(request), "%s",
		"{\"method\":\"lookup\",\"parameters\":{\"qtype\":\"A\",\"qname\":\"");
	strcat(request, qname);
	strcat(request, "\"}}");
	ask_bytes(&protocol, request, strlen(request), 3, &reply, &answer);
	json_t *json = parse_reply(&reply);
	json_t *record = json_array_get(json_object_get(json, "result"), 0);
	assert_string_equal(json_string_value(json_object_get(record, "qname")), wire);
	json_decref(json);
	buf_fini(&reply);
	/* and raw control characters, of which each takes six */
	for (char *c = qname; *c != '\0'; c++)
		assert_true(*c == '.' || *c == '\\' || (*c >= '0' && *c <= '9'));
	request[0] = '\0';
	strcat(request, "{\"method\":\"lookup\",\"parameters\":{\"qtype\":\"A\",\"qname\":\"");
	for (int label = 0; label < 4; label++) {
		for (int i = 0; i < (label < 3 ? 63 : 61); i++)
			strcat(request, "\\u0001");
		strcat(request, ".");
	}
	strcat(request, "\"}}");
	ask_bytes(&protocol, request, strlen(request), 3, &reply, &answer);
	json = parse_reply(&reply);
	assert_int_equal(json_array_size(json_object_get(json, "result")), 1);
	json_decref(json);
	buf_fini(&reply);
	/* listed, it is spelled out */
	ask_bytes(&protocol, LIST(-7), strlen(LIST(-7)), 3, &reply, &answer);
	json = parse_reply(&reply);
	assert_int_equal(json_array_size(json_object_get(json, "result")), 3);
	json_decref(json);
	buf_fini(&reply);
}

/* ---- zones and metadata ---- */

#define ZONE(id, name, kind, serial, notified, masters)                                            \
	"{\"id\":" #id ",\"zone\":\"" name "\",\"kind\":\"" kind "\",\"serial\":" #serial          \
	",\"notified_serial\":" #notified ",\"last_check\":" #id ",\"masters\":[" masters "]}"
#define INFO(name) "{\"method\":\"getDomainInfo\",\"parameters\":{\"name\":\"" name "\"}}"

static void test_domain_info(void **state)
{
	(void)state;
	assert_answer(INFO("Example.org."), ZONE(1, "example.org.", "native", 7, 0, ""));
	assert_answer(INFO("sub.example.org"),
		ZONE(2, "sub.example.org.", "slave", 8, 3, "\"192.0.2.9\",\"2001:db8::9\""));
	assert_answer(INFO("nosoa.net."), ZONE(3, "nosoa.net.", "native", 0, 0, ""));
	assert_answer(INFO("primary3.net."), ZONE(6, "primary3.net.", "master", 4294967295, 5, ""));
	assert_answer(INFO("."), ZONE(-7, ".", "native", 1, 0, ""));
	assert_answer(INFO("www.example.org."), "false");
	ask_add_domain(8, "consumer.net", "CONSUMER", NULL, 0);
	assert_answer(INFO("consumer.net."), ZONE(8, "consumer.net.", "consumer", 0, 0, ""));
	assert_answer(INFO("primary2.net."), ZONE(5, "primary2.net.", "producer", 0, 0, ""));
	assert_fails(INFO("a..b"), "getDomainInfo: name \"a..b\": empty label");
}

/* The ids of the zones, as a sum of powers of two; the root's is 0. */
static unsigned zone_ids(const char *request)
{
	struct protocol protocol = ask_protocol(asked);
	struct answer answer;
	struct buf reply;
	unsigned ids = 0;
	json_t *zone;
	size_t i;

	ask_bytes(&protocol, request, strlen(request), 3, &reply, &answer);
	json_t *json = parse_reply(&reply);
	json_array_foreach(json_object_get(json, "result"), i, zone)
	{
		json_int_t id = json_integer_value(json_object_get(zone, "id"));
		unsigned bit = 1u << (id == -7 ? 0 : id);
		assert_int_equal(ids & bit, 0);
		ids |= bit;
	}
	json_decref(json);
	buf_fini(&reply);
	return ids;
}

#define ALL_DOMAINS(rest) "{\"method\":\"getAllDomains\",\"parameters\":{" rest "}}"

static void test_all_domains(void **state)
{
	(void)state;
	assert_int_equal(zone_ids(ALL_DOMAINS("")), 0x77);
	assert_int_equal(zone_ids(ALL_DOMAINS("\"include_disabled\":false")), 0x77);
	assert_int_equal(zone_ids(ALL_DOMAINS("\"include_disabled\":true")), 0x7f);
	assert_int_equal(zone_ids("{\"method\":\"getAllDomains\"}"), 0x77);
	assert_fails(ALL_DOMAINS("\"include_disabled\":\"yes\""),
		"getAllDomains: parameter \"include_disabled\" is not true or false");
}

static void test_updated_masters(void **state)
{
	(void)state;
	assert_int_equal(zone_ids("{\"method\":\"getUpdatedMasters\",\"parameters\":{}}"), 0x60);
}

#define METADATA(name, kind)                                                                       \
	"{\"method\":\"getDomainMetadata\",\"parameters\":{\"name\":\"" name "\",\"kind\":\"" kind \
	"\"}}"
#define ALL_METADATA(name)                                                                         \
	"{\"method\":\"getAllDomainMetadata\",\"parameters\":{\"name\":\"" name "\"}}"

static void test_metadata(void **state)
{
	(void)state;
	assert_answer(METADATA("example.org.", "ALLOW-AXFR-FROM"),
		"[\"192.0.2.0/24\",\"AUTO-\\\"NS\\\"\"]");
	assert_answer(METADATA("EXAMPLE.org", "X-\\\"quoted\\\""), "[\"\"]");
	assert_answer(METADATA("example.org.", "ALLOW"), "[]");
	assert_answer(METADATA("example.org.", ""), "[]");
	assert_answer(METADATA("primary.net.", "ALLOW-AXFR-FROM"), "[]");
	assert_answer(METADATA("unknown.net.", "ALLOW-AXFR-FROM"), "[]");
	assert_answer(ALL_METADATA("example.org."),
		"{\"ALLOW-AXFR-FROM\":[\"192.0.2.0/24\",\"AUTO-\\\"NS\\\"\"],"
		"\"X-\\\"quoted\\\"\":[\"\"]}");
	assert_answer(ALL_METADATA("primary.net."), "{}");
	assert_answer(ALL_METADATA("unknown.net."), "{}");
	assert_true(fill_add_metadata(asked, 4, "", "nameless"));
	assert_answer(METADATA("primary.net.", ""), "[\"nameless\"]");
}

/* ---- the rest ---- */

#define COMMAND(text) "{\"method\":\"directBackendCmd\",\"parameters\":{\"query\":\"" text "\"}}"

static void test_command(void **state)
{
	struct protocol protocol = {.mirror = NULL};
	struct answer answer;
	struct buf reply;

	(void)state;
	assert_answer(COMMAND("status"), "\"all is \\\"fine\\\"\\n\"");
	assert_answer(COMMAND("version"), "\"csdns " PACKAGE_VERSION "\\n\"");
	json_t *help =
		json_string("help     this text\n"
			    "version  the version of csdns\n"
			    "status   how csdnsd is: its database, its mirror, its connections\n"
			    "reload   load the whole store again; it is answered from meanwhile\n");
	char *help_text = json_dumps(help, JSON_ENCODE_ANY);
	assert_answer(COMMAND("help"), help_text);
	assert_answer(COMMAND(""), help_text);
	assert_answer(COMMAND("statu"), help_text);
	assert_answer(COMMAND("statuss"), help_text);
	free(help_text);
	json_decref(help);
	assert_int_equal(reloads, 0);
	assert_answer(COMMAND("reload"), "\"loading the store again\\n\"");
	assert_int_equal(reloads, 1);
	/* nobody to ask */
	ask_bytes(&protocol, COMMAND("status"), strlen(COMMAND("status")), 1, &reply, &answer);
	json_t *json = parse_reply(&reply);
	assert_string_equal(json_string_value(json_object_get(json, "result")), "");
	json_decref(json);
	buf_fini(&reply);
	ask_bytes(&protocol, COMMAND("reload"), strlen(COMMAND("reload")), 1, &reply, &answer);
	json = parse_reply(&reply);
	assert_string_equal(
		json_string_value(json_object_get(json, "result")), "there is nothing to load\n");
	json_decref(json);
	buf_fini(&reply);
}

static void test_initialize(void **state)
{
	(void)state;
	assert_answer("{\"method\":\"initialize\",\"parameters\":{\"path\":\"/x\"}}", "true");
	assert_answer("{\"method\":\"initialize\"}", "true");
}

static void test_no_data(void **state)
{
	static const char *const methods[] = {"lookup", "APILookup", "list", "getAllDomains",
		"getDomainInfo", "getDomainMetadata", "getAllDomainMetadata", "getUpdatedMasters",
		"setNotified"};
	struct mirror *kept = asked;
	char request[200];
	char problem[200];

	(void)state;
	asked = NULL;
	for (size_t i = 0; i < COUNT(methods); i++) {
		(void)snprintf(request, sizeof(request), "{\"method\":\"%s\",\"parameters\":{}}",
			methods[i]);
		(void)snprintf(
			problem, sizeof(problem), "%s: no data has been loaded yet", methods[i]);
		assert_fails(request, problem);
	}
	/* in PowerDNS' own spelling too */
	assert_fails("{\"method\": \"lookup\", \"parameters\": {\"local\": \"0.0.0.0\", \"qname\": "
		     "\"t.\", \"qtype\": \"SOA\", \"real-remote\": \"0.0.0.0/0\", \"remote\": "
		     "\"0.0.0.0\", \"zone-id\": -1}}",
		"lookup: no data has been loaded yet");
	assert_answer("{\"method\":\"initialize\",\"parameters\":{}}", "true");
	assert_answer(COMMAND("status"), "\"all is \\\"fine\\\"\\n\"");
	asked = kept;
}

/* Each parameter missing, and of each wrong type. */
struct parameter {
	const char *method;
	const char *others; /* parameters that come before */
	const char *key;
	const char *type; /* as the message calls it */
};

static const struct parameter parameters[] = {
	{"lookup", "", "qname", "a string"},
	{"lookup", "\"qname\":\"a.\",", "qtype", "a string"},
	{"APILookup", "", "qname", "a string"},
	{"list", "", "domain_id", "a number"},
	{"getDomainInfo", "", "name", "a string"},
	{"getDomainMetadata", "", "name", "a string"},
	{"getDomainMetadata", "\"name\":\"example.org\",", "kind", "a string"},
	{"getAllDomainMetadata", "", "name", "a string"},
	{"directBackendCmd", "", "query", "a string"},
};

static void test_parameters(void **state)
{
	static const char *const values[] = {"null", "true", "[]", "{}", "[\"x\"]"};
	char request[300];
	char problem[300];

	(void)state;
	for (size_t i = 0; i < COUNT(parameters); i++) {
		const struct parameter *p = &parameters[i];
		(void)snprintf(request, sizeof(request),
			"{\"method\":\"%s\",\"parameters\":{%s\"x\":1}}", p->method, p->others);
		(void)snprintf(problem, sizeof(problem), "%s: parameter \"%s\" is missing",
			p->method, p->key);
		assert_fails(request, problem);
		(void)snprintf(problem, sizeof(problem), "%s: parameter \"%s\" is not %s",
			p->method, p->key, p->type);
		for (size_t k = 0; k <= COUNT(values); k++) {
			const char *other = strcmp(p->type, "a number") == 0 ? "\"1\"" : "1";
			(void)snprintf(request, sizeof(request),
				"{\"method\":\"%s\",\"parameters\":{%s\"%s\":%s}}", p->method,
				p->others, p->key, k < COUNT(values) ? values[k] : other);
			assert_fails(request, problem);
		}
	}
	assert_fails("{\"method\":\"lookup\"}", "lookup: parameter \"qname\" is missing");
	assert_fails("{\"method\":\"lookup\",\"parameters\":{\"qname\":\"a.\",\"qtype\":\"A\","
		     "\"zone-id\":\"1\"}}",
		"lookup: parameter \"zone-id\" is not a number");
	assert_fails("{\"method\":\"lookup\",\"parameters\":{\"qname\":\"a.\",\"qtype\":\"A\","
		     "\"zone-id\":2147483648}}",
		"lookup: parameter \"zone-id\" is out of range: 2.14748e+09");
	assert_fails(
		"{\"method\":\"list\",\"parameters\":{\"domain_id\":1,\"include_disabled\":0}}",
		"list: parameter \"include_disabled\" is not true or false");
}

static void test_bad_names(void **state)
{
	char request[2000];

	(void)state;
	assert_fails(ask_lookup("a..b.", "A", 1), "lookup: qname \"a..b.\": empty label");
	assert_fails(
		ask_lookup("a\\\\256.", "A", 1), "lookup: qname \"a\\256.\": bad escape in name");
	(void)snprintf(request, sizeof(request), "%0*d.", 64, 0);
	assert_fails(ask_lookup(request, "A", 1), NULL);
	(void)snprintf(request, sizeof(request), "%0*d", 900, 0);
	assert_fails(ask_lookup(request, "A", 1), NULL);
}

/* Messages are cut; characters of several octets are not cut in two. */
static void test_long_messages(void **state)
{
	char text[700];
	char request[1000];

	(void)state;
	for (int before = 0; before < 8; before++) {
		memset(text, 'a', sizeof(text));
		for (size_t i = (size_t)before; i + 4 < sizeof(text); i += 4)
			memcpy(text + i, "\xf0\x9f\x98\x80", 4);
		(void)snprintf(
			request, sizeof(request), "{\"method\":\"%.*s\"}", before + 600, text);
		assert_fails(request, NULL);
		(void)snprintf(request, sizeof(request),
			"{\"method\":\"getDomainInfo\",\"parameters\":{\"name\":\"%.*s\"}}",
			before + 600, text);
		assert_fails(request, NULL);
		(void)snprintf(
			request, sizeof(request), "{\"method\" \"%.*s\"}", before + 600, text);
		assert_malformed(request);
		(void)snprintf(request, sizeof(request), "%.*s", before + 600, text);
		assert_malformed(request);
	}
}

static void test_malformed(void **state)
{
	static const char *const requests[] = {"", " ", "{", "{}", "[]", "null", "true", "1",
		"\"x\"", "{\"method\":1}", "{\"method\":null}", "{\"method\":[\"lookup\"]}",
		"{\"parameters\":{}}", "[{\"method\":\"lookup\"}]",
		"{\"method\":\"lookup\",\"parameters\":[]}",
		"{\"method\":\"lookup\",\"parameters\":null}",
		"{\"method\":\"lookup\",\"parameters\":\"x\"}", "{\"method\":\"lookup\"",
		"{\"method\":\"lookup\"}}", "{\"method\":\"lookup\"} {}", "{method:\"lookup\"}",
		"{\"method\":\"look\\u0000up\"}", "{\"method\":\"\xff\"}", "\xff\xfe",
		"GET / HTTP/1.1", "{\"method\":\"\\ud800\"}"};

	(void)state;
	for (size_t i = 0; i < COUNT(requests); i++)
		assert_malformed(requests[i]);
	assert_fails_bytes("{\"method\":\"lookup\"}\0", 20, NULL, true);
	assert_fails_bytes("{\"method\":\"look\0up\"}", 20, NULL, true);
	assert_fails_bytes("\0\0\0\0", 4, NULL, true);
}

static void test_unknown_method(void **state)
{
	(void)state;
	assert_fails("{\"method\":\"getNothing\",\"parameters\":{\"name\":\"example.org.\"}}",
		"method \"getNothing\" is not known");
	assert_fails("{\"method\":\"\"}", "method \"\" is not known");
	assert_fails("{\"method\":\"LOOKUP\"}", "method \"LOOKUP\" is not known");
	assert_fails("{\"method\":\"a\\n\\\"b\"}", NULL);
}

static void test_nesting(void **state)
{
	char *request = malloc(30000);
	static const char *const open[] = {"[", "{\"a\":"};

	(void)state;
	assert_non_null(request);
	for (size_t k = 0; k < COUNT(open); k++) {
		for (int closed = 0; closed < 2; closed++) {
			size_t len = 0;
			size_t size = strlen(open[k]);
			for (int i = 0; i < 10000 && len + size < 20000; i++, len += size)
				memcpy(request + len, open[k], size);
			for (int i = 0; closed && i < 10000; i++)
				request[len++] = k == 0 ? ']' : '}';
			assert_fails_bytes(request, len, NULL, true);
		}
	}
	free(request);
}

/* Nothing that was in the buffer before is touched. */
static void test_appends(void **state)
{
	struct protocol protocol = ask_protocol(asked);
	struct answer answer;
	struct buf reply;
	const char *request = ask_lookup("www.example.org.", "ANY", 1);

	(void)state;
	buf_init(&reply);
	buf_add_str(&reply, "{}");
	protocol_answer(&protocol, request, strlen(request), &reply, &answer);
	assert_memory_equal(reply.data, "{}{\"result\":[{\"", 15);
	buf_fini(&reply);
}

/* ---- out of memory ---- */

/* The reply with the n-th allocation failing; NULL when there is none. */
static char *ask_failing(void (*fail_at)(unsigned n), unsigned n, const char *request)
{
	struct protocol protocol = ask_protocol(asked);
	struct answer answer;
	struct buf reply;
	int done = 0;

	buf_init(&reply);
	fail_at(n);
	protocol_answer(&protocol, request, strlen(request), &reply, &answer);
	while (answer.kind == ANSWER_LISTING && !buf_failed(&reply) && done == 0)
		done = listing_step(answer.listing, 1, &reply);
	listing_free(answer.listing);
	fail_at(0);
	if (buf_failed(&reply) || done < 0) {
		buf_fini(&reply);
		return NULL;
	}
	json_decref(parse_reply(&reply));
	buf_add_char(&reply, '\0');
	return reply.data;
}

static const char *const requests_for_failure[] = {
	"{\"method\":\"lookup\",\"parameters\":{\"qname\":\"www.example.org.\",\"qtype\":\"ANY\"}}",
	LIST(1), LIST_ALL(1), "{\"method\":\"getAllDomains\"}", INFO("example.org."),
	METADATA("example.org.", "ALLOW-AXFR-FROM"), ALL_METADATA("example.org."),
	"{\"method\":\"getUpdatedMasters\"}", COMMAND("status"), COMMAND("help"),
	"{\"method\":\"unknown\"}", "{\"method\"", "{\"method\":\"initialize\"}"};

/* It is the whole answer, or a false one, or none and the buffer knows it. */
static void test_out_of_memory(void **state)
{
	void (*const kinds[])(unsigned n) = {fail_alloc_at, fail_pool_at};

	(void)state;
	for (size_t i = 0; i < COUNT(requests_for_failure); i++) {
		const char *request = requests_for_failure[i];
		char *whole = ask_failing(fail_alloc_at, 0, request);
		for (unsigned n = 1; n < 100; n++) {
			char *reply = ask_failing(kinds[n % 2], (n + 1) / 2, request);
			if (reply != NULL && strncmp(reply, "{\"result\":false", 15) != 0) {
				assert_non_null(whole);
				assert_string_equal(reply, whole);
			}
			free(reply);
		}
		free(whole);
	}
	assert_int_equal(asked->refs, 1);
	assert_null(mirror_find_zone_by_id(asked, 1)->pins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lookup),
		TEST(test_lookup_empty_non_terminal),
		TEST(test_lookup_authority),
		TEST(test_lookup_in_any_zone),
		TEST(test_api_lookup),
		TEST(test_escapes),
		TEST(test_longest_name),
		TEST(test_domain_info),
		TEST(test_all_domains),
		TEST(test_updated_masters),
		TEST(test_metadata),
		TEST(test_command),
		TEST(test_initialize),
		TEST(test_no_data),
		TEST(test_parameters),
		TEST(test_bad_names),
		TEST(test_long_messages),
		TEST(test_malformed),
		TEST(test_unknown_method),
		TEST(test_nesting),
		TEST(test_appends),
		TEST(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
