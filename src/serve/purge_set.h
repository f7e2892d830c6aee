/*
 * purge_set: names that a PowerDNS has to forget: each once, bounded, as they came. Pure.
 *
 * Too many names, or no memory for them, and the set becomes "everything", which needs none. So it
 * never says too little.
 */
#ifndef CSDNS_SERVE_PURGE_SET_H
#define CSDNS_SERVE_PURGE_SET_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* PowerDNS takes some 5 µs for a name, in which it hears no other command; so many are 0.1 s. */
#define PURGE_SET_MAX 20000
/* Of one command with its newline. PowerDNS reads 1,024,000; this goes into a socket's buffer at
 * once. */
#define PURGE_LINE_MAX 65536

struct purge_set {
	bool is_all;	   /* everything; there are no names then */
	bool is_overflown; /* it became that by itself, not because it was asked to */
	uint32_t n;	   /* names */
	uint32_t n_suffixes;
	struct buf entries; /* one after the other: is it a suffix, octets of wire, wire */
	uint32_t *slots;    /* hash table: where in entries plus one, 0 is free */
	uint32_t cap;	    /* slots, a power of two, at least twice n; 0 while slots is NULL */
};

void purge_set_init(struct purge_set *set);
void purge_set_fini(struct purge_set *set);
/* Empties it, and keeps no more than a little memory. */
void purge_set_reset(struct purge_set *set);
bool purge_set_is_empty(const struct purge_set *set);

/* A complete name as in dns/name.h, and with is_suffix everything below it. What is below a suffix
 * that is there is not added. */
void purge_set_add(struct purge_set *set, const uint8_t *wire, size_t len, bool is_suffix);
void purge_set_add_all(struct purge_set *set);
/* All of `from`, which stays as it is. */
void purge_set_merge(struct purge_set *set, const struct purge_set *from);

/* The name at *at, a position that starts with 0 and is moved on; false behind the last one. wire
 * is borrowed until the set changes. */
struct purge_name {
	const uint8_t *wire;
	uint8_t len;
	bool is_suffix;
};
bool purge_set_next(const struct purge_set *set, size_t *at, struct purge_name *name);

/* Appends PowerDNS' command for the names from *at on, as many as fit into PURGE_LINE_MAX; *at
 * moves on. *names: how many it names. False when there is nothing left: nothing was appended. */
bool purge_set_print(const struct purge_set *set, size_t *at, struct buf *line, unsigned *names);

#endif
