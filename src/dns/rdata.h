/*
 * rdata: may this record's content be given to PowerDNS?
 *
 * The rules are those of the schema's validation (csdns.record_fault); tests hold both against
 * tests/sql/record-cases.tsv. A record that PowerDNS cannot parse makes it answer SERVFAIL for the
 * whole name, so such a row is left out of the mirror. Pure; no allocation.
 */
#ifndef CSDNS_DNS_RDATA_H
#define CSDNS_DNS_RDATA_H

#include "dns/rrtype.h"

#include <stddef.h>
#include <stdint.h>

/* Checks content (for MX and SRV with the priority in front, however it was stored).
 * Returns NULL when it parses, else the reason as a constant text. */
const char *rdata_fault(uint16_t type, const char *content, size_t len);

/* Numbers of a checked SOA content; 0 where there is none. */
uint32_t soa_serial(const char *content, size_t len);
uint32_t soa_refresh(const char *content, size_t len); /* seconds */

#endif
