#include "base/json_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/* Of eight octets: the high bit of each that is not plain. A borrow or carry can come only from an
 * octet that is not plain itself, so the lowest bit is right, those above it may not be. */
static uint64_t not_plain(const char *at)
{
	const uint64_t ones = 0x0101010101010101U;
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	uint64_t quote = word ^ (ones * '"');
	uint64_t backslash = word ^ (ones * '\\');
	return (word | (word - ones * ' ') | (word + ones) | (quote - ones) | (backslash - ones)) &
	       (ones * 0x80);
}

size_t json_text_plain(const char *text, size_t len)
{
	size_t n = 0;

	for (; len - n >= sizeof(uint64_t); n += sizeof(uint64_t)) {
		uint64_t bits = not_plain(text + n);
		if (bits != 0) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			return n + (size_t)__builtin_ctzll(bits) / 8;
#else
			break;
#endif
		}
	}
	while (n < len && is_plain(text[n]))
		n++;
	return n;
}

/* 0 for a character that stands for itself, else the characters that it takes. */
static size_t escape_size(unsigned char c)
{
	if (c == '"' || c == '\\')
		return 2;
	return c < 0x20 ? 6 : 0;
}

size_t json_text_size(const char *text, size_t len)
{
	size_t size = json_text_plain(text, len);

	for (size_t i = size; i < len; i++) {
		size_t escaped = escape_size((unsigned char)text[i]);
		size += escaped == 0 ? 1 : escaped;
	}
	return size;
}

char *json_text_escape(char *out, const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t plain = json_text_plain(text, len);

	if (plain > 0)
		memcpy(out, text, plain);
	out += plain;
	for (size_t i = plain; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		size_t escaped = escape_size(c);
		if (escaped == 0) {
			*out++ = (char)c;
			continue;
		}
		*out++ = '\\';
		if (escaped == 2) {
			*out++ = (char)c;
			continue;
		}
		*out++ = 'u';
		*out++ = '0';
		*out++ = '0';
		*out++ = hex[c >> 4];
		*out++ = hex[c & 15];
	}
	return out;
}

static char hex_value(char digit)
{
	return (char)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

char *json_text_unescape(char *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c == '\\' && text[++i] == 'u') {
			c = (char)(hex_value(text[i + 3]) << 4 | hex_value(text[i + 4]));
			i += 4;
		} else if (c == '\\') {
			c = text[i];
		}
		*out++ = c;
	}
	return out;
}

void json_text_add(struct buf *buf, const char *text, size_t len)
{
	size_t size = json_text_size(text, len);
	char *out = buf_reserve(buf, size);

	if (out == NULL)
		return;
	(void)json_text_escape(out, text, len);
	buf_added(buf, size);
}
