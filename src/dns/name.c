#include "dns/name.h"

#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* Reads the escape at text[*at], which is a backslash; moves *at behind it. */
static int parse_escape(const char *text, size_t len, size_t *at, uint8_t *octet)
{
	if (++*at >= len)
		return NAME_BAD_ESCAPE;
	char c = text[(*at)++];
	if (!is_digit(c)) {
		*octet = lower((uint8_t)c);
		return NAME_OK;
	}
	if (len - *at < 2 || !is_digit(text[*at]) || !is_digit(text[*at + 1]))
		return NAME_BAD_ESCAPE;
	int value = (c - '0') * 100 + (text[*at] - '0') * 10 + (text[*at + 1] - '0');
	*at += 2;
	if (value > 255)
		return NAME_BAD_ESCAPE;
	*octet = lower((uint8_t)value);
	return NAME_OK;
}

/* A label without escapes. */
static void copy_lower(uint8_t *to, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = lower((uint8_t)text[i]);
}

/* The octets of one label at text[*at], up to its dot or the end; *out moves behind them. */
static int parse_label(struct name *name, size_t *out, const char *text, size_t len, size_t *at)
{
	while (*at < len && text[*at] != '.') {
		if (*out >= NAME_WIRE_MAX)
			return NAME_LONG;
		if (text[*at] == '\\') {
			int rc = parse_escape(text, len, at, &name->wire[*out]);
			if (rc != NAME_OK)
				return rc;
		} else {
			name->wire[*out] = lower((uint8_t)text[(*at)++]);
		}
		++*out;
	}
	return NAME_OK;
}

int name_parse(struct name *name, const char *text, size_t len)
{
	bool has_escapes = len > 0 && memchr(text, '\\', len) != NULL;
	size_t at = 0;
	size_t out = 0;

	name->len = 0;
	if (len == 0 || (len == 1 && text[0] == '.'))
		return NAME_OK;
	while (at < len) {
		size_t label = out++;
		if (label >= NAME_WIRE_MAX)
			return NAME_LONG;
		if (has_escapes) {
			int rc = parse_label(name, &out, text, len, &at);
			if (rc != NAME_OK)
				return rc;
		} else {
			const char *dot = memchr(text + at, '.', len - at);
			size_t octets = dot == NULL ? len - at : (size_t)(dot - text) - at;
			if (octets > NAME_WIRE_MAX - out)
				return NAME_LONG;
			copy_lower(name->wire + out, text + at, octets);
			out += octets;
			at += octets;
		}
		size_t octets = out - label - 1;
		if (octets == 0)
			return NAME_EMPTY_LABEL;
		if (octets > NAME_LABEL_MAX)
			return NAME_LONG_LABEL;
		name->wire[label] = (uint8_t)octets;
		at++; /* the dot, or the end */
	}
	name->len = (uint8_t)out;
	return NAME_OK;
}

const char *name_error_text(int error)
{
	switch (error) {
	case NAME_EMPTY_LABEL:
		return "empty label";
	case NAME_LONG_LABEL:
		return "label over 63 octets";
	case NAME_LONG:
		return "name over 255 octets";
	case NAME_BAD_ESCAPE:
		return "bad escape in name";
	default:
		return "no error";
	}
}

static size_t print_octet(char *out, uint8_t c)
{
	if (c == '.' || c == '\\') {
		out[0] = '\\';
		out[1] = (char)c;
		return 2;
	}
	if (c > 0x20 && c < 0x7f) {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '\\';
	out[1] = (char)('0' + c / 100);
	out[2] = (char)('0' + c / 10 % 10);
	out[3] = (char)('0' + c % 10);
	return 4;
}

size_t name_print(char *out, const uint8_t *wire, size_t len)
{
	size_t n = 0;

	for (size_t at = 0; at < len;) {
		size_t end = at + 1 + wire[at];
		if (at > 0)
			out[n++] = '.';
		for (at++; at < end; at++)
			n += print_octet(out + n, wire[at]);
	}
	return n;
}

/* Stands for itself in any name. */
static bool is_plain(char c)
{
	return c > ' ' && c < 0x7f && c != '\\' && !(c >= 'A' && c <= 'Z');
}

bool name_is_spelled(const struct name *name, const char *text, size_t len)
{
	char printed[NAME_TEXT_MAX];
	size_t n = 0;

	if (name->len == 0)
		return len == 1 && text[0] == '.';
	while (n < len && is_plain(text[n]))
		n++;
	if (n == len)
		return text[len - 1] != '.';
	n = name_print(printed, name->wire, name->len);
	return n == len && memcmp(printed, text, len) == 0;
}

bool name_is_in(const uint8_t *below, size_t below_len, const uint8_t *above, size_t above_len)
{
	size_t at = 0;

	while (below_len - at > above_len)
		at += (size_t)below[at] + 1;
	return below_len - at == above_len && memcmp(below + at, above, above_len) == 0;
}

/* Offsets of the labels, first to last; returns their number. A label takes two octets or more. */
static size_t label_offsets(uint8_t offsets[NAME_WIRE_MAX / 2], const uint8_t *wire, size_t len)
{
	size_t n = 0;

	for (size_t at = 0; at < len; at += (size_t)wire[at] + 1)
		offsets[n++] = (uint8_t)at;
	return n;
}

static int label_compare(const uint8_t *a, const uint8_t *b)
{
	size_t n = a[0] < b[0] ? a[0] : b[0];
	int order = memcmp(a + 1, b + 1, n);

	return order != 0 ? order : (int)a[0] - (int)b[0];
}

int name_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	uint8_t a_at[NAME_WIRE_MAX / 2];
	uint8_t b_at[NAME_WIRE_MAX / 2];
	size_t a_n = label_offsets(a_at, a, a_len);
	size_t b_n = label_offsets(b_at, b, b_len);

	while (a_n > 0 && b_n > 0) {
		int order = label_compare(a + a_at[--a_n], b + b_at[--b_n]);
		if (order != 0)
			return order;
	}
	return (int)a_n - (int)b_n;
}

/* Labels from the right, a zero octet behind each; octets 0 and 1 are written as two, so that what
 * is shorter comes first. */
uint64_t name_order_prefix(const uint8_t *wire, size_t len)
{
	uint8_t at[NAME_WIRE_MAX / 2];
	size_t n = label_offsets(at, wire, len);
	uint8_t octets[2 * sizeof(uint64_t)] = {0};
	size_t used = 0;
	uint64_t prefix = 0;

	while (n > 0 && used < sizeof(prefix)) {
		const uint8_t *label = wire + at[--n];
		for (size_t i = 1; i <= label[0] && used < sizeof(prefix); i++) {
			if (label[i] <= 1)
				octets[used++] = 1;
			octets[used++] = label[i] <= 1 ? (uint8_t)(label[i] + 1) : label[i];
		}
		octets[used++] = 0;
	}
	for (size_t i = 0; i < sizeof(prefix); i++)
		prefix = prefix << 8 | octets[i];
	return prefix;
}

size_t name_label_count(const uint8_t *wire, size_t len)
{
	size_t n = 0;

	for (size_t at = 0; at < len; at += (size_t)wire[at] + 1)
		n++;
	return n;
}
