#include "unit.h"

#include "dns/rdata.h"

/* Lines of type, priority or \N, content, and "ok" or a part of the reason, between tabs; \t, \n,
 * \r and \\ stand for those characters, as COPY writes them. */
struct record_case {
	char *type;
	char *prio;
	char *content;
	char *verdict;
};

static bool split(struct record_case *record, char *line)
{
	line[strcspn(line, "\n")] = '\0';
	if (line[0] == '#' || line[0] == '\0')
		return false;
	record->type = strsep(&line, "\t");
	record->prio = strsep(&line, "\t");
	record->content = strsep(&line, "\t");
	record->verdict = strsep(&line, "\t");
	assert_non_null(record->verdict);
	unit_unescape(record->content);
	return true;
}

/* As the mirror does: PowerDNS joins the priority's column to MX and SRV. */
static const char *fault_of(const struct record_case *record)
{
	static char joined[100000];
	uint16_t type = rrtype_parse(record->type, strlen(record->type));
	bool with_prio = (type == RRTYPE_MX || type == RRTYPE_SRV) &&
			 strcmp(record->prio, "\\N") != 0 && record->prio[0] != '\0';

	if (type == 0)
		return "type is unknown, or not in upper case";
	int n = snprintf(joined, sizeof(joined), "%s%s%s", with_prio ? record->prio : "",
		with_prio ? " " : "", record->content);
	assert_true(n >= 0 && (size_t)n < sizeof(joined));
	/* A copy of the exact size, so that a read behind its end is seen. */
	char *exact = malloc((size_t)n + 1);
	assert_non_null(exact);
	memcpy(exact, joined, (size_t)n + 1);
	char *cut = realloc(exact, n > 0 ? (size_t)n : 1);
	assert_non_null(cut);
	const char *fault = rdata_fault(type, cut, (size_t)n);
	free(cut);
	return fault;
}

/* Runs a file's cases; returns how many went wrong. */
static int run_cases(FILE *file, bool with_reason)
{
	char *line = NULL;
	size_t size = 0;
	int wrong = 0;

	while (getline(&line, &size, file) != -1) {
		struct record_case record;
		if (!split(&record, line))
			continue;
		const char *fault = fault_of(&record);
		const char *got = fault == NULL ? "ok" : fault;
		bool is_right = with_reason
					? strstr(got, record.verdict) != NULL
					: (fault == NULL) == (strcmp(record.verdict, "ok") == 0);
		if (is_right)
			continue;
		printf("# %s \"%s\": expected \"%s\", got \"%s\"\n", record.type, record.content,
			record.verdict, got);
		wrong++;
	}
	free(line);
	return wrong;
}

/* The cases of this program: tried with a real PowerDNS, see the file's head. */
static void test_cases(void **state)
{
	FILE *file = unit_open("tests/unit/record-cases.tsv");

	(void)state;
	assert_non_null(file);
	int wrong = run_cases(file, true);
	(void)fclose(file);
	assert_int_equal(wrong, 0);
}

/* The cases of the schema's rules, which have words of their own for the reasons. */
static void test_schema_cases(void **state)
{
	FILE *file = unit_open("tests/sql/record-cases.tsv");

	(void)state;
	if (file == NULL) {
		unit_skip("tests/sql/record-cases.tsv is not there");
		return;
	}
	int wrong = run_cases(file, false);
	(void)fclose(file);
	assert_int_equal(wrong, 0);
}

static void test_binary_zero(void **state)
{
	(void)state;
	assert_non_null(rdata_fault(RRTYPE_TXT, "\"a\0b\"", 5));
	assert_non_null(rdata_fault(RRTYPE_HINFO, "\0", 1));
	assert_non_null(rdata_fault(65280, "\\# 1 00\0", 8));
	assert_null(rdata_fault(65280, "\\# 1 00", 7));
}

/* A name of n labels of seven octets and one more of `last`. */
static const char *name_fault(size_t n, size_t last)
{
	char text[1024];
	size_t len = 0;

	for (; n > 0; n--, len += 8) {
		memset(text + len, 'x', 7);
		text[len + 7] = '.';
	}
	memset(text + len, 'x', last);
	return rdata_fault(RRTYPE_CNAME, text, len + last);
}

static void test_long(void **state)
{
	static char text[70000];

	(void)state;
	assert_null(name_fault(31, 5));
	assert_non_null(name_fault(31, 6));

	/* PowerDNS cuts a long string of a TXT itself, but not one of a NAPTR. */
	text[0] = '"';
	memset(text + 1, 'x', 65000);
	text[65001] = '"';
	assert_null(rdata_fault(RRTYPE_TXT, text, 65002));
	assert_non_null(rdata_fault(RRTYPE_TXT, text, 65001));
	assert_null(rdata_fault(RRTYPE_TXT, text + 1, 65000));
	for (int n = 255; n <= 256; n++) {
		int len = snprintf(text, sizeof(text), "1 2 \"%0*d\" \"\" \"\" .", n, 0);
		const char *fault = rdata_fault(RRTYPE_NAPTR, text, (size_t)len);
		assert_true((fault == NULL) == (n == 255));
	}
}

static void assert_serial(const char *content, uint32_t serial)
{
	assert_int_equal(soa_serial(content, strlen(content)), serial);
}

static void test_serial(void **state)
{
	(void)state;
	assert_serial("ns.t h.t 2024010100 2 3 4 5", 2024010100);
	assert_serial(" ns.t\th.t  4294967295 2 3 4 5", UINT32_MAX);
	assert_serial("ns.t h.t 4294967296 2 3 4 5", 0);
	assert_serial("ns.t h.t x 2 3 4 5", 0);
	assert_serial("ns.t h.t", 0);
	assert_serial("", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_schema_cases),
		cmocka_unit_test(test_binary_zero),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_serial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
