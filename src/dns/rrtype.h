/*
 * rrtype: record types, as PowerDNS writes them and as numbers.
 *
 * Known by name are the types that a PowerDNS from 4.7 to 5.x knows; every other one is "TYPEnnn"
 * (RFC 3597 section 5). Pure; no allocation.
 */
#ifndef CSDNS_DNS_RRTYPE_H
#define CSDNS_DNS_RRTYPE_H

#include <stddef.h>
#include <stdint.h>

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
	RRTYPE_RRSIG = 46,
	RRTYPE_TLSA = 52,
	RRTYPE_SVCB = 64,
	RRTYPE_HTTPS = 65,
	RRTYPE_SPF = 99,
	RRTYPE_ANY = 255,
	RRTYPE_CAA = 257,
	RRTYPE_ALIAS = 65401,
};

/* Holds what rrtype_print writes: "TYPE65535" and its terminating zero. */
#define RRTYPE_TEXT_SIZE 12

/* The 16-bit number of a type written as PowerDNS writes it ("A", "TYPE65534"), or 0 when it is
 * no type. The text is upper case. */
uint16_t rrtype_parse(const char *text, size_t len);
/* The type's text as every PowerDNS since 4.7 understands it; for a number that 4.7 has no name
 * for "TYPEnnn" in the caller's scratch. */
const char *rrtype_print(uint16_t type, char scratch[RRTYPE_TEXT_SIZE]);

#endif
