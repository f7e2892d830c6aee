#include "tool/cell.h"

#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <wchar.h>

void cell_init(void)
{
	(void)setlocale(LC_CTYPE, "C.UTF-8");
}

/* How many bytes follow this first one; -1: none can start like this. */
static int followers(unsigned char first)
{
	if (first < 0x80)
		return 0;
	if (first >= 0xc2 && first < 0xe0)
		return 1;
	if (first >= 0xe0 && first < 0xf0)
		return 2;
	return first >= 0xf0 && first < 0xf5 ? 3 : -1;
}

/* Shortest form, no surrogates, nothing above U+10FFFF. */
static bool is_character(uint32_t c, int n)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};

	return c >= least[n] && c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
}

/* Reads the character at text; returns its bytes, or 0 when it is not UTF-8. len is not 0. */
static size_t decode(const char *text, size_t len, uint32_t *c)
{
	static const unsigned char masks[] = {0x7f, 0x1f, 0x0f, 0x07};
	int n = followers((unsigned char)text[0]);

	if (n < 0 || (size_t)n >= len)
		return 0;
	*c = (unsigned char)text[0] & masks[n];
	for (int i = 1; i <= n; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | ((unsigned char)text[i] & 0x3f);
	}
	return is_character(*c, n) ? (size_t)n + 1 : 0;
}

static bool is_between(uint32_t c, uint32_t first, uint32_t last)
{
	return c >= first && c <= last;
}

/* Control characters, line ends, and marks that change the direction of what follows. */
static bool is_steering(uint32_t c)
{
	return c < 0x20 || is_between(c, 0x7f, 0x9f) || c == 0x061c ||
	       is_between(c, 0x200e, 0x200f) || is_between(c, 0x2028, 0x202e) ||
	       is_between(c, 0x2066, 0x2069);
}

static void add_steering(struct buf *out, uint32_t c)
{
	if (c == '\n')
		buf_add_str(out, "\\n");
	else if (c == '\t')
		buf_add_str(out, "\\t");
	else
		buf_printf(out, "\\u%04x", (unsigned)c);
}

void cell_add_escaped(struct buf *out, const char *text, size_t len)
{
	while (len > 0) {
		uint32_t c = 0;
		size_t n = decode(text, len, &c);
		if (n == 0) {
			n = 1;
			buf_printf(out, "\\x%02x", (unsigned)(unsigned char)*text);
		} else if (is_steering(c)) {
			add_steering(out, c);
		} else {
			buf_add(out, text, n);
		}
		text += n;
		len -= n;
	}
}

static size_t columns_of(uint32_t c)
{
	int n = wcwidth((wchar_t)c);

	if (n >= 0)
		return (size_t)n;
	return is_between(c, 0x0300, 0x036f) ? 0 : 1;
}

/* Goes through the text while it fits; returns bytes, and their columns in *used. */
static size_t measure(const char *text, size_t len, size_t columns, size_t *used)
{
	size_t at = 0;

	*used = 0;
	while (at < len) {
		uint32_t c = '?';
		size_t n = decode(text + at, len - at, &c);
		size_t width = columns_of(c);
		if (*used + width > columns)
			break;
		*used += width;
		at += n > 0 ? n : 1;
	}
	return at;
}

size_t cell_width(const char *text, size_t len)
{
	size_t used;

	(void)measure(text, len, SIZE_MAX, &used);
	return used;
}

size_t cell_fit(const char *text, size_t len, size_t columns)
{
	size_t used;

	return measure(text, len, columns, &used);
}
