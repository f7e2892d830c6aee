#include "unit.h"

#include "dns/rrtype.h"

static uint16_t parsed(const char *text)
{
	return rrtype_parse(text, strlen(text));
}

static void assert_prints(uint16_t type, const char *text)
{
	char scratch[RRTYPE_TEXT_SIZE];

	assert_string_equal(rrtype_print(type, scratch), text);
}

static void test_known(void **state)
{
	static const struct {
		uint16_t type;
		const char *text;
	} known[] = {{RRTYPE_A, "A"}, {RRTYPE_NS, "NS"}, {RRTYPE_CNAME, "CNAME"},
		{RRTYPE_SOA, "SOA"}, {RRTYPE_PTR, "PTR"}, {RRTYPE_HINFO, "HINFO"},
		{RRTYPE_MX, "MX"}, {RRTYPE_TXT, "TXT"}, {RRTYPE_AAAA, "AAAA"}, {RRTYPE_SRV, "SRV"},
		{RRTYPE_NAPTR, "NAPTR"}, {RRTYPE_DNAME, "DNAME"}, {RRTYPE_DS, "DS"},
		{RRTYPE_SSHFP, "SSHFP"}, {RRTYPE_TLSA, "TLSA"}, {RRTYPE_SVCB, "SVCB"},
		{RRTYPE_HTTPS, "HTTPS"}, {RRTYPE_SPF, "SPF"}, {RRTYPE_ANY, "ANY"},
		{RRTYPE_CAA, "CAA"}, {RRTYPE_ALIAS, "ALIAS"}, {65402, "LUA"}, {46, "RRSIG"},
		{51, "NSEC3PARAM"}};

	(void)state;
	for (size_t i = 0; i < COUNT(known); i++) {
		assert_int_equal(parsed(known[i].text), known[i].type);
		assert_prints(known[i].type, known[i].text);
	}
}

/* Whatever is printed is understood again. */
static void test_every_number(void **state)
{
	(void)state;
	for (unsigned type = 1; type <= UINT16_MAX; type++) {
		char scratch[RRTYPE_TEXT_SIZE];
		assert_int_equal(parsed(rrtype_print((uint16_t)type, scratch)), type);
	}
}

static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(parsed("TYPE1"), 1);
	assert_int_equal(parsed("TYPE65535"), 65535);
	assert_prints(65280, "TYPE65280");
	/* later than PowerDNS 4.7: understood, printed as a number */
	assert_int_equal(parsed("WALLET"), 262);
	assert_prints(262, "TYPE262");
}

static void test_no_types(void **state)
{
	static const char *const texts[] = {"", "B", "a", "AA", "CNAM", "CNAMES", "TYPE", "TYPE0",
		"TYPE01", "TYPE65536", "TYPE99999", "TYPE100000", "TYPE1x", "TYPE-1", "TYPE 1",
		"type1", " A", "A ", "NSEC3PARAMX"};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(parsed(texts[i]), 0);
	assert_int_equal(rrtype_parse("A\0A", 3), 0);
	assert_int_equal(rrtype_parse("AAAA", 1), RRTYPE_A);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_every_number),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_no_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
