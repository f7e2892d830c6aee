/*
 * secret: texts that must not be left behind in memory: private keys, secrets of TSIG keys. They
 * are wiped when they are freed, and so are all of a mirror's before its memory goes as a whole.
 */
#ifndef CSDNS_MIRROR_SECRET_H
#define CSDNS_MIRROR_SECRET_H

#include "base/pool.h"
#include "mirror/rows.h"

/* All secrets of a mirror, a ring. */
struct secrets {
	struct secrets *prev, *next;
};

struct secret {
	struct secrets link; /* first member */
	uint32_t len;
	char text[]; /* escaped for JSON */
};

void secrets_init(struct secrets *secrets);
/* NULL when memory is out. */
struct secret *secret_new(struct secrets *secrets, struct pool *pool, struct text text);
/* secret may be NULL. */
void secret_free(struct secret *secret, struct pool *pool);
/* Wipes up to *budget texts, whose memory goes with the pool; true when none is left. */
bool secrets_wipe_step(struct secrets *secrets, size_t *budget);

#endif
