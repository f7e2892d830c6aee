/*
 * write: what a request wants done in the store: a kind, and its checked parameters as texts. What
 * SQL that is, src/write knows.
 */
#ifndef CSDNS_PROTOCOL_WRITE_H
#define CSDNS_PROTOCOL_WRITE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* With their parameters in order. A zone is its number; names are lower case and have no final dot,
 * the root is "."; truth is "t" or "f". */
enum write_kind {
	WRITE_SET_NOTIFIED, /* zone, serial */
	WRITE_SET_FRESH,    /* zone */
	WRITE_SET_STALE,    /* zone */
	WRITE_SET_METADATA, /* zone, kind, JSON array of the contents */
	WRITE_ADD_KEY,	    /* zone, flags, active, published, content; the result is its id */
	WRITE_REMOVE_KEY,   /* zone, id of the key; so the next four */
	WRITE_ACTIVATE_KEY,
	WRITE_DEACTIVATE_KEY,
	WRITE_PUBLISH_KEY,
	WRITE_UNPUBLISH_KEY,
	WRITE_SET_TSIG_KEY,	/* name, algorithm, secret */
	WRITE_DELETE_TSIG_KEY,	/* name */
	WRITE_CREATE_SECONDARY, /* name, primary's address, its name or "", account */
	/* address, JSON array of names; the result is {"nameserver", "account"} */
	WRITE_READ_AUTOPRIMARY,
	/* zone, name, type or ANY, JSON array of {"type", "content", "prio", "ttl", "auth"} */
	WRITE_REPLACE_RRSET,
	/* What follows is only for a transaction. */
	WRITE_BEGIN, /* zone that is emptied, or NULL */
	WRITE_FEED,  /* zone, name, type, content, ttl, prio, ordername or NULL, auth */
	WRITE_COMMIT,
	WRITE_ABORT,
	/* Reads what the transaction has written; the result is a JSON text. */
	WRITE_READ_RECORDS,  /* zone or NULL, name, type or ANY, with disabled ones, default TTL */
	WRITE_READ_ZONE,     /* zone, with disabled ones, default TTL */
	WRITE_READ_METADATA, /* zone, kind */
	WRITE_READ_ALL_METADATA, /* zone */
	WRITE_READ_KEYS,	 /* zone */
	WRITE_KINDS
};

#define WRITE_PARAMS_MAX 8

struct write {
	enum write_kind kind;
	int32_t zone_id; /* of WRITE_BEGIN: the transaction's zone, -1 where it has none */
	unsigned n;	 /* parameters */
	size_t at[WRITE_PARAMS_MAX]; /* in text; SIZE_MAX for NULL */
	struct buf text;	     /* each terminated by a zero */
};

/* Out of memory shows in buf_failed(&write->text). */
void write_init(struct write *write, enum write_kind kind);
void write_fini(struct write *write);

void write_add(struct write *write, const char *text, size_t len);
void write_add_number(struct write *write, int64_t number);
void write_add_bool(struct write *write, bool value);
void write_add_null(struct write *write);
/* A parameter that is put together: what is appended to text between the two. */
void write_open(struct write *write);
void write_close(struct write *write);

/* NULL for a parameter that is NULL. */
const char *write_param(const struct write *write, unsigned i);

#endif
