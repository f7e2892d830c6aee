/*
 * rows: the columns that the feed asks for, and their text as the mirror's row structs. One place
 * for the order of columns, whether they come by COPY or as results.
 */
#ifndef CSDNS_FEED_ROWS_H
#define CSDNS_FEED_ROWS_H

#include "mirror/rows.h"

#include <stdbool.h>

#define DOMAIN_COLUMNS	 "id, name, type, master, last_check, notified_serial, account"
#define RECORD_COLUMNS	 "id, domain_id, name, type, content, ttl, prio, disabled"
#define METADATA_COLUMNS "domain_id, kind, content"
#define KEY_COLUMNS	 "id, domain_id, flags, active, published, content"
#define TSIG_COLUMNS	 "name, algorithm, secret"

enum {
	DOMAIN_FIELDS = 7,
	RECORD_FIELDS = 8,
	METADATA_FIELDS = 3,
	KEY_FIELDS = 6,
	TSIG_FIELDS = 3,
	FIELDS_MAX = 8
};

/* Fields in the order of the columns. False when a number is none, which csdns' views rule out. */
bool domain_row_parse(struct domain_row *row, const struct text *fields);
bool record_row_parse(struct record_row *row, const struct text *fields);
bool metadata_row_parse(struct metadata_row *row, const struct text *fields);
bool key_row_parse(struct key_row *row, const struct text *fields);
bool tsig_row_parse(struct tsig_row *row, const struct text *fields);

/* A decimal number without a final zero octet; false when it is none or does not fit. */
bool text_parse_i64(struct text text, int64_t *value);

#endif
