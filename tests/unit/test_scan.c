/*
 * lookup_scan against the JSON parser: whatever the one accepts the other accepts too, and both
 * find the same question in it.
 */
#include "unit.h"

#include "base/buf.h"
#include "protocol/call.h"

/* As PowerDNS 4.7.3 sent them. */
static const char *const real[] = {
	"{\"method\": \"lookup\", \"parameters\": {\"local\": \"0.0.0.0\", \"qname\": \"t.\", "
	"\"qtype\": \"SOA\", \"real-remote\": \"0.0.0.0/0\", \"remote\": \"0.0.0.0\", "
	"\"zone-id\": -1}}",
	"{\"method\": \"lookup\", \"parameters\": {\"local\": \"127.0.0.1\", \"qname\": "
	"\"wWw.t.\", \"qtype\": \"ANY\", \"real-remote\": \"127.0.0.1/32\", \"remote\": "
	"\"127.0.0.1\", \"zone-id\": 3}}",
	"{\"method\": \"lookup\", \"parameters\": {\"local\": \"127.0.0.1\", \"qname\": "
	"\"*.t.\", \"qtype\": \"ANY\", \"real-remote\": \"127.0.0.1/32\", \"remote\": "
	"\"127.0.0.1\", \"zone-id\": 3}}",
};

static bool same(struct text a, struct text b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

/* Is it accepted? If so the JSON parser has to say the same. */
static bool scan(const char *text, size_t len)
{
	struct lookup_request scanned;
	struct lookup_request parsed;
	struct answer answer = {.method = "lookup"};
	struct buf reply;
	char *exact = malloc(len > 0 ? len : 1);

	assert_non_null(exact);
	memcpy(exact, text, len);
	bool accepts = lookup_scan(exact, len, &scanned);
	if (accepts) {
		buf_init(&reply);
		json_t *json = json_loadb(exact, len, 0, NULL);
		assert_non_null(json);
		assert_string_equal(json_string_value(json_object_get(json, "method")), "lookup");
		struct call call = {.reply = &reply,
			.answer = &answer,
			.parameters = json_object_get(json, "parameters")};
		assert_true(lookup_get(&call, &parsed));
		assert_true(same(scanned.qname, parsed.qname));
		assert_true(same(scanned.qtype, parsed.qtype));
		assert_true(scanned.zone_id == parsed.zone_id);
		assert_int_equal(scanned.with_disabled, parsed.with_disabled);
		json_decref(json);
		buf_fini(&reply);
	}
	free(exact);
	return accepts;
}

static void test_real(void **state)
{
	struct lookup_request lookup;

	(void)state;
	for (size_t i = 0; i < COUNT(real); i++)
		assert_true(scan(real[i], strlen(real[i])));
	assert_true(lookup_scan(real[1], strlen(real[1]), &lookup));
	assert_int_equal(lookup.qname.len, 6);
	assert_memory_equal(lookup.qname.at, "wWw.t.", 6);
	assert_int_equal(lookup.qtype.len, 3);
	assert_memory_equal(lookup.qtype.at, "ANY", 3);
	assert_int_equal(lookup.zone_id, 3);
	assert_false(lookup.with_disabled);
	assert_true(lookup_scan(real[0], strlen(real[0]), &lookup));
	assert_int_equal(lookup.zone_id, -1);
}

/* Each lookup that a PowerDNS was recorded with is taken, and nothing else that it sent. */
static void scan_recorded(const char *path)
{
	FILE *file = unit_open(path);
	char line[8192];
	size_t lookups = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		size_t len = strcspn(line, "\n");
		bool is_lookup = strncmp(line, "{\"method\": \"lookup\"", 19) == 0;

		assert_int_equal(scan(line, len), is_lookup);
		lookups += is_lookup;
	}
	(void)fclose(file);
	assert_true(lookups > 20);
}

static void test_recorded(void **state)
{
	(void)state;
	scan_recorded("tests/golden/recorded-4.7/request.json");
	scan_recorded("tests/golden/recorded-5.1/request.json");
}

/* No beginning of one is one, and none with something behind it. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(real); i++) {
		size_t len = strlen(real[i]);
		char longer[400];
		for (size_t cut = 0; cut < len; cut++)
			assert_false(scan(real[i], cut));
		(void)snprintf(longer, sizeof(longer), "%s ", real[i]);
		assert_false(scan(longer, len + 1));
		assert_false(scan(longer, len + 2));
		(void)snprintf(longer, sizeof(longer), " %s", real[i]);
		assert_false(scan(longer, len + 1));
	}
}

static bool scan_zone_id(const char *zone_id)
{
	char text[400];

	(void)snprintf(
		text, sizeof(text), "%.*s%s}}", (int)(strlen(real[0]) - 4), real[0], zone_id);
	return scan(text, strlen(text));
}

static void test_zone_id(void **state)
{
	static const char *const refused[] = {"", "-", "01", "-01", "00", "1.0", "1e2", "+1",
		"\"1\"", "null", "1000000000", "99999999999999999999", "- 1", "--1", "1 "};

	(void)state;
	assert_true(scan_zone_id("0"));
	assert_true(scan_zone_id("-0"));
	assert_true(scan_zone_id("999999999"));
	assert_true(scan_zone_id("-999999999"));
	for (size_t i = 0; i < COUNT(refused); i++)
		assert_false(scan_zone_id(refused[i]));
}

static bool scan_qname(const char *qname, size_t len)
{
	char text[400];
	const char *at = strstr(real[0], "t.\"");
	size_t head = (size_t)(at - real[0]);

	memcpy(text, real[0], head);
	memcpy(text + head, qname, len);
	memcpy(text + head + len, at + 2, strlen(at + 2));
	return scan(text, head + len + strlen(at + 2));
}

/* What needs an escape, and what is not ASCII, is the JSON parser's. */
static void test_qname(void **state)
{
	(void)state;
	assert_true(scan_qname("", 0));
	assert_true(scan_qname("a b~c.", 6));
	assert_false(scan_qname("a\\\\032b.", 8));
	assert_false(scan_qname("a\\u0041.", 8));
	assert_false(scan_qname("\xc3\xa9.", 3));
	for (int c = 0; c < 256; c++) {
		char text = (char)c;
		assert_int_equal(
			scan_qname(&text, 1), c >= ' ' && c <= '~' && c != '"' && c != '\\');
	}
}

/* Octets changed, removed, doubled. */
static void test_random(void **state)
{
	static const char octets[] = "\"\\{}:, 09-.eEaZ\t\n\x7f\x80\xc3\xa9/";
	char text[400];
	unsigned accepted = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		const char *from = real[unit_random(COUNT(real))];
		size_t len = strlen(from);
		memcpy(text, from, len);
		for (size_t n = unit_random(3); n > 0; n--) {
			size_t at = unit_random(len);
			switch (unit_random(3)) {
			case 0:
				text[at] = octets[unit_random(sizeof(octets))];
				break;
			case 1:
				memmove(text + at, text + at + 1, --len - at);
				break;
			default:
				memmove(text + at + 1, text + at, len++ - at);
				break;
			}
		}
		accepted += scan(text, len);
	}
	assert_true(accepted > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_zone_id),
		cmocka_unit_test(test_qname),
		cmocka_unit_test(test_random),
	};

	unit_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
