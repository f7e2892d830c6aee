/*
 * copy: the text format of COPY … TO STDOUT (PostgreSQL documentation, "COPY", "Text Format").
 */
#ifndef CSDNS_PG_COPY_H
#define CSDNS_PG_COPY_H

#include <stdbool.h>
#include <stddef.h>

struct copy_field {
	char *at; /* NULL for SQL's NULL; not terminated */
	size_t len;
};

/* Splits a row of len octets, with or without its newline, into exactly n fields, and undoes the
 * escapes in place; fields point into row. False when it has not n fields or a broken escape. */
bool copy_split(char *row, size_t len, struct copy_field *fields, size_t n);

#endif
