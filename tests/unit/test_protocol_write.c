#include "unit.h"

#include "fail_alloc.h"
#include "fill.h"
#include "protocol/protocol.h"

#include <jansson.h>

static struct mirror *mirror;

static int setup(void **state)
{
	(void)state;
	mirror = mirror_new(300);
	if (mirror == NULL)
		return -1;
	return fill_add_domain(mirror, 1, "example.org", "NATIVE") &&
			       fill_add_domain(mirror, 4, "sub.example.org", "MASTER") &&
			       fill_add_domain(mirror, -7, ".", "NATIVE")
		       ? 0
		       : -1;
}

static int teardown(void **state)
{
	(void)state;
	mirror_unref(mirror);
	return mirror_free_step(mirror, SIZE_MAX) ? 0 : -1;
}

static const char *const kinds[WRITE_KINDS] = {"SET_NOTIFIED", "SET_FRESH", "SET_STALE",
	"SET_METADATA", "ADD_KEY", "REMOVE_KEY", "ACTIVATE_KEY", "DEACTIVATE_KEY", "PUBLISH_KEY",
	"UNPUBLISH_KEY", "SET_TSIG_KEY", "DELETE_TSIG_KEY", "CREATE_SECONDARY", "READ_AUTOPRIMARY",
	"REPLACE_RRSET", "BEGIN", "FEED", "COMMIT", "ABORT", "READ_RECORDS", "READ_ZONE",
	"READ_METADATA", "READ_ALL_METADATA", "READ_KEYS"};

/* The write as text, "KIND|parameter|parameter", or the reply. */
static void ask(const struct open_transaction *transaction, const char *request, struct buf *text,
	struct answer *answer)
{
	struct protocol protocol = {.mirror = mirror, .transaction = transaction};
	struct buf reply;

	buf_init(&reply);
	buf_init(text);
	protocol_answer(&protocol, request, strlen(request), &reply, answer);
	assert_false(buf_failed(&reply));
	if (answer->kind == ANSWER_WRITE) {
		assert_int_equal(reply.len, 0);
		buf_add_str(text, kinds[answer->write.kind]);
		for (unsigned i = 0; i < answer->write.n; i++) {
			const char *param = write_param(&answer->write, i);
			buf_add_char(text, '|');
			buf_add_str(text, param == NULL ? "NULL" : param);
		}
		write_fini(&answer->write);
	} else {
		assert_int_equal(answer->kind, ANSWER_REPLY);
		buf_add(text, reply.data, reply.len - 1);
	}
	buf_add_char(text, '\0');
	buf_fini(&reply);
}

static void assert_asked(const struct open_transaction *transaction, const char *method,
	const char *parameters, const char *expected)
{
	struct answer answer;
	char request[4000];
	struct buf text;

	(void)snprintf(request, sizeof(request), "{\"method\":\"%s\",\"parameters\":{%s}}", method,
		parameters);
	ask(transaction, request, &text, &answer);
	assert_string_equal(text.data, expected);
	assert_string_equal(answer.method, method);
	buf_fini(&text);
}

static const struct open_transaction open = {.zone_id = 1};

static void assert_write(const char *method, const char *parameters, const char *expected)
{
	assert_asked(NULL, method, parameters, expected);
	assert_asked(&open, method, parameters, expected);
}

static void assert_fails_in(const struct open_transaction *transaction, const char *method,
	const char *parameters, const char *problem)
{
	char expected[400];

	(void)snprintf(expected, sizeof(expected), "{\"result\":false,\"log\":[\"csdns: %s: %s\"]}",
		method, problem);
	assert_asked(transaction, method, parameters, expected);
}

static void assert_fails(const char *method, const char *parameters, const char *problem)
{
	assert_fails_in(NULL, method, parameters, problem);
	assert_fails_in(&open, method, parameters, problem);
}

/* ---- single writes ---- */

static void test_zone_state(void **state)
{
	(void)state;
	assert_write("setNotified", "\"id\":4,\"serial\":0", "SET_NOTIFIED|4|0");
	assert_write(
		"setNotified", "\"id\":-7,\"serial\":4294967295.0", "SET_NOTIFIED|-7|4294967295");
	assert_write("setNotified", "\"id\":4e0,\"serial\":3e9", "SET_NOTIFIED|4|3000000000");
	assert_write("setFresh", "\"id\":1", "SET_FRESH|1");
	assert_write("setStale", "\"id\":1", "SET_STALE|1");
	assert_fails("setFresh", "\"id\":99", "there is no zone with id 99");
	assert_fails("setNotified", "\"id\":99,\"serial\":1", "there is no zone with id 99");
	assert_fails("setNotified", "\"id\":4,\"serial\":4294967296",
		"parameter \\\"serial\\\" is out of range: 4.29497e+09");
	assert_fails("setNotified", "\"id\":4,\"serial\":-1",
		"parameter \\\"serial\\\" is out of range: -1");
	assert_fails("setNotified", "\"id\":4,\"serial\":1.5",
		"parameter \\\"serial\\\" is out of range: 1.5");
	assert_fails("setNotified", "\"id\":2147483648,\"serial\":1",
		"parameter \\\"id\\\" is out of range: 2.14748e+09");
	assert_fails("setNotified", "\"id\":1e300,\"serial\":1",
		"parameter \\\"id\\\" is out of range: 1e+300");
}

#define K32 "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

static void test_metadata(void **state)
{
	(void)state;
	assert_write("setDomainMetadata",
		"\"name\":\"Example.ORG.\",\"kind\":\"ALLOW-AXFR-FROM\",\"value\":[\"a\",\"b "
		"\\\"c\\\"\"]",
		"SET_METADATA|1|ALLOW-AXFR-FROM|[\"a\",\"b \\\"c\\\"\"]");
	assert_write("setDomainMetadata", "\"name\":\"example.org\",\"kind\":\"K\",\"value\":[]",
		"SET_METADATA|1|K|[]");
	assert_write("setDomainMetadata",
		"\"name\":\".\",\"kind\":\"" K32 "\",\"value\":[\"\\u00e9\\n\"]",
		"SET_METADATA|-7|" K32 "|[\"\xc3\xa9\\u000a\"]");
	assert_write("setDomainMetadata",
		"\"name\":\"example.org\",\"kind\":\"\xc3\xa9"
		"234567890123456789012345678901"
		"\xc3\xa9\",\"value\":[]",
		"SET_METADATA|1|\xc3\xa9"
		"234567890123456789012345678901"
		"\xc3\xa9|[]");
	assert_fails("setDomainMetadata",
		"\"name\":\"example.org\",\"kind\":\"" K32 "X\",\"value\":[]",
		"a kind of metadata has 1 to 32 characters, not 33");
	assert_fails("setDomainMetadata", "\"name\":\"example.org\",\"kind\":\"\",\"value\":[]",
		"a kind of metadata has 1 to 32 characters, not 0");
	assert_fails("setDomainMetadata", "\"name\":\"none.test.\",\"kind\":\"K\",\"value\":[]",
		"there is no zone \\\"none.test\\\"");
	assert_fails("setDomainMetadata",
		"\"name\":\"example.org\",\"kind\":\"K\",\"value\":[\"a\",1]",
		"\\\"value\\\" has something that is no string");
	assert_fails("setDomainMetadata", "\"name\":\"example.org\",\"kind\":\"K\",\"value\":\"a\"",
		"parameter \\\"value\\\" is not an array");
}

static void test_keys(void **state)
{
	static const struct {
		const char *method;
		const char *kind;
	} changes[] = {{"removeDomainKey", "REMOVE_KEY|1|5"},
		{"activateDomainKey", "ACTIVATE_KEY|1|5"},
		{"deactivateDomainKey", "DEACTIVATE_KEY|1|5"},
		{"publishDomainKey", "PUBLISH_KEY|1|5"},
		{"unpublishDomainKey", "UNPUBLISH_KEY|1|5"}};

	(void)state;
	assert_write("addDomainKey",
		"\"name\":\"example.org.\",\"key\":{\"flags\":257,\"active\":true,\"published\":"
		"false,"
		"\"content\":\"Private-key-format: v1.2\\nAlgorithm: 13\\n\"}",
		"ADD_KEY|1|257|t|f|Private-key-format: v1.2\nAlgorithm: 13\n");
	assert_write("addDomainKey",
		"\"name\":\"example.org.\",\"key\":{\"flags\":256,\"active\":false,\"content\":"
		"\"x\"}",
		"ADD_KEY|1|256|f|t|x");
	assert_fails("addDomainKey", "\"name\":\"example.org.\",\"key\":1",
		"parameter \\\"key\\\" is not an object");
	assert_fails("addDomainKey", "\"name\":\"example.org.\",\"key\":{\"flags\":256}",
		"parameter \\\"content\\\" is missing");
	assert_fails("addDomainKey",
		"\"name\":\"example.org.\",\"key\":{\"flags\":65536,\"content\":\"x\"}",
		"parameter \\\"flags\\\" is out of range: 65536");
	for (size_t i = 0; i < COUNT(changes); i++) {
		assert_write(
			changes[i].method, "\"name\":\"example.org.\",\"id\":5", changes[i].kind);
		assert_fails(changes[i].method, "\"name\":\"none.test.\",\"id\":5",
			"there is no zone \\\"none.test\\\"");
		assert_fails(changes[i].method, "\"name\":\"example.org.\",\"id\":-1",
			"parameter \\\"id\\\" is out of range: -1");
		assert_fails(changes[i].method, "\"name\":\"example.org.\"",
			"parameter \\\"id\\\" is missing");
	}
}

static void test_tsig_keys(void **state)
{
	(void)state;
	assert_write("setTSIGKey",
		"\"name\":\"Key.Test.\",\"algorithm\":\"hmac-SHA256.\",\"content\":\"QUJD/+==\"",
		"SET_TSIG_KEY|key.test|hmac-sha256|QUJD/+==");
	assert_write("deleteTSIGKey", "\"name\":\"Key.Test.\"", "DELETE_TSIG_KEY|key.test");
	assert_fails("setTSIGKey", "\"name\":\"k\",\"algorithm\":\"hmac-sha256\"",
		"parameter \\\"content\\\" is missing");
	assert_fails("deleteTSIGKey", "\"name\":\"a..b\"", "name \\\"a..b\\\": empty label");
}

#define RR(name, type, content)                                                                    \
	"{\"qtype\":\"" type "\",\"qname\":\"" name "\",\"qclass\":1,\"content\":\"" content       \
	"\",\"ttl\":60,\"auth\":true}"

static void test_secondary(void **state)
{
	(void)state;
	assert_write("createSlaveDomain",
		"\"ip\":\"192.0.2.1\",\"domain\":\"New.test.\",\"nameserver\":\"NS.test\","
		"\"account\":\"us\"",
		"CREATE_SECONDARY|new.test|192.0.2.1|ns.test|us");
	assert_write("createSlaveDomain",
		"\"ip\":\"192.0.2.1\",\"domain\":\"new.test.\",\"nameserver\":\"\",\"account\":"
		"\"\"",
		"CREATE_SECONDARY|new.test|192.0.2.1||");
	assert_write("createSlaveDomain", "\"ip\":\"192.0.2.1\",\"domain\":\"new.test.\"",
		"CREATE_SECONDARY|new.test|192.0.2.1||");
	assert_fails(
		"createSlaveDomain", "\"domain\":\"new.test.\"", "parameter \\\"ip\\\" is missing");
}

/* ---- record sets ---- */

#define SET(id, name, type, rrs)                                                                   \
	"\"domain_id\":" id ",\"qname\":\"" name "\",\"qtype\":\"" type                            \
	"\",\"trxid\":1700000000,\"rrset\":[" rrs "]"
#define STORED(type, prio, content)                                                                \
	"{\"ttl\":60,\"auth\":true,\"type\":\"" type "\",\"content\":\"" content                   \
	"\",\"prio\":\"" prio "\"}"

static void test_replace(void **state)
{
	(void)state;
	assert_write("replaceRRSet",
		SET("1", "WWW.example.org.", "A",
			RR("www.EXAMPLE.org.", "A", "192.0.2.1") "," RR(
				"www.example.org.", "A", "192.0.2.2")),
		"REPLACE_RRSET|1|www.example.org|A|[" STORED("A", "0", "192.0.2.1") "," STORED(
			"A", "0", "192.0.2.2") "]");
	assert_write("replaceRRSet", SET("1", "example.org.", "ANY", ""),
		"REPLACE_RRSET|1|example.org|ANY|[]");
	assert_write("replaceRRSet",
		SET("1", "example.org.", "MX", RR("example.org.", "MX", "10 Mail.example.org")),
		"REPLACE_RRSET|1|example.org|MX|[" STORED("MX", "10", "Mail.example.org") "]");
	assert_write("replaceRRSet",
		SET("1", "_s._tcp.example.org.", "SRV",
			RR("_s._tcp.example.org.", "SRV", "0 5 5060 sip.example.org")),
		"REPLACE_RRSET|1|_s._tcp.example.org|SRV|[" STORED(
			"SRV", "0", "5 5060 sip.example.org") "]");
	assert_write("replaceRRSet",
		SET("1", "example.org.", "TXT", RR("example.org.", "TXT", "\\\"10 x\\\"")),
		"REPLACE_RRSET|1|example.org|TXT|[" STORED("TXT", "0", "\\\"10 x\\\"") "]");
	assert_write("replaceRRSet", SET("-7", ".", "NS", RR(".", "NS", "ns.test")),
		"REPLACE_RRSET|-7|.|NS|[" STORED("NS", "0", "ns.test") "]");
	assert_write("replaceRRSet", SET("1", "a\\\\.b\\\\032.example.org.", "A", ""),
		"REPLACE_RRSET|1|a\\.b\\032.example.org|A|[]");
}

static void test_replace_refused(void **state)
{
	(void)state;
	assert_fails("replaceRRSet", SET("99", "a.", "A", ""), "there is no zone with id 99");
	assert_fails("replaceRRSet", SET("1", "www.example.net.", "A", ""),
		"\\\"www.example.net\\\" lies outside of zone 1");
	assert_fails("replaceRRSet",
		SET("1", "www.example.org.", "A", RR("other.example.org.", "A", "192.0.2.1")),
		"a record has another name than its set");
	assert_fails("replaceRRSet",
		SET("1", "www.example.org.", "A", RR("www.example.net.", "A", "192.0.2.1")),
		"\\\"www.example.net\\\" lies outside of zone 1");
	assert_fails("replaceRRSet", SET("1", "www.example.org.", "NOTHING", ""),
		"\\\"NOTHING\\\" is no type of records");
	assert_fails("replaceRRSet",
		SET("1", "www.example.org.", "A", RR("www.example.org.", "", "192.0.2.1")),
		"\\\"\\\" is no type of records");
	assert_fails(
		"replaceRRSet", SET("1", "www.example.org.", "A", "1"), "a record is no object");
	assert_fails("replaceRRSet",
		"\"domain_id\":1,\"qname\":\"example.org.\",\"qtype\":\"A\",\"rrset\":{}",
		"parameter \\\"rrset\\\" is not an array");
	assert_fails("replaceRRSet",
		SET("1", "www.example.org.", "A",
			"{\"qtype\":\"A\",\"qname\":\"www.example.org.\",\"content\":\"192.0.2.1\","
			"\"ttl\":-1}"),
		"parameter \\\"ttl\\\" is out of range: -1");
}

/* ---- transactions ---- */

static void assert_begins(const char *parameters, const char *expected, int32_t zone_id)
{
	char request[500];
	struct answer answer;
	struct buf text;

	(void)snprintf(request, sizeof(request),
		"{\"method\":\"startTransaction\",\"parameters\":{%s}}", parameters);
	ask(NULL, request, &text, &answer);
	assert_string_equal(text.data, expected);
	assert_int_equal(answer.write.zone_id, zone_id);
	buf_fini(&text);
}

static void test_begin(void **state)
{
	(void)state;
	assert_begins(
		"\"domain\":\"sub.example.org.\",\"domain_id\":4,\"trxid\":1.7e9", "BEGIN|4", 4);
	assert_begins(
		"\"domain\":\"sub.example.org.\",\"domain_id\":-1,\"trxid\":1", "BEGIN|NULL", 4);
	assert_begins("\"domain\":\"none.test.\",\"domain_id\":-1", "BEGIN|NULL", -1);
	assert_begins("\"domain\":\"a..b\",\"domain_id\":-1", "BEGIN|NULL", -1);
	assert_begins("\"domain\":\"\",\"domain_id\":-1", "BEGIN|NULL", -1);
	assert_begins("\"trxid\":1", "BEGIN|NULL", -1);
	assert_fails("startTransaction", "\"domain\":\"example.org.\",\"domain_id\":99",
		"there is no zone with id 99");
	assert_fails("startTransaction", "\"domain\":1,\"domain_id\":1",
		"parameter \\\"domain\\\" is not a string");
}

static void test_end(void **state)
{
	static const char *const methods[] = {
		"commitTransaction", "abortTransaction", "feedRecord", "feedEnts", "feedEnts3"};

	(void)state;
	for (size_t i = 0; i < COUNT(methods); i++)
		assert_fails_in(NULL, methods[i], "\"trxid\":1700000000", "no transaction is open");
	assert_asked(&open, "commitTransaction", "\"trxid\":1700000000", "COMMIT");
	assert_asked(&open, "abortTransaction", "\"trxid\":1700000000", "ABORT");
	assert_asked(&open, "feedEnts", "\"domain_id\":1,\"nonterm\":[]", "{\"result\":true}");
	assert_asked(&open, "feedEnts3", "\"domain_id\":1,\"nonterm\":[]", "{\"result\":true}");
}

/* PowerDNS sends it as it is: octets that are no UTF-8, and an escaped NUL. */
static void test_salt(void **state)
{
	static const char *const taken[] = {"\xab\xcd", "\xff\"}, \"x\": {\"y\": \"\xc3", "\\u0000",
		"\\u0000\xe2\x80\\u001f\\\\"};
	static const char *const refused[] = {
		"{\"method\":\"feedEnts\",\"parameters\":{\"salt\":\"\xab\"}}",
		"{\"method\":\"feedEnts3\\u0000\",\"parameters\":{\"salt\":\"\xab\"}}",
		"{\"method\":\"feedEnts3\xab\",\"parameters\":{}}",
		("{\"method\":\"feedRecord\",\"parameters\":{\"method\":\"feedEnts3\",\"salt\":"
		 "\"\\u0000\"}}"),
		"{\"method\":\"feedEnts3\",\"parameters\":{\"salt\":\"\xab}}",
		"[\"feedEnts3\",\"\xab\"]"};
	struct answer answer;
	char request[200];
	struct buf text;

	(void)state;
	for (size_t i = 0; i < COUNT(taken); i++) {
		char parameters[100];
		(void)snprintf(parameters, sizeof(parameters), "\"salt\":\"%s\"", taken[i]);
		assert_asked(&open, "feedEnts3", parameters, "{\"result\":true}");
		(void)snprintf(request, sizeof(request),
			"{ \"parameters\": {%s},\"method\" : \"feedEnts3\"}", parameters);
		ask(&open, request, &text, &answer);
		assert_string_equal(text.data, "{\"result\":true}");
		buf_fini(&text);
	}
	for (size_t i = 0; i < COUNT(refused); i++) {
		ask(&open, refused[i], &text, &answer);
		assert_true(answer.is_malformed);
		assert_non_null(strstr(text.data, "it is not JSON"));
		buf_fini(&text);
	}
}

#define FED(order, rr) "\"rr\":" rr ",\"trxid\":1700000000" order

static void assert_fed(const char *parameters, const char *expected)
{
	assert_asked(&open, "feedRecord", parameters, expected);
}

static void test_feed(void **state)
{
	static const struct open_transaction nowhere = {.zone_id = -1};

	(void)state;
	assert_fed(FED("", RR("WWW.example.org.", "A", "192.0.2.1")),
		"FEED|1|www.example.org|A|192.0.2.1|60|0|NULL|t");
	assert_fed(FED("", RR("example.org.", "MX", "20   mail.example.org")),
		"FEED|1|example.org|MX|mail.example.org|60|20|NULL|t");
	assert_fed("\"rr\":{\"qtype\":\"NS\",\"qname\":\"d.example.org.\",\"content\":\"ns.d."
		   "example.org\","
		   "\"ttl\":0,\"auth\":false,\"ordername\":null}",
		"FEED|1|d.example.org|NS|ns.d.example.org|0|0|NULL|f");
	assert_fed(
		"\"rr\":{\"qtype\":\"A\",\"qname\":\"a.b.example.org.\",\"content\":\"192.0.2.1\","
		"\"ttl\":1,\"auth\":true,\"ordername\":\"A.b.\"}",
		"FEED|1|a.b.example.org|A|192.0.2.1|1|0|b a|t");
	assert_fed("\"rr\":{\"qtype\":\"A\",\"qname\":\"example.org.\",\"content\":\"192.0.2.1\","
		   "\"ttl\":1,\"auth\":true,\"ordername\":\".\"}",
		"FEED|1|example.org|A|192.0.2.1|1|0||t");
	assert_fails_in(&open, "feedRecord", FED("", RR("www.example.net.", "A", "192.0.2.1")),
		"\\\"www.example.net\\\" lies outside of zone 1");
	assert_fails_in(&nowhere, "feedRecord", FED("", RR("www.example.org.", "A", "192.0.2.1")),
		"the transaction is about no zone");
	assert_fails_in(&open, "feedRecord", "\"rr\":[]", "parameter \\\"rr\\\" is not an object");
}

#define LOOKUP                                                                                     \
	"{\"method\": \"lookup\", \"parameters\": {\"local\": \"0.0.0.0\", \"qname\": "            \
	"\"WWW.example.org.\", \"qtype\": \"A\", \"real-remote\": \"0.0.0.0/0\", \"remote\": "     \
	"\"0.0.0.0\", \"zone-id\": 1}}"

/* PowerDNS' own spelling does not pass by the transaction. */
static void test_read_inside(void **state)
{
	static const struct open_transaction failed = {.zone_id = 1, .has_failed = true};
	struct answer answer;
	struct buf text;

	(void)state;
	ask(&open, LOOKUP, &text, &answer);
	assert_string_equal(text.data, "READ_RECORDS|1|www.example.org|A|f|300");
	buf_fini(&text);
	ask(&failed, LOOKUP, &text, &answer);
	assert_string_equal(text.data, "{\"result\":[]}");
	buf_fini(&text);
	assert_asked(&open, "lookup", "\"qname\":\"a.\",\"qtype\":\"ANY\"",
		"READ_RECORDS|NULL|a|ANY|f|300");
	assert_asked(&open, "APILookup",
		"\"qname\":\".\",\"qtype\":\"NS\",\"zone-id\":-1,\"include-disabled\":true",
		"READ_RECORDS|NULL|.|NS|t|300");
	assert_asked(&open, "list", "\"domain_id\":4,\"zonename\":\"x.\"", "READ_ZONE|4|f|300");
	assert_fails_in(&open, "list", "\"domain_id\":99", "there is no zone with id 99");
	assert_asked(&open, "getDomainMetadata", "\"name\":\"example.org.\",\"kind\":\"K\"",
		"READ_METADATA|1|K");
	assert_asked(
		&open, "getAllDomainMetadata", "\"name\":\"none.test.\"", "READ_ALL_METADATA|NULL");
	assert_asked(&open, "getDomainKeys", "\"name\":\"example.org.\"", "READ_KEYS|1");
}

/* Who fails it with a transaction open fails the transaction. */
static void test_is_write(void **state)
{
	static const struct {
		const char *method;
		bool is_write;
	} methods[] = {{"feedRecord", true}, {"replaceRRSet", true}, {"setDomainMetadata", true},
		{"addDomainKey", true}, {"setFresh", true}, {"list", false},
		{"commitTransaction", false}, {"getDomainInfo", false}, {"no such", false}};
	char request[200];
	struct answer answer;
	struct buf text;

	(void)state;
	for (size_t i = 0; i < COUNT(methods); i++) {
		(void)snprintf(request, sizeof(request), "{\"method\":\"%s\"}", methods[i].method);
		ask(NULL, request, &text, &answer);
		assert_int_equal(answer.is_write, methods[i].is_write);
		assert_string_not_equal(answer.problem, "");
		buf_fini(&text);
	}
}

/* ---- out of memory ---- */

static const char *const requests_for_failure[] = {
	"{\"method\":\"setDomainMetadata\",\"parameters\":{\"name\":\"example.org.\",\"kind\":"
	"\"K\","
	"\"value\":[\"one\",\"two\"]}}",
	"{\"method\":\"addDomainKey\",\"parameters\":{\"name\":\"example.org.\",\"key\":{\"flags\":"
	"256,"
	"\"content\":\"x\"}}}",
	"{\"method\":\"replaceRRSet\",\"parameters\":{" SET(
		"1", "www.example.org.", "A", RR("www.example.org.", "A", "192.0.2.1")) "}}",
	"{\"method\":\"replaceRRSet\",\"parameters\":{" SET(
		"1", "www.example.org.", "A", RR("www.example.org.", "A", "192.0.2.1") ",1") "}}",
	"{\"method\":\"feedRecord\",\"parameters\":{" FED(
		"", RR("WWW.example.org.", "A", "192.0.2.1")) "}}",
	LOOKUP,
};

/* What is described is whole, or the buffer of the reply knows that it is not. */
static void test_out_of_memory(void **state)
{
	struct protocol protocol = {.mirror = mirror, .transaction = &open};

	(void)state;
	for (size_t i = 0; i < COUNT(requests_for_failure); i++) {
		const char *request = requests_for_failure[i];
		unsigned failures = 0;
		for (unsigned n = 1; n < 60; n++) {
			struct answer answer;
			struct buf reply;
			buf_init(&reply);
			fail_alloc_at(n);
			protocol_answer(&protocol, request, strlen(request), &reply, &answer);
			fail_alloc_at(0);
			failures += buf_failed(&reply);
			if (answer.kind == ANSWER_WRITE) {
				assert_true(buf_failed(&reply) || !buf_failed(&answer.write.text));
				write_fini(&answer.write);
			}
			buf_fini(&reply);
		}
		assert_int_not_equal(failures, 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_zone_state),
		TEST(test_metadata),
		TEST(test_keys),
		TEST(test_tsig_keys),
		TEST(test_secondary),
		TEST(test_replace),
		TEST(test_replace_refused),
		TEST(test_begin),
		TEST(test_end),
		TEST(test_salt),
		TEST(test_feed),
		TEST(test_read_inside),
		TEST(test_is_write),
		TEST(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
