#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 256

void buf_init(struct buf *buf)
{
	memset(buf, 0, sizeof(*buf));
}

void buf_fini(struct buf *buf)
{
	free(buf->data);
	buf_init(buf);
}

void buf_reset(struct buf *buf, size_t keep)
{
	if (buf->cap > keep)
		buf_fini(buf);
	buf->len = 0;
	buf->failed = false;
}

char *buf_reserve(struct buf *buf, size_t n)
{
	if (buf->failed)
		return NULL;
	if (buf->cap - buf->len >= n && buf->data != NULL)
		return buf->data + buf->len;

	size_t cap = buf->cap < BUF_FIRST ? BUF_FIRST : buf->cap;
	while (cap - buf->len < n) {
		if (cap > SIZE_MAX / 2) {
			buf->failed = true;
			return NULL;
		}
		cap *= 2;
	}
	char *data = realloc(buf->data, cap);
	if (data == NULL) {
		buf->failed = true;
		return NULL;
	}
	buf->data = data;
	buf->cap = cap;
	return data + buf->len;
}

void buf_added(struct buf *buf, size_t n)
{
	buf->len += n;
}

void buf_consume(struct buf *buf, size_t n)
{
	if (n < buf->len)
		memmove(buf->data, buf->data + n, buf->len - n);
	buf->len -= n;
}

void buf_add(struct buf *buf, const void *bytes, size_t n)
{
	if (n == 0)
		return;
	char *to = buf_reserve(buf, n);
	if (to == NULL)
		return;
	memcpy(to, bytes, n);
	buf->len += n;
}

void buf_add_str(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_add_u64(struct buf *buf, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	buf_add(buf, digits + at, sizeof(digits) - at);
}

void buf_add_i64(struct buf *buf, int64_t value)
{
	if (value < 0) {
		buf_add_char(buf, '-');
		buf_add_u64(buf, (uint64_t)0 - (uint64_t)value);
	} else {
		buf_add_u64(buf, (uint64_t)value);
	}
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0) {
		buf->failed = true;
		return;
	}
	char *to = buf_reserve(buf, (size_t)n + 1);
	if (to == NULL)
		return;
	va_start(args, fmt);
	(void)vsnprintf(to, (size_t)n + 1, fmt, args);
	va_end(args);
	buf->len += (size_t)n;
}
