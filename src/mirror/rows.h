/*
 * rows: what the feed hands to the mirror, one struct a table of the store (views csdns.served_*).
 * Text is borrowed for the call, need not be terminated, and has text NULL for SQL's NULL.
 */
#ifndef CSDNS_MIRROR_ROWS_H
#define CSDNS_MIRROR_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	const char *at;
	size_t len;
};

/* For a domain_id that is NULL, which PowerDNS' tables allow: of no zone. */
#define NO_DOMAIN INT32_MIN

struct domain_row {
	int32_t id;
	struct text name;
	struct text type;   /* NATIVE, MASTER, SLAVE, PRODUCER, CONSUMER, any case */
	struct text master; /* addresses separated by comma, space or tab */
	int64_t last_check; /* seconds since 1970; 0 for NULL */
	bool has_notified_serial;
	int64_t notified_serial;
	struct text account;
};

struct record_row {
	int64_t id; /* for messages only */
	int32_t domain_id;
	struct text name;
	struct text type; /* NULL or empty: an empty non-terminal of PowerDNS, which the mirror
			   * computes itself */
	struct text content;
	bool has_ttl, has_prio;
	int64_t ttl;
	int64_t prio;
	bool disabled;
};

struct metadata_row {
	int32_t domain_id;
	struct text kind;
	struct text content;
};

struct key_row {
	int32_t id;
	int32_t domain_id;
	int64_t flags;
	bool active;
	bool published;
	struct text content;
};

struct tsig_row {
	struct text name;
	struct text algorithm;
	struct text secret;
};

/* What became of a row. */
enum row_result {
	ROW_TAKEN = 0,
	ROW_IGNORED = 1,  /* rightly without effect */
	ROW_LEFT_OUT = 2, /* cannot be served; *why says so */
	ROW_NO_MEMORY = -1,
};

#endif
