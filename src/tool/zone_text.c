#include "tool/zone_text.h"

#include <ctype.h>
#include <string.h>

#define LONGEST_STRING 255 /* octets, RFC 1035 section 3.3 */

bool zone_text_is_common(const char *type)
{
	static const char *const own[] = {"ALIAS", "LUA", "ADDR", "MBOXFW", "URL"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strcmp(type, own[i]) == 0)
			return false;
	}
	return true;
}

static void add_octet(struct buf *out, char c)
{
	buf_printf(out, "\\%03u", (unsigned)(unsigned char)c);
}

static bool is_visible(char c)
{
	return c > 0x20 && c < 0x7f;
}

/* Characters of an escape that begins at text: "\." or "\032". */
static size_t escape_length(const char *text)
{
	if (isdigit((unsigned char)text[1]) && isdigit((unsigned char)text[2]) &&
		isdigit((unsigned char)text[3]))
		return 4;
	return text[1] != '\0' ? 2 : 1;
}

/* An octet inside of a string in quotes; returns the characters that it has in text. */
static size_t add_quoted(struct buf *out, const char *text)
{
	if (*text == '\\') {
		size_t len = escape_length(text);
		if (len == 2 && !is_visible(text[1]))
			add_octet(out, text[1]);
		else if (len == 1)
			buf_add_str(out, "\\\\");
		else
			buf_add(out, text, len);
		return len;
	}
	if (*text == '"')
		buf_add_str(out, "\\\"");
	else if (is_visible(*text) || *text == ' ')
		buf_add_char(out, *text);
	else
		add_octet(out, *text);
	return 1;
}

/* Adds a string up to the quote that ends it or, without quotes, to the end of the word or the
 * text; returns where it ended. */
static const char *add_string(struct buf *out, const char *text, const char *ends)
{
	size_t n = 0;

	buf_add_char(out, '"');
	while (*text != '\0' && strchr(ends, *text) == NULL) {
		if (n++ == LONGEST_STRING) {
			buf_add_str(out, "\" \"");
			n = 1;
		}
		text += add_quoted(out, text);
	}
	buf_add_char(out, '"');
	return text;
}

/* A TXT content that does not begin with a quote PowerDNS puts into quotes, whatever is in it. */
static void add_strings(struct buf *out, const char *content, bool is_txt)
{
	const char *at = content;

	if ((is_txt && *at != '"') || *at == '\0') {
		at = add_string(out, at, "\"");
		at += *at == '"';
	}
	while (*at != '\0') {
		if (isspace((unsigned char)*at)) {
			at++;
			continue;
		}
		if (at > content)
			buf_add_char(out, ' ');
		if (*at == '"') {
			at = add_string(out, at + 1, "\"");
			at += *at == '"';
		} else {
			at = add_string(out, at, " \t\r\n\"");
		}
	}
}

/* A character outside of quotes; returns how many it has in text. */
static size_t add_bare(struct buf *out, const char *text, bool is_alone)
{
	if (*text == '\\') {
		size_t len = escape_length(text);
		if (len == 2 && !is_visible(text[1]))
			add_octet(out, text[1]);
		else if (len == 1)
			add_octet(out, '\\');
		else
			buf_add(out, text, len);
		return len;
	}
	if (!is_visible(*text) || strchr("\";()", *text) != NULL || (is_alone && *text == '@'))
		add_octet(out, *text);
	else
		buf_add_char(out, *text);
	return 1;
}

static bool is_end(char c)
{
	return c == '\0' || isspace((unsigned char)c);
}

/* Adds a string with its quotes; returns where it ended. */
static const char *add_quoted_string(struct buf *out, const char *at)
{
	buf_add_char(out, '"');
	at++;
	while (*at != '\0' && *at != '"')
		at += add_quoted(out, at);
	buf_add_char(out, '"');
	return at + (*at == '"');
}

/* Words with one space between. A quote begins a string where a word begins or another string
 * ended, or behind the "=" of a parameter (RFC 9460); elsewhere it belongs to a name. */
static void add_words(struct buf *out, const char *content)
{
	const char *at = content;
	char before = ' ';

	while (isspace((unsigned char)*at))
		at++;
	while (*at != '\0') {
		if (isspace((unsigned char)*at)) {
			while (isspace((unsigned char)*at))
				at++;
			buf_add_str(out, *at != '\0' ? " " : "");
			before = ' ';
		} else if (*at == '"' && strchr(" =\"", before) != NULL) {
			buf_add_str(out, before == '"' ? " " : "");
			at = add_quoted_string(out, at);
			before = '"';
		} else {
			bool is_alone = before == ' ' && is_end(at[1]);
			buf_add_str(out, before == '"' ? " " : "");
			before = *at != '"' ? *at : 'x';
			at += add_bare(out, at, is_alone);
		}
	}
}

/* Without the zeros in front of its numbers, which PowerDNS reads as decimal and others not at all.
 */
static void add_address(struct buf *out, const char *content)
{
	while (*content != '\0') {
		while (*content == '0' && isdigit((unsigned char)content[1]))
			content++;
		size_t len = strcspn(content, ".");
		len += content[len] == '.';
		buf_add(out, content, len);
		content += len;
	}
}

static void add_content(struct buf *out, const char *type, const char *content)
{
	if (strcmp(type, "TXT") == 0 || strcmp(type, "SPF") == 0)
		add_strings(out, content, *type == 'T');
	else if (strcmp(type, "A") == 0 && content[strspn(content, "0123456789.")] == '\0')
		add_address(out, content);
	else
		add_words(out, content);
}

static void add_name(struct buf *out, const char *name)
{
	bool is_root = strcmp(name, ".") == 0;

	if (*name == '$' || (*name == '@' && name[1] == '\0'))
		add_octet(out, *name++);
	while (*name != '\0')
		name += add_bare(out, name, false);
	if (!is_root)
		buf_add_char(out, '.');
}

void zone_text_add(
	struct buf *out, const char *name, const char *ttl, const char *type, const char *content)
{
	add_name(out, name);
	buf_printf(out, "\t%s\tIN\t%s\t", ttl, type);
	add_content(out, type, content);
	buf_add_char(out, '\n');
}
