/*
 * buf: a byte buffer that grows, for building replies and reading requests.
 *
 * A buffer remembers a failed allocation: after it every append does nothing and
 * buf_failed() tells, so that a long reply is checked once, at its end.
 * Owns its bytes. Not for secrets (it does not wipe).
 */
#ifndef CSDNS_BASE_BUF_H
#define CSDNS_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data; /* len bytes in use, cap allocated; NULL while cap is 0 */
	size_t len; /* never above cap */
	size_t cap;
	bool failed; /* an allocation failed; the contents are incomplete */
};

void buf_init(struct buf *buf);
/* Frees the bytes; the buffer is as after buf_init. */
void buf_fini(struct buf *buf);
/* Empties it and forgets a failure; keeps at most keep bytes of memory. */
void buf_reset(struct buf *buf, size_t keep);
/* Makes room for n more bytes; returns where they go, or NULL. buf_added tells how many came. */
char *buf_reserve(struct buf *buf, size_t n);
void buf_added(struct buf *buf, size_t n);
/* Removes n bytes (at most len) from the front. */
void buf_consume(struct buf *buf, size_t n);

void buf_add(struct buf *buf, const void *bytes, size_t n);
void buf_add_str(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
/* Decimal digits. */
void buf_add_i64(struct buf *buf, int64_t value);
void buf_add_u64(struct buf *buf, uint64_t value);
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline bool buf_failed(const struct buf *buf)
{
	return buf->failed;
}

/* A literal, its length known to the compiler. */
#define BUF_ADD_LIT(buf, lit) buf_add((buf), "" lit, sizeof(lit) - 1)

#endif
