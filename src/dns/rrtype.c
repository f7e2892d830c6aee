#include "dns/rrtype.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct type_name {
	uint16_t type;
	const char *text;
};

/* By number. */
static const struct type_name names[] = {
	{1, "A"},
	{2, "NS"},
	{5, "CNAME"},
	{6, "SOA"},
	{7, "MB"},
	{8, "MG"},
	{9, "MR"},
	{12, "PTR"},
	{13, "HINFO"},
	{14, "MINFO"},
	{15, "MX"},
	{16, "TXT"},
	{17, "RP"},
	{18, "AFSDB"},
	{24, "SIG"},
	{25, "KEY"},
	{28, "AAAA"},
	{29, "LOC"},
	{33, "SRV"},
	{35, "NAPTR"},
	{36, "KX"},
	{37, "CERT"},
	{38, "A6"},
	{39, "DNAME"},
	{41, "OPT"},
	{42, "APL"},
	{43, "DS"},
	{44, "SSHFP"},
	{45, "IPSECKEY"},
	{46, "RRSIG"},
	{47, "NSEC"},
	{48, "DNSKEY"},
	{49, "DHCID"},
	{50, "NSEC3"},
	{51, "NSEC3PARAM"},
	{52, "TLSA"},
	{53, "SMIMEA"},
	{57, "RKEY"},
	{59, "CDS"},
	{60, "CDNSKEY"},
	{61, "OPENPGPKEY"},
	{62, "CSYNC"},
	{63, "ZONEMD"},
	{64, "SVCB"},
	{65, "HTTPS"},
	{99, "SPF"},
	{104, "NID"},
	{105, "L32"},
	{106, "L64"},
	{107, "LP"},
	{108, "EUI48"},
	{109, "EUI64"},
	{249, "TKEY"},
	{250, "TSIG"},
	{251, "IXFR"},
	{252, "AXFR"},
	{253, "MAILB"},
	{254, "MAILA"},
	{255, "ANY"},
	{256, "URI"},
	{257, "CAA"},
	{32769, "DLV"},
	{65400, "ADDR"},
	{65401, "ALIAS"},
	{65402, "LUA"},
};

/* Names that came after 4.7: understood, but printed as TYPEnnn, which each version takes. */
static const struct type_name later_names[] = {
	{66, "DSYNC"},
	{67, "HHIT"},
	{68, "BRID"},
	{261, "RESINFO"},
	{262, "WALLET"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_text(const char *text, size_t len, const char *name)
{
	return text[0] == name[0] && strlen(name) == len && memcmp(text, name, len) == 0;
}

/* "TYPE" and a number without leading zeros; TYPE0 is no type. */
static uint16_t parse_number(const char *text, size_t len)
{
	unsigned value = 0;

	if (len < 5 || len > 9 || memcmp(text, "TYPE", 4) != 0 || text[4] == '0')
		return 0;
	for (size_t i = 4; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	return value <= UINT16_MAX ? (uint16_t)value : 0;
}

uint16_t rrtype_parse(const char *text, size_t len)
{
	if (len == 0)
		return 0;
	/* Nearly all that PowerDNS asks. */
	if (len == 3 && memcmp(text, "ANY", 3) == 0)
		return RRTYPE_ANY;
	for (size_t i = 0; i < COUNT(names); i++) {
		if (is_text(text, len, names[i].text))
			return names[i].type;
	}
	for (size_t i = 0; i < COUNT(later_names); i++) {
		if (is_text(text, len, later_names[i].text))
			return later_names[i].type;
	}
	return parse_number(text, len);
}

static int compare_type(const void *key, const void *entry)
{
	return (int)*(const uint16_t *)key - (int)((const struct type_name *)entry)->type;
}

const char *rrtype_print(uint16_t type, char scratch[RRTYPE_TEXT_SIZE])
{
	const struct type_name *known =
		bsearch(&type, names, COUNT(names), sizeof(names[0]), compare_type);

	if (known != NULL)
		return known->text;
	(void)snprintf(scratch, RRTYPE_TEXT_SIZE, "TYPE%u", (unsigned)type);
	return scratch;
}
