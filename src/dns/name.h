/*
 * name: a domain name as its labels on the wire (RFC 1035 section 3.1), lower-cased, without the
 * root label: length octet, octets, and so on; the root (or, relative to a zone, the apex) is the
 * empty string. This is the form in which names are compared, hashed and ordered.
 *
 * Text is PowerDNS' presentation form: "\." and "\\" for those characters in a label, "\DDD"
 * (decimal) for octets that do not print. Pure functions, no allocation.
 */
#ifndef CSDNS_DNS_NAME_H
#define CSDNS_DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_LABEL_MAX 63
/* Without the root label's octet: 255 of RFC 1035 section 2.3.4 less 1. */
#define NAME_WIRE_MAX 254
/* Each octet can take four characters; length octets print as dots. No terminating zero. */
#define NAME_TEXT_MAX (NAME_WIRE_MAX * 4)

struct name {
	uint8_t len; /* octets of wire in use, 0 to NAME_WIRE_MAX */
	uint8_t wire[NAME_WIRE_MAX];
};

enum {
	NAME_OK = 0,
	NAME_EMPTY_LABEL = -1, /* "a..b" or a leading dot */
	NAME_LONG_LABEL = -2,  /* over 63 octets */
	NAME_LONG = -3,	       /* over 255 octets with the root label */
	NAME_BAD_ESCAPE = -4,  /* "\" at the end, or "\DDD" over 255 */
};

/* Parses text with or without its final dot; "" and "." are the root. A final dot that is escaped
 * belongs to the label. Letters are lower-cased. Returns NAME_OK or one of the errors, in which
 * case the name's contents are undefined. */
int name_parse(struct name *name, const char *text, size_t len) __attribute__((warn_unused_result));
/* What is wrong, for an error message: "label over 63 octets". */
const char *name_error_text(int error);

/* Prints wire octets as text without a final dot; the empty name prints as nothing.
 * out holds NAME_TEXT_MAX; returns the characters written. */
size_t name_print(char *out, const uint8_t *wire, size_t len);

/* Is this text, which has been parsed into name, the spelling that PowerDNS' tables have for it:
 * lower case, no final dot, "." for the root, escapes as name_print writes them? */
bool name_is_spelled(const struct name *name, const char *text, size_t len);

/* Is the name `below`, or the same as, `above` (both complete, or relative to the same apex)? */
bool name_is_in(const uint8_t *below, size_t below_len, const uint8_t *above, size_t above_len);

/* Canonical order of DNSSEC (RFC 4034 section 6.1): by labels from the right. <0, 0, >0. */
int name_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/* The beginning of what a name is ordered by: where these differ, they are in the names' order. */
uint64_t name_order_prefix(const uint8_t *wire, size_t len);

/* Octets of the first label with its length octet; 0 for the empty name. The parent's name is
 * what follows. */
static inline size_t name_first_label(const uint8_t *wire, size_t len)
{
	return len == 0 ? 0 : (size_t)wire[0] + 1;
}

size_t name_label_count(const uint8_t *wire, size_t len);

#endif
