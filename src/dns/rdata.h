/*
 * rdata: may this record's content be given to PowerDNS?
 *
 * The rules are those of the schema's validation (csdns.record_fault); tests hold both against
 * tests/sql/record-cases.tsv. A record that PowerDNS cannot parse makes it answer SERVFAIL for the
 * whole name, so such a row is left out of the mirror. Pure; no allocation.
 */
#ifndef CSDNS_DNS_RDATA_H
#define CSDNS_DNS_RDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The 16-bit number of a type written as PowerDNS writes it ("A", "TYPE65534"), or 0 when it is
 * no type. The text is upper case. */
uint16_t rrtype_parse(const char *text, size_t len);
/* The type's text; for a number without a name "TYPEnnn" in the caller's scratch of 12 bytes. */
const char *rrtype_print(uint16_t type, char scratch[12]);

enum {
	RRTYPE_A = 1,
	RRTYPE_NS = 2,
	RRTYPE_CNAME = 5,
	RRTYPE_SOA = 6,
	RRTYPE_PTR = 12,
	RRTYPE_HINFO = 13,
	RRTYPE_MX = 15,
	RRTYPE_TXT = 16,
	RRTYPE_AAAA = 28,
	RRTYPE_SRV = 33,
	RRTYPE_NAPTR = 35,
	RRTYPE_DNAME = 39,
	RRTYPE_DS = 43,
	RRTYPE_SSHFP = 44,
	RRTYPE_TLSA = 52,
	RRTYPE_SVCB = 64,
	RRTYPE_HTTPS = 65,
	RRTYPE_ANY = 255,
	RRTYPE_CAA = 257,
	RRTYPE_ALIAS = 65401,
};

/* Checks content (for MX and SRV with the priority in front, however it was stored).
 * Returns NULL when it parses, else the reason as a constant text. */
const char *rdata_fault(uint16_t type, const char *content, size_t len);

/* The serial of a checked SOA content; 0 when there is none. */
uint32_t soa_serial(const char *content, size_t len);

#endif
