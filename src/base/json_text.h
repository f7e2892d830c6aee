/*
 * json_text: a string as it stands between the quotes of a JSON text (RFC 8259 section 7).
 *
 * Replies are copied together from parts that are kept ready in this form. Octets of 128 and above
 * pass as they are (the store is UTF-8; PowerDNS' parser takes any).
 */
#ifndef CSDNS_BASE_JSON_TEXT_H
#define CSDNS_BASE_JSON_TEXT_H

#include "base/buf.h"

#include <stddef.h>

/* How many of the first octets are printing ASCII that stands for itself, no quote or backslash. */
size_t json_text_plain(const char *text, size_t len);
/* Characters that json_text_escape writes. */
size_t json_text_size(const char *text, size_t len);
/* Writes to out, which holds json_text_size characters; returns the end of what was written. */
char *json_text_escape(char *out, const char *text, size_t len);
/* Takes the escapes of json_text_escape out again; out holds len characters. Returns the end. */
char *json_text_unescape(char *out, const char *text, size_t len);
void json_text_add(struct buf *buf, const char *text, size_t len);

#endif
