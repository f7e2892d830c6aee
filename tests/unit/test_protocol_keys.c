/*
 * Keys, TSIG keys, searching, and secondaries that are due.
 */
#include "unit.h"

#include "base/clock.h"
#include "fill.h"
#include "protocol/protocol.h"

#include <jansson.h>

static struct mirror *mirror;
static bool was_secret;

static int setup(void **state)
{
	(void)state;
	mirror = mirror_new(300);
	return mirror == NULL || !fill_add_domain(mirror, 1, "example.org", "NATIVE") ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	mirror_unref(mirror);
	return mirror_free_step(mirror, SIZE_MAX) ? 0 : -1;
}

/* The result; a listing in parts of one. */
static json_t *ask(const char *request, size_t listing_first)
{
	struct protocol protocol = {.mirror = mirror, .listing_first = listing_first};
	struct answer answer;
	struct buf reply;

	buf_init(&reply);
	protocol_answer(&protocol, request, strlen(request), &reply, &answer);
	if (answer.kind == ANSWER_LISTING) {
		while (listing_step(answer.listing, 1, &reply) == 0)
			;
		listing_free(answer.listing);
	}
	assert_false(buf_failed(&reply));
	was_secret = answer.is_secret;
	json_t *json = json_loadb(reply.data, reply.len, JSON_REJECT_DUPLICATES, NULL);
	buf_fini(&reply);
	assert_non_null(json);
	json_t *result = json_incref(json_object_get(json, "result"));
	json_decref(json);
	return result;
}

static void assert_result(const char *request, const char *expected)
{
	json_t *wanted = json_loads(expected, JSON_DECODE_ANY, NULL);
	json_t *result = ask(request, 0);

	assert_non_null(wanted);
	if (!json_equal(result, wanted)) {
		char *text = json_dumps(result, JSON_ENCODE_ANY);
		printf("# %s\n# %s\n", request, text);
		free(text);
		fail();
	}
	json_decref(result);
	json_decref(wanted);
}

/* ---- keys ---- */

static void add_key(int32_t id, const char *content, bool active, bool published)
{
	struct key_row row = fill_key(1, id, content);
	const char *why;

	row.active = active;
	row.published = published;
	assert_int_equal(mirror_add_key(mirror, &row, &why), ROW_TAKEN);
}

#define GET_KEYS(name) "{\"method\":\"getDomainKeys\",\"parameters\":{\"name\":\"" name "\"}}"

static void test_domain_keys(void **state)
{
	struct key_row homeless = fill_key(9, 1, "x");
	const char *why;

	(void)state;
	assert_result(GET_KEYS("example.org."), "[]");
	assert_false(was_secret);
	add_key(3, "Private-key-format: v1.2\nAlgorithm: 13\n", true, false);
	add_key(5, "\"", false, true);
	assert_int_equal(mirror_add_key(mirror, &homeless, &why), ROW_LEFT_OUT);
	assert_result(GET_KEYS("Example.ORG."),
		"[{\"id\":3,\"flags\":257,\"active\":true,\"published\":false,\"content\":"
		"\"Private-key-format: v1.2\\nAlgorithm: 13\\n\"},"
		"{\"id\":5,\"flags\":257,\"active\":false,\"published\":true,\"content\":\"\\\"\"}"
		"]");
	assert_true(was_secret);
	assert_result(GET_KEYS("other.org."), "[]");
}

static void add_tsig_key(const char *name, const char *algorithm, const char *secret)
{
	struct tsig_row row = fill_tsig_key(name, algorithm, secret);
	const char *why;

	assert_int_equal(mirror_add_tsig_key(mirror, &row, &why), ROW_TAKEN);
}

#define GET_TSIG(name) "{\"method\":\"getTSIGKey\",\"parameters\":{\"name\":\"" name "\"}}"
#define GET_TSIGS      "{\"method\":\"getTSIGKeys\",\"parameters\":{}}"

static void test_tsig_keys(void **state)
{
	struct tsig_row bad = fill_tsig_key("a..b", "x", "y");
	const char *why = NULL;

	(void)state;
	assert_result(GET_TSIG("test."), "false");
	assert_result(GET_TSIGS, "[]");
	add_tsig_key("test", "hmac-sha256", "c2VjcmV0");
	add_tsig_key("te\\.st", "hmac-md5", "");
	add_tsig_key("test", "hmac-sha512", "b3RoZXI=");
	assert_int_equal(mirror_add_tsig_key(mirror, &bad, &why), ROW_LEFT_OUT);
	assert_string_equal(why, "empty label");
	assert_result(
		GET_TSIG("TEST."), "{\"algorithm\":\"hmac-sha256\",\"content\":\"c2VjcmV0\"}");
	assert_true(was_secret);
	assert_result(GET_TSIG("te\\\\.st."), "{\"algorithm\":\"hmac-md5\",\"content\":\"\"}");
	assert_result(GET_TSIG("st."), "false");
	assert_false(was_secret);
	assert_result(GET_TSIGS,
		"[{\"name\":\"test.\",\"algorithm\":\"hmac-sha256\",\"content\":\"c2VjcmV0\"},"
		"{\"name\":\"te\\\\.st.\",\"algorithm\":\"hmac-md5\",\"content\":\"\"},"
		"{\"name\":\"test.\",\"algorithm\":\"hmac-sha512\",\"content\":\"b3RoZXI=\"}]");
}

/* Of several with one name the store's first is given, however many there are. */
static void test_many_tsig_keys(void **state)
{
	char name[16];
	char algorithm[16];

	(void)state;
	for (int i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		(void)snprintf(algorithm, sizeof(algorithm), "a%d", i);
		add_tsig_key("test", algorithm, "");
		add_tsig_key(name, "x", "");
		assert_result(GET_TSIG("test."), "{\"algorithm\":\"a0\",\"content\":\"\"}");
	}
}

/* Nothing of a secret is left where it was. */
static void test_wiped(void **state)
{
	struct text text = {"very secret, this", 17};
	struct pool *pool = pool_new();
	struct secrets secrets;
	size_t budget = 1;

	(void)state;
	assert_non_null(pool);
	secrets_init(&secrets);
	struct secret *one = secret_new(&secrets, pool, text);
	struct secret *two = secret_new(&secrets, pool, text);
	struct secret *three = secret_new(&secrets, pool, text);
	assert_non_null(one);
	assert_non_null(two);
	assert_non_null(three);
	secret_free(two, pool);
	assert_false(secrets_wipe_step(&secrets, &budget));
	budget = 5;
	assert_true(secrets_wipe_step(&secrets, &budget));
	for (size_t i = 0; i < text.len; i++) {
		assert_int_equal(one->text[i], 0);
		assert_int_equal(three->text[i], 0);
	}
	pool_free(pool);
}

/* ---- searching ---- */

#define SEARCH(pattern, max)                                                                       \
	"{\"method\":\"searchRecords\",\"parameters\":{\"pattern\":\"" pattern                     \
	"\",\"maxResults\":" #max "}}"
#define RECORD(type, name, content, id)                                                            \
	"{\"qtype\":\"" type "\",\"qname\":\"" name "\",\"content\":\"" content                    \
	"\",\"ttl\":3600,\"domain_id\":" #id "}"
#define WWW   RECORD("A", "www.example.org.", "192.0.2.1", 1)
#define OFF   RECORD("A", "off.example.org.", "192.0.2.22", 1)
#define MX    RECORD("MX", "m.example.org.", "10 mail.example.org", 1)
#define TXT   RECORD("TXT", "t.example.org.", "\\\"a \\\\\\\\ \\u00e9 %_\\\"", 1)
#define OTHER RECORD("A", "www.example.net.", "192.0.2.3", 2)

static void fill_search(void)
{
	assert_true(fill_add_record(mirror, 1, "www.example.org", "A", "192.0.2.1"));
	assert_true(fill_add_disabled(mirror, 1, "off.example.org", "A", "192.0.2.22"));
	assert_true(fill_add_record(mirror, 1, "m.example.org", "MX", "10 mail.example.org"));
	assert_true(fill_add_record(mirror, 1, "t.example.org", "TXT", "\"a \\\\ \xc3\xa9 %_\""));
	assert_true(fill_add_domain(mirror, 2, "example.net", "NATIVE"));
	assert_true(fill_add_record(mirror, 2, "www.example.net", "A", "192.0.2.3"));
}

static void test_search(void **state)
{
	(void)state;
	assert_result(SEARCH("*", 10), "[]");
	fill_search();
	assert_result(SEARCH("www.example.org", 10), "[" WWW "]");
	assert_result(SEARCH("www.example.org.", 10), "[]");
	assert_result(SEARCH("WWW.example.org", 10), "[]");
	assert_result(SEARCH("?ww.*.net", 10), "[" OTHER "]");
	assert_result(SEARCH("192.0.2.??", 10), "[" OFF "]");
	assert_result(SEARCH("192.0.2.3", 10), "[" OTHER "]");
	assert_result(SEARCH("10 mail*", 10), "[" MX "]");
	assert_result(SEARCH("mail.example.org", 10), "[" MX "]");
	assert_result(SEARCH("\\\"a \\\\\\\\ ? %_\\\"", 10), "[" TXT "]");
	assert_result(SEARCH("\\\"a*%_?", 10), "[" TXT "]");
	assert_result(SEARCH("", 10), "[]");
	assert_result(SEARCH("*", 0), "[]");
	assert_result(SEARCH("**nothing**", 10), "[]");
	for (size_t first = 0; first < 4; first++) {
		json_t *all = ask(SEARCH("*", 10), first);
		assert_int_equal(json_array_size(all), 5);
		json_decref(all);
		all = ask(SEARCH("*", 3), first);
		assert_int_equal(json_array_size(all), 3);
		json_decref(all);
	}
}

static void test_search_refuses(void **state)
{
	char request[700];
	char pattern[600];

	(void)state;
	memset(pattern, 'x', sizeof(pattern) - 1);
	pattern[sizeof(pattern) - 1] = '\0';
	(void)snprintf(request, sizeof(request),
		"{\"method\":\"searchRecords\",\"parameters\":{\"pattern\":\"%s\","
		"\"maxResults\":1}}",
		pattern);
	assert_result(request, "false");
	assert_result(SEARCH("x", -1), "false");
}

/* A zone that goes while it is searched stays readable, and names that come are no harm. */
static void test_search_outlives(void **state)
{
	struct protocol protocol = {.mirror = mirror};
	const char *request = SEARCH("*", 100000);
	struct answer answer;
	struct buf reply;
	char name[40];

	(void)state;
	fill_search();
	buf_init(&reply);
	protocol_answer(&protocol, request, strlen(request), &reply, &answer);
	assert_int_equal(answer.kind, ANSWER_LISTING);
	assert_int_equal(listing_step(answer.listing, 1, &reply), 0);
	for (int i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "n%d.example.org", i);
		assert_true(fill_add_record(mirror, 1, name, "A", "192.0.2.9"));
		(void)snprintf(name, sizeof(name), "n%d.example.net", i);
		assert_true(fill_add_record(mirror, 2, name, "A", "192.0.2.9"));
	}
	struct zone *zone = mirror_find_zone_by_id(mirror, 2);
	mirror_unlink_zone(mirror, zone);
	mirror_discard_zone(mirror, zone);
	(void)mirror_free_step(mirror, SIZE_MAX);
	int done;
	while ((done = listing_step(answer.listing, 3, &reply)) == 0)
		;
	assert_int_equal(done, 1);
	listing_free(answer.listing);
	assert_true(mirror_free_step(mirror, SIZE_MAX));
	assert_int_equal(mirror_find_zone_by_id(mirror, 1)->names.holds, 0);
	buf_fini(&reply);
}

/* ---- secondaries ---- */

static void add_secondary(
	int32_t id, const char *name, const char *type, int64_t last_check, const char *soa)
{
	struct domain_row row = fill_domain(id, name, type);
	const char *why;

	row.last_check = last_check;
	assert_int_equal(mirror_add_domain(mirror, &row, &why), ROW_TAKEN);
	if (soa != NULL)
		assert_true(fill_add_record(mirror, id, name, "SOA", soa));
}

static void test_unfresh(void **state)
{
	int64_t now = clock_real_us() / 1000000;

	(void)state;
	add_secondary(10, "never", "SLAVE", 0, "a b 7 1000 3 4 5");
	add_secondary(11, "fresh", "SLAVE", now - 100, "a b 7 1000 3 4 5");
	add_secondary(12, "due", "SLAVE", now - 1100, "a b 7 1000 3 4 5");
	add_secondary(13, "nosoa", "SLAVE", now - 1, NULL);
	add_secondary(14, "primary", "MASTER", 0, "a b 7 1000 3 4 5");
	add_secondary(15, "consumer", "CONSUMER", 0, "a b 7 1000 3 4 5");
	add_secondary(16, "off", "SLAVE", now - 100, NULL);
	assert_true(fill_add_disabled(mirror, 16, "off", "SOA", "a b 7 1000 3 4 5"));
	json_t *result = ask("{\"method\":\"getUnfreshSlaveInfos\",\"parameters\":{}}", 0);
	bool is_there[20] = {false};
	size_t i;
	json_t *item;
	json_array_foreach(result, i, item)
	{
		json_int_t id = json_integer_value(json_object_get(item, "id"));
		assert_in_range(id, 10, 16);
		is_there[id] = true;
		assert_int_equal(
			json_integer_value(json_object_get(item, "serial")), id == 13 ? 0 : 7);
	}
	assert_int_equal(json_array_size(result), 4);
	assert_true(is_there[10] && is_there[12] && is_there[13] && is_there[15]);
	json_decref(result);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_domain_keys),
		TEST(test_tsig_keys),
		TEST(test_many_tsig_keys),
		TEST(test_wiped),
		TEST(test_search),
		TEST(test_search_refuses),
		TEST(test_search_outlives),
		TEST(test_unfresh),
	};

	unit_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
