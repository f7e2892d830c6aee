#include "unit.h"

#include "config.h"

#include "fail_alloc.h"
#include "fail_pool.h"
#include "fill.h"
#include "mirror/change.h"
#include "mirror_check.h"
#include "protocol/protocol.h"

#include <jansson.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct mirror *mirror;

static void status(void *arg, struct buf *text)
{
	buf_printf(text, "%s \"fine\"\n", (const char *)arg);
}

static int reloads;

static void reload(void *arg)
{
	assert_string_equal(arg, "all is");
	reloads++;
}

static struct protocol protocol_of(struct mirror *served)
{
	struct protocol protocol = {
		.mirror = served, .status = status, .reload = reload, .arg = (char *)"all is"};

	return protocol;
}

static void add_domain(
	int32_t id, const char *name, const char *type, const char *master, int64_t notified)
{
	struct domain_row row = fill_domain(id, name, type);
	const char *why;

	row.master = fill_text(master);
	row.last_check = id;
	row.has_notified_serial = notified >= 0;
	row.notified_serial = notified >= 0 ? notified : 0;
	assert_int_equal(mirror_add_domain(mirror, &row, &why), ROW_TAKEN);
}

static void add(int32_t id, const char *name, const char *type, const char *content)
{
	assert_true(fill_add_record(mirror, id, name, type, content));
}

static void add_disabled(int32_t id, const char *name, const char *type, const char *content)
{
	assert_true(fill_add_disabled(mirror, id, name, type, content));
}

/* A zone that lies in another, which delegates to it; zones with and without SOA; the root. */
static void fill_mirror(void)
{
	add_domain(1, "example.org", "NATIVE", NULL, -1);
	add(1, "example.org", "SOA", "ns.example.org h.example.org 7 2 3 4 5");
	add(1, "example.org", "NS", "ns.example.org");
	add(1, "www.example.org", "A", "192.0.2.1");
	add_disabled(1, "www.example.org", "A", "192.0.2.2");
	add(1, "www.example.org", "AAAA", "2001:db8::1");
	add(1, "a.b.ent.example.org", "A", "192.0.2.3");
	add_disabled(1, "off.example.org", "A", "192.0.2.4");
	add(1, "deleg.example.org", "NS", "glue.deleg.example.org");
	add(1, "glue.deleg.example.org", "A", "192.0.2.5");
	add(1, "sub.example.org", "NS", "x.sub.example.org");
	add(1, "x.sub.example.org", "A", "192.0.2.6");
	add(1, "esc\\.a\\032b.example.org", "TXT", "\"a \\\"b\\\" \\\\ \xc3\xa9 /\x01\"");
	add_domain(2, "sub.example.org", "SLAVE", "192.0.2.9, 2001:db8::9", 3);
	add(2, "sub.example.org", "SOA", "x.sub.example.org h.example.org 8 2 3 4 5");
	add(2, "x.sub.example.org", "A", "192.0.2.7");
	add_domain(3, "nosoa.net", "NATIVE", NULL, -1);
	add(3, "nosoa.net", "A", "192.0.2.8");
	add_domain(4, "primary.net", "MASTER", "", 5);
	add(4, "primary.net", "SOA", "a b 5 2 3 4 5");
	add_domain(5, "primary2.net", "PRODUCER", NULL, -1);
	add(5, "primary2.net", "SOA", "a b 0 2 3 4 5");
	add_domain(6, "primary3.net", "MASTER", NULL, 5);
	add(6, "primary3.net", "SOA", "a b 4294967295 2 3 4 5");
	add_domain(-7, ".", "NATIVE", NULL, -1);
	add(-7, ".", "SOA", "a b 1 2 3 4 5");
	add(-7, "org", "NS", "ns.example.org");
	assert_true(fill_add_metadata(mirror, 1, "ALLOW-AXFR-FROM", "192.0.2.0/24"));
	assert_true(fill_add_metadata(mirror, 1, "X-\"quoted\"", ""));
	assert_true(fill_add_metadata(mirror, 1, "ALLOW-AXFR-FROM", "AUTO-\"NS\""));
}

static int setup(void **state)
{
	(void)state;
	mirror = mirror_new(300);
	if (mirror == NULL)
		return -1;
	fill_mirror();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mirror_unref(mirror);
	return mirror_free_step(mirror, SIZE_MAX) ? 0 : -1;
}

/* ---- asking ---- */

/* The reply, whole; a listing in steps of `budget`. */
static void ask_bytes(const struct protocol *protocol, const char *request, size_t len,
	size_t budget, struct buf *reply, struct answer *answer)
{
	buf_init(reply);
	protocol_answer(protocol, request, len, reply, answer);
	if (answer->kind == ANSWER_LISTING) {
		int done;
		while ((done = listing_step(answer->listing, budget, reply)) == 0)
			;
		assert_int_equal(done, 1);
		listing_free(answer->listing);
	}
}

/* One line of JSON with a result. */
static json_t *parse_reply(const struct buf *reply)
{
	json_error_t error;

	assert_false(buf_failed(reply));
	assert_true(reply->len > 0);
	assert_ptr_equal(memchr(reply->data, '\n', reply->len), reply->data + reply->len - 1);
	json_t *json = json_loadb(reply->data, reply->len, JSON_REJECT_DUPLICATES, &error);
	if (json == NULL)
		printf("# %s: %.*s", error.text, (int)reply->len, reply->data);
	assert_non_null(json);
	assert_true(mirror == NULL || json_object_get(json, "result") != NULL);
	return json;
}

static void assert_answer(const char *request, const char *expected)
{
	struct protocol protocol = protocol_of(mirror);
	struct answer answer;
	struct buf reply;

	json_t *wanted = json_loads(expected, JSON_DECODE_ANY, NULL);
	assert_non_null(wanted);
	ask_bytes(&protocol, request, strlen(request), 3, &reply, &answer);
	json_t *json = parse_reply(&reply);
	if (!json_equal(json_object_get(json, "result"), wanted))
		printf("# %s\n# %.*s", request, (int)reply.len, reply.data);
	assert_true(json_equal(json_object_get(json, "result"), wanted));
	assert_int_equal(answer.problem[0], '\0');
	assert_false(answer.is_malformed);
	json_decref(json);
	json_decref(wanted);
	buf_fini(&reply);
}

static void assert_fails_bytes(
	const char *request, size_t len, const char *problem, bool is_malformed)
{
	struct protocol protocol = protocol_of(mirror);
	struct answer answer;
	struct buf reply;

	ask_bytes(&protocol, request, len, 3, &reply, &answer);
	json_t *json = parse_reply(&reply);
	/* Where there is nothing to answer from, PowerDNS shall not take it for an answer. */
	if (mirror == NULL)
		assert_null(json_object_get(json, "result"));
	else
		assert_true(json_is_false(json_object_get(json, "result")));
	const char *log = json_string_value(json_array_get(json_object_get(json, "log"), 0));
	assert_non_null(log);
	if (problem != NULL)
		assert_string_equal(answer.problem, problem);
	assert_int_equal(strncmp(log, "csdns: ", 7), 0);
	for (size_t i = 0; i <= strlen(answer.problem); i++)
		assert_true(log[i + 7] == answer.problem[i] ||
			    (log[i + 7] == '?' &&
				    (answer.problem[i] < ' ' || answer.problem[i] > '~')));
	assert_int_equal(answer.kind, ANSWER_REPLY);
	assert_int_equal(answer.is_malformed, is_malformed);
	json_decref(json);
	buf_fini(&reply);
}

static void assert_fails(const char *request, const char *problem)
{
	assert_fails_bytes(request, strlen(request), problem, false);
}

static void assert_malformed(const char *request)
{
	assert_fails_bytes(request, strlen(request), NULL, true);
}

/* "lookup" with a name, a type and a zone-id. */
static const char *lookup(const char *qname, const char *qtype, int zone_id)
{
	static char text[2200];

	(void)snprintf(text, sizeof(text),
		"{\"method\":\"lookup\",\"parameters\":{\"qname\":\"%s\",\"qtype\":\"%s\","
		"\"zone-id\":%d}}",
		qname, qtype, zone_id);
	return text;
}

#define RECORD(type, name, content, id, auth)                                                      \
	"{\"qtype\":\"" type "\",\"qname\":\"" name "\",\"content\":\"" content                    \
	"\",\"ttl\":3600,\"domain_id\":" #id AUTH_##auth "}"
/* True is what PowerDNS takes it for where nothing is said. */
#define AUTH_0 ",\"auth\":0"
#define AUTH_1 ""
#define ENT(name, id)                                                                              \
	"{\"qtype\":\"\",\"qname\":\"" name "\",\"content\":\"\",\"ttl\":300,\"domain_id\":" #id "}"

/* ---- lookups ---- */

#define WWW_A(name)    RECORD("A", name, "192.0.2.1", 1, 1)
#define WWW_OFF(name)  RECORD("A", name, "192.0.2.2", 1, 1)
#define WWW_AAAA(name) RECORD("AAAA", name, "2001:db8::1", 1, 1)

static void test_lookup(void **state)
{
	(void)state;
	assert_answer(lookup("www.example.org.", "A", 1), "[" WWW_A("www.example.org.") "]");
	assert_answer(lookup("www.example.org", "A", 1), "[" WWW_A("www.example.org") "]");
	assert_answer(lookup("wWw.EXAMPLE.org.", "ANY", 1),
		"[" WWW_A("wWw.EXAMPLE.org.") "," WWW_AAAA("wWw.EXAMPLE.org.") "]");
	assert_answer(lookup("www.example.org.", "MX", 1), "[]");
	assert_answer(lookup("www.example.org.", "NOTYPE", 1), "[]");
	assert_answer(lookup("www.example.org.", "", 1), "[]");
	assert_answer(
		lookup("www.example.org.", "TYPE28", 1), "[" WWW_AAAA("www.example.org.") "]");
	assert_answer(lookup("nope.example.org.", "ANY", 1), "[]");
	assert_answer(lookup("www.example.net.", "ANY", 1), "[]");
	assert_answer(lookup("www.example.org.", "ANY", 3), "[]");
	assert_answer(lookup("www.example.org.", "ANY", 99), "[]");
	assert_answer(lookup("off.example.org.", "ANY", 1), "[]");
	assert_answer(lookup("example.org.", "SOA", 1),
		"[" RECORD(
			"SOA", "example.org.", "ns.example.org h.example.org 7 2 3 4 5", 1, 1) "]");
}

static void test_lookup_empty_non_terminal(void **state)
{
	(void)state;
	assert_answer(lookup("b.ent.example.org.", "ANY", 1), "[" ENT("b.ent.example.org.", 1) "]");
	assert_answer(lookup("ENT.example.org.", "ANY", 1), "[" ENT("ENT.example.org.", 1) "]");
	assert_answer(lookup("ent.example.org.", "A", 1), "[]");
	assert_answer(lookup("nosoa.net.", "ANY", 3),
		"[" RECORD("A", "nosoa.net.", "192.0.2.8", 3, 1) "]");
	/* the names between the root and a zone that it delegates */
	assert_answer(lookup("net.", "ANY", -7), "[]");
}

static void test_lookup_authority(void **state)
{
	(void)state;
	assert_answer(lookup("deleg.example.org.", "ANY", 1),
		"[" RECORD("NS", "deleg.example.org.", "glue.deleg.example.org", 1, 0) "]");
	assert_answer(lookup("glue.deleg.example.org.", "ANY", 1),
		"[" RECORD("A", "glue.deleg.example.org.", "192.0.2.5", 1, 0) "]");
}

/* Each zone that the name lies in, the innermost first. */
static void test_lookup_in_any_zone(void **state)
{
	(void)state;
	assert_answer(lookup("x.sub.example.org.", "A", -1),
		"[" RECORD("A", "x.sub.example.org.", "192.0.2.7", 2, 1) "," RECORD(
			"A", "x.sub.example.org.", "192.0.2.6", 1, 0) "]");
	assert_answer(lookup("x.sub.example.org.", "A", 2),
		"[" RECORD("A", "x.sub.example.org.", "192.0.2.7", 2, 1) "]");
	assert_answer(lookup("x.sub.example.org.", "A", 1),
		"[" RECORD("A", "x.sub.example.org.", "192.0.2.6", 1, 0) "]");
	assert_answer(lookup("sub.example.org.", "ANY", -1),
		"[" RECORD("SOA", "sub.example.org.", "x.sub.example.org h.example.org 8 2 3 4 5",
			2, 1) "," RECORD("NS", "sub.example.org.", "x.sub.example.org", 1, 0) "]");
	assert_answer(lookup(".", "SOA", -1), "[" RECORD("SOA", ".", "a b 1 2 3 4 5", -7, 1) "]");
	assert_answer(
		lookup("org.", "ANY", -1), "[" RECORD("NS", "org.", "ns.example.org", -7, 0) "]");
	assert_answer(lookup("example.com.", "ANY", -1), "[]");
	/* in PowerDNS' own spelling */
	assert_answer(
		"{\"method\": \"lookup\", \"parameters\": {\"local\": \"0.0.0.0\", \"qname\": "
		"\"wWw.example.org.\", \"qtype\": \"A\", \"real-remote\": \"0.0.0.0/0\", "
		"\"remote\": \"0.0.0.0\", \"zone-id\": -1}}",
		"[" WWW_A("wWw.example.org.") "]");
	/* every negative number means any, as absent does */
	assert_answer(lookup("www.example.org.", "A", -2), "[" WWW_A("www.example.org.") "]");
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
	assert_answer(lookup("Esc\\\\.a\\\\032b.example.org.", "TXT", 1),
		"[" RECORD("TXT", "Esc\\\\.a\\\\032b.example.org.",
			"\\\"a \\\\\\\"b\\\\\\\" \\\\\\\\ \\u00e9 /\\u0001\\\"", 1, 1) "]");
	/* the same name, spelled otherwise */
	assert_answer(lookup("esc\\\\046a b.example.org.", "TXT", 1),
		"[" RECORD("TXT", "esc\\\\046a b.example.org.",
			"\\\"a \\\\\\\"b\\\\\\\" \\\\\\\\ \\u00e9 /\\u0001\\\"", 1, 1) "]");
	assert_answer(lookup("\\u0077ww.example.org.", "A", 1), "[" WWW_A("www.example.org.") "]");
	assert_answer(lookup("\\u00e9.example.org.", "A", 1), "[]");
}

#define LIST(id) "{\"method\":\"list\",\"parameters\":{\"domain_id\":" #id "}}"
#define LIST_ALL(id)                                                                               \
	"{\"method\":\"list\",\"parameters\":{\"domain_id\":" #id                                  \
	",\"include_disabled\":true,\"zonename\":\"x.\"}}"

/* A name that has as many characters as can be, each one escaped. */
static void test_longest_name(void **state)
{
	char wire[1100] = "";
	char qname[2300] = "";
	char request[3000];
	struct protocol protocol = protocol_of(mirror);
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
	assert_true(fill_add_record(mirror, -7, wire, "A", "192.0.2.1"));
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

/* ---- listings ---- */

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The records of a listing as sorted lines. */
static char *listing_text(const struct protocol *protocol, const char *request, size_t budget)
{
	struct answer answer;
	struct buf reply;
	struct buf text;
	char *lines[2000];
	size_t n = 0;
	json_t *record;
	size_t i;

	ask_bytes(protocol, request, strlen(request), budget, &reply, &answer);
	json_t *json = parse_reply(&reply);
	json_array_foreach(json_object_get(json, "result"), i, record)
	{
		assert_true(n < COUNT(lines));
		lines[n++] = json_dumps(record, JSON_SORT_KEYS);
	}
	qsort(lines, n, sizeof(lines[0]), compare_text);
	buf_init(&text);
	for (i = 0; i < n; i++) {
		buf_add_str(&text, lines[i]);
		buf_add_char(&text, '\n');
		free(lines[i]);
	}
	buf_add_char(&text, '\0');
	json_decref(json);
	buf_fini(&reply);
	return text.data;
}

static unsigned count_lines(const char *text)
{
	unsigned n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void test_list(void **state)
{
	struct protocol protocol = protocol_of(mirror);
	char *text = listing_text(&protocol, LIST(1), SIZE_MAX);

	(void)state;
	assert_int_equal(count_lines(text), 10);
	assert_non_null(strstr(text, "\"qname\": \"example.org.\""));
	assert_non_null(strstr(text, "\"qname\": \"www.example.org.\""));
	assert_non_null(strstr(text, "\"auth\": 0, \"content\": \"192.0.2.5\""));
	assert_non_null(strstr(text, "\"qname\": \"esc\\\\.a\\\\032b.example.org.\""));
	assert_null(strstr(text, "192.0.2.2"));
	assert_null(strstr(text, "\"qtype\": \"\""));
	free(text);
	text = listing_text(&protocol, LIST_ALL(1), SIZE_MAX);
	assert_int_equal(count_lines(text), 12);
	assert_non_null(strstr(text, "192.0.2.2"));
	assert_non_null(strstr(text, "192.0.2.4"));
	free(text);
	/* the root: no dot too many */
	text = listing_text(&protocol, LIST(-7), SIZE_MAX);
	assert_int_equal(count_lines(text), 2);
	assert_non_null(strstr(text, "\"qname\": \".\""));
	assert_non_null(strstr(text, "\"qname\": \"org.\""));
	free(text);
	assert_fails(LIST(99), "list: there is no zone with id 99");
}

static void test_list_in_steps(void **state)
{
	struct protocol protocol = protocol_of(mirror);
	char *whole;

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		char name[40];
		(void)snprintf(name, sizeof(name), "n%u.e%u.nosoa.net", i, i % 9);
		add(3, name, "A", "192.0.2.1");
	}
	whole = listing_text(&protocol, LIST(3), SIZE_MAX);
	assert_int_equal(count_lines(whole), 501);
	for (size_t budget = 1; budget < 300; budget = budget * 2 + 1) {
		char *steps = listing_text(&protocol, LIST(3), budget);
		assert_string_equal(steps, whole);
		free(steps);
	}
	free(whole);
}

/* A zone without records, and one whose records are all disabled. */
static void test_list_empty(void **state)
{
	(void)state;
	add_domain(20, "empty.net", "NATIVE", NULL, -1);
	assert_answer(LIST(20), "[]");
	add_disabled(20, "empty.net", "A", "192.0.2.1");
	assert_answer(LIST(20), "[]");
	assert_answer(LIST_ALL(20), "[{\"qtype\":\"A\",\"qname\":\"empty.net.\",\"content\":\"192."
				    "0.2.1\",\"ttl\":3600}]");
}

/* The zone goes, then the mirror, while a listing is under way. */
static void test_list_outlives(void **state)
{
	struct protocol protocol = protocol_of(mirror);
	struct change *change = change_new(mirror);
	struct store_version version = {1, 0};
	struct answer answer;
	struct buf reply;

	(void)state;
	buf_init(&reply);
	protocol_answer(&protocol, LIST(1), strlen(LIST(1)), &reply, &answer);
	assert_int_equal(answer.kind, ANSWER_LISTING);
	assert_int_equal(listing_step(answer.listing, 2, &reply), 0);
	assert_non_null(change);
	assert_int_equal(change_touch_zone(change, 1), 0);
	change_commit(change, version);
	while (!change_clean_step(change, 1))
		;
	while (!mirror_free_step(mirror, 1))
		;
	assert_fails(LIST(1), "list: there is no zone with id 1");
	mirror_unref(mirror);
	while (listing_step(answer.listing, 2, &reply) == 0)
		;
	listing_free(answer.listing);
	listing_free(NULL);
	json_t *json = parse_reply(&reply);
	assert_int_equal(json_array_size(json_object_get(json, "result")), 10);
	json_decref(json);
	buf_fini(&reply);
	mirror_ref(mirror);
}

/* A zone that went while it was listed is freed when the listing ends. */
static void test_list_ends(void **state)
{
	struct protocol protocol = protocol_of(mirror);
	struct change *change = change_new(mirror);
	struct store_version version = {1, 0};
	struct answer answers[2];
	struct buf reply;

	(void)state;
	assert_non_null(change);
	for (size_t i = 0; i < COUNT(answers); i++) {
		buf_init(&reply);
		protocol_answer(&protocol, LIST(1), strlen(LIST(1)), &reply, &answers[i]);
		assert_int_equal(answers[i].kind, ANSWER_LISTING);
		buf_fini(&reply);
	}
	assert_int_equal(change_touch_zone(change, 1), 0);
	change_commit(change, version);
	while (!change_clean_step(change, 1))
		;
	for (size_t i = 0; i < COUNT(answers); i++) {
		assert_true(mirror_free_step(mirror, 1000));
		size_t used = pool_used(mirror->pool);
		struct reachable reachable = mirror_reachable(mirror);
		assert_true(used > reachable.data + reachable.tables);
		listing_free(answers[i].listing);
	}
	assert_true(mirror_free_step(mirror, 1000));
	struct reachable reachable = mirror_reachable(mirror);
	assert_int_equal(pool_used(mirror->pool), reachable.data + reachable.tables);
}

/* A list of zones tells of those that were there when it began, also when they go meanwhile. */
static void test_domains_listing(void **state)
{
	static const char ask[] =
		"{\"method\":\"getAllDomains\",\"parameters\":{\"include_disabled\":true}}";
	struct protocol protocol = protocol_of(mirror);
	struct change *change = change_new(mirror);
	struct store_version version = {1, 0};
	size_t zones = mirror_zones(mirror);
	struct answer answer;
	struct buf reply;

	(void)state;
	buf_init(&reply);
	protocol_answer(&protocol, ask, strlen(ask), &reply, &answer);
	assert_int_equal(answer.kind, ANSWER_LISTING);
	assert_int_equal(listing_step(answer.listing, 1, &reply), 0);
	assert_non_null(change);
	for (int32_t id = 1; id < 7; id++)
		assert_int_equal(change_touch_zone(change, id), 0);
	change_commit(change, version);
	while (!change_clean_step(change, 1))
		;
	assert_true(mirror_free_step(mirror, 1000));
	while (listing_step(answer.listing, 1, &reply) == 0)
		;
	listing_free(answer.listing);
	assert_true(mirror_free_step(mirror, 1000));
	assert_int_equal(mirror_zones(mirror), zones - 6);
	json_t *json = parse_reply(&reply);
	assert_int_equal(json_array_size(json_object_get(json, "result")), zones);
	json_decref(json);
	buf_fini(&reply);
	struct reachable reachable = mirror_reachable(mirror);
	assert_int_equal(pool_used(mirror->pool), reachable.data + reachable.tables);
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
	add_domain(8, "consumer.net", "CONSUMER", NULL, 0);
	assert_answer(INFO("consumer.net."), ZONE(8, "consumer.net.", "consumer", 0, 0, ""));
	assert_answer(INFO("primary2.net."), ZONE(5, "primary2.net.", "producer", 0, 0, ""));
	assert_fails(INFO("a..b"), "getDomainInfo: name \"a..b\": empty label");
}

/* The ids of the zones, as a sum of powers of two; the root's is 0. */
static unsigned zone_ids(const char *request)
{
	struct protocol protocol = protocol_of(mirror);
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
	assert_true(fill_add_metadata(mirror, 4, "", "nameless"));
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
	struct mirror *kept = mirror;
	char request[200];
	char problem[200];

	(void)state;
	mirror = NULL;
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
	mirror = kept;
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
	assert_fails(lookup("a..b.", "A", 1), "lookup: qname \"a..b.\": empty label");
	assert_fails(lookup("a\\\\256.", "A", 1), "lookup: qname \"a\\256.\": bad escape in name");
	(void)snprintf(request, sizeof(request), "%0*d.", 64, 0);
	assert_fails(lookup(request, "A", 1), NULL);
	(void)snprintf(request, sizeof(request), "%0*d", 900, 0);
	assert_fails(lookup(request, "A", 1), NULL);
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
	struct protocol protocol = protocol_of(mirror);
	struct answer answer;
	struct buf reply;
	const char *request = lookup("www.example.org.", "ANY", 1);

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
	struct protocol protocol = protocol_of(mirror);
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
	assert_int_equal(mirror->refs, 1);
	assert_null(mirror_find_zone_by_id(mirror, 1)->pins);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		TEST(test_list),
		TEST(test_list_in_steps),
		TEST(test_list_empty),
		TEST(test_list_outlives),
		TEST(test_list_ends),
		TEST(test_domains_listing),
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
