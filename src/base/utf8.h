/*
 * utf8: text that others made, which may be cut or be no UTF-8 at all, for those who refuse such.
 */
#ifndef CSDNS_BASE_UTF8_H
#define CSDNS_BASE_UTF8_H

#include <stddef.h>

/* Octets of the character at text (RFC 3629), 0 when there is none. The end's zero is one. */
size_t utf8_octets(const char *text);
/* Copies whole characters as far as they fit in size octets with the zero, size being at least 1.
 * An octet that is no part of a character becomes "?". */
void utf8_copy(char *out, size_t size, const char *text);

#endif
