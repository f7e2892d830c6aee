/*
 * rr: records on their way between the store and a zone that came from elsewhere: their text as the
 * store has it, and a key by which two texts of one record are the same. ldns reads and writes the
 * contents.
 */
#ifndef CSDNS_TOOL_RR_H
#define CSDNS_TOOL_RR_H

#include "base/buf.h"

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rr {
	char *name;    /* as in the store: lower case, no final dot */
	char *type;    /* "A" */
	char *content; /* as it is served, with the priority of MX and SRV; names without final dot
			*/
	char *key;   /* canonical rdata in hexadecimal, or "=" and the text where ldns does not know
			it */
	char *fault; /* why it cannot be stored, or NULL */
	char *where; /* "line 12", or NULL */
	uint32_t ttl;
	bool disabled;
	bool is_rules; /* in the store: a rule made it */
	int64_t id;    /* in the store: records.id; else 0 */
};

struct rr_list {
	struct rr *items; /* n, each owning its text */
	size_t n;
	size_t cap;
};

void rr_list_init(struct rr_list *list);
void rr_list_fini(struct rr_list *list);
/* Adds what ldns has read. where: borrowed, or NULL. The new record, valid until the next one is
 * added, or NULL when memory is out. */
struct rr *rr_list_add(struct rr_list *list, const ldns_rr *rr, const char *where);
/* Adds a record from text as the store or PowerDNS' API has it. The same. */
struct rr *rr_list_add_text(struct rr_list *list, const char *name, uint32_t ttl, const char *type,
	const char *content);
/* Adds a record that cannot be stored, with the reason; content: "" where it is not known. The
 * same. */
struct rr *rr_list_add_bad(struct rr_list *list, const char *name, const char *type,
	const char *content, const char *where, const char *fault);
/* Sorts by name, type, key. */
void rr_list_sort(struct rr_list *list);
/* By name, type and key: as strcmp. */
int rr_compare(const struct rr *a, const struct rr *b);
/* A type that signing makes, and that is not for a store that signs itself. */
bool rr_is_signing(const char *type);
/* Adds "name ttl type content", fit for a terminal. */
void rr_add_text(struct buf *out, const struct rr *rr);
/* Gives it a fault, in place of one that it has. 0, or -1 when memory is out. */
int rr_set_fault(struct rr *rr, const char *fault) __attribute__((warn_unused_result));

#endif
