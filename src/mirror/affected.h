/*
 * affected: whose answers a change set may have made wrong: what a PowerDNS that caches has to
 * forget.
 *
 * A cached answer is built from the records of its name, from the names that those point at (CNAME,
 * ALIAS, DNAME, MX, SRV, NS, SVCB, HTTPS, NAPTR), from what is or is not above it (zones,
 * delegations, DNAME, wildcards, empty non-terminals), and in a signed zone from its neighbours.
 * Never too little is said; when in doubt more.
 *
 * One thing is left out: the serial where the SOA was not asked for under its own name. An answer
 * that says "no", and one that a CNAME leads to an apex, keep the one that they were given with.
 */
#ifndef CSDNS_MIRROR_AFFECTED_H
#define CSDNS_MIRROR_AFFECTED_H

#include "base/pool.h"
#include "dns/name.h"

struct affected_name {
	const struct affected_name *next;
	bool is_suffix;	     /* the name and everything below it; else just the name */
	uint8_t len;	     /* of wire */
	const uint8_t *wire; /* the complete name as in dns/name.h; empty for the root */
};

/* Read it; it is filled by change_commit. It owns its names. */
struct affected {
	/* Everything: too much, or no memory to say it finer. There are no names then. */
	bool is_all;
	/* What zones there are is not as it was, in a way that `zones` does not say. */
	bool is_all_zones;
	size_t n_names;
	const struct affected_name *names; /* each once, none below a suffix of the list */
	/* Names of zones that came or went, or have another id: PowerDNS' list of zones is out of
	 * date. Each is among the names as a suffix as well. */
	size_t n_zones;
	const struct affected_name *zones;
	struct pool *pool; /* NULL while nothing is affected */
	struct affected_work *work;
};

/* Nothing is affected. */
void affected_init(struct affected *affected);
/* Frees the names; it is as after affected_init. */
void affected_fini(struct affected *affected);
/* Everything is affected, the list of zones as well. */
void affected_set_all(struct affected *affected);
/* Everything is affected; which zones came or went is known all the same. */
void affected_set_all_names(struct affected *affected);
bool affected_is_empty(const struct affected *affected);

/* Holds what affected_print writes. */
#define AFFECTED_TEXT_MAX (NAME_TEXT_MAX + 2)
/* The name as PowerDNS' command PURGE takes it: final dot, nothing that is a blank, and behind a
 * suffix "$". Returns the characters written. */
size_t affected_print(char *out, const struct affected_name *name);

#endif
