#include "base/json_text.h"

/* 0 for a character that stands for itself, else the characters that it takes. */
static size_t escape_size(unsigned char c)
{
	if (c == '"' || c == '\\')
		return 2;
	return c < 0x20 ? 6 : 0;
}

size_t json_text_size(const char *text, size_t len)
{
	size_t size = 0;

	for (size_t i = 0; i < len; i++) {
		size_t escaped = escape_size((unsigned char)text[i]);
		size += escaped == 0 ? 1 : escaped;
	}
	return size;
}

char *json_text_escape(char *out, const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
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

void json_text_add(struct buf *buf, const char *text, size_t len)
{
	size_t size = json_text_size(text, len);
	char *out = buf_reserve(buf, size);

	if (out == NULL)
		return;
	(void)json_text_escape(out, text, len);
	buf_added(buf, size);
}
