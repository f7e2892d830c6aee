/*
 * tsig: the TSIG keys of the store: a set that is replaced as a whole.
 */
#ifndef CSDNS_MIRROR_TSIG_H
#define CSDNS_MIRROR_TSIG_H

#include "dns/name.h"
#include "mirror/rows.h"
#include "mirror/secret.h"
#include "mirror/table.h"

struct tsig_key {
	/* In the set's by_name; first member. entry.owner is its place in the order of the store.
	 */
	struct table_entry entry;
	struct tsig_key *next; /* in that order */
	struct secret *secret;
	uint32_t algorithm_len; /* in text, escaped for JSON */
	uint8_t name_len;	/* in text, behind it, as struct name has it */
	char text[];
};

struct tsig_keys {
	struct table by_name;
	struct tsig_key *first;
	struct tsig_key **last;
};

/* An empty set; NULL when memory is out. */
struct tsig_keys *tsig_keys_new(struct pool *pool);
enum row_result tsig_keys_add(struct tsig_keys *keys, struct secrets *secrets, struct pool *pool,
	const struct tsig_row *row, const char **why);
/* The first key with this name. NULL when there is none; keys may be NULL. */
const struct tsig_key *tsig_keys_find(
	const struct tsig_keys *keys, const uint8_t *name, size_t len);
/* Frees up to *budget keys; true when all is freed, the set with it. keys may be NULL. */
bool tsig_keys_free_step(struct tsig_keys *keys, struct pool *pool, size_t *budget);

#endif
