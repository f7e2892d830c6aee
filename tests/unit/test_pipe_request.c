#include "unit.h"

#include "pipe/request.h"

#include <string.h>

static void assert_is(const char *line, enum request_kind kind, const char *method)
{
	struct request request = request_parse(line, strlen(line));

	assert_int_equal(request.kind, kind);
	assert_string_equal(request.method, method);
}

static void test_kinds(void **state)
{
	(void)state;
	assert_is("{\"method\": \"lookup\", \"parameters\": {\"qname\": \"a.\"}}\n", REQUEST_READ,
		"lookup");
	assert_is("{\"method\":\"getAllDomains\"}\n", REQUEST_READ, "getAllDomains");
	assert_is(" {\t\"method\" : \"initialize\"", REQUEST_INITIALIZE, "initialize");
	assert_is("{\"method\":\"startTransaction\"}", REQUEST_BEGIN, "startTransaction");
	assert_is("{\"method\":\"commitTransaction\"}", REQUEST_COMMIT, "commitTransaction");
	assert_is("{\"method\":\"abortTransaction\"}", REQUEST_ABORT, "abortTransaction");
	assert_is("{\"method\":\"feedRecord\"}", REQUEST_WRITE, "feedRecord");
}

/* What is not seen for certain to be a read is not asked twice. */
static void test_unknown(void **state)
{
	static const char *const lines[] = {"", "\n", "{", "{}", "[]", "{\"", "{\"method",
		"{\"method\"", "{\"method\":", "{\"method\":\"", "{\"method\":\"lookup",
		"{\"method\":7}", "{\"method\":\"lookups\"}", "{\"method\":\"look\"}",
		"{\"method\":\"LOOKUP\"}", "{\"method\" \"lookup\"}", "{\"Method\":\"lookup\"}",
		"{\"parameters\":{\"method\":\"lookup\"},\"method\":\"replaceRRSet\"}",
		"{\"method\":\"l\\u006fokup\"}", "\"method\":\"lookup\""};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++)
		assert_is(lines[i], REQUEST_WRITE, "?");
}

/* Cut at each place, nothing is read behind the end. */
static void test_cut(void **state)
{
	static const char line[] = "{\"method\": \"lookup\"}";
	char cut[sizeof(line)];

	(void)state;
	for (size_t len = 0; len < sizeof(line) - 2; len++) {
		memcpy(cut, line, len);
		struct request request = request_parse(cut, len);
		assert_int_equal(request.kind, REQUEST_WRITE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
