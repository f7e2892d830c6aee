/*
 * slow: replies that PowerDNS' unix connector will not have read before its timeout. It reads 1500
 * octets at a time and parses all that it has after each, so its time grows with the square.
 * Private to src/serve.
 */
#ifndef CSDNS_SERVE_SLOW_H
#define CSDNS_SERVE_SLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of one record in a reply, at least. */
#define SLOW_RECORD_OCTETS 80
#define SLOW_KEPT	   64
/* Between two warnings about one thing. */
#define SLOW_QUIET_MS 3600000

/* What was warned about lately; all zero at first. */
struct slow {
	struct {
		uint32_t hash; /* of the subject */
		int64_t at_ms; /* 0: none */
	} kept[SLOW_KEPT];
};

/* How long PowerDNS takes to read so many octets. */
int64_t slow_read_ms(uint64_t octets);
/* True the first time for a subject, and then once in SLOW_QUIET_MS. now_ms: never 0. */
bool slow_is_news(struct slow *slow, const char *subject, int64_t now_ms);

#endif
