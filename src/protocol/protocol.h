/*
 * protocol: PowerDNS' remote backend protocol. One request, a JSON object with "method" and
 * "parameters", comes in; one reply, a JSON object with "result", goes out.
 *
 * Pure: reads the mirror, does no I/O, keeps no state between requests. What a method wants
 * written to the store it describes, and the server has it done.
 */
#ifndef CSDNS_PROTOCOL_PROTOCOL_H
#define CSDNS_PROTOCOL_PROTOCOL_H

#include "base/buf.h"
#include "mirror/mirror.h"
#include "protocol/write.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct open_transaction {
	int32_t zone_id; /* that it is about; -1 for none */
	bool has_failed; /* it will be rolled back: what is read is not its own any more */
};

/* What requests are answered from. All of it is borrowed. */
struct protocol {
	struct mirror *mirror; /* NULL while there is no data: every request fails */
	/* Writes the text that `pdnsutil backend-cmd … status` shows. */
	void (*status)(void *arg, struct buf *text);
	/* Has everything loaded again. NULL where that cannot be done. */
	void (*reload)(void *arg);
	void *arg; /* of both */
	/* The transaction that is open on the connection that asks; NULL where there is none. */
	const struct open_transaction *transaction;
	size_t listing_first; /* items of a listing that are written at once with its start */
};

enum answer_kind {
	ANSWER_REPLY,	/* the reply is complete */
	ANSWER_LISTING, /* more of the reply comes from answer->listing */
	ANSWER_WRITE,	/* answer->write is to be done; then reply_result() or reply_false() */
};

#define PROTOCOL_PROBLEM_MAX 256

struct answer {
	enum answer_kind kind;
	const char *method;	 /* the method's name, constant; "?" for an unknown one */
	unsigned method_number;	 /* see protocol_method_name */
	struct listing *listing; /* ANSWER_LISTING: the caller's, to be stepped and freed */
	struct write write;	 /* ANSWER_WRITE: the caller's, to be done and ended */
	long unix_timeout_ms;	 /* initialize of PowerDNS' unix connector: for a reply; else 0 */
	bool is_write;		 /* the method writes: if it fails, so does its transaction */
	bool is_secret;		 /* the reply has keys in it: to be wiped when it is sent */
	bool wipe_request;	 /* it may have keys in it: to be wiped when it is answered */
	bool is_malformed;	 /* the request was no request; the peer is not PowerDNS */
	char problem[PROTOCOL_PROBLEM_MAX]; /* why the result is false; "" where it is not */
};

/* Answers one request of len octets, without its newline. The reply, with a newline, is appended
 * to reply; for ANSWER_WRITE nothing is. Never fails but for memory: buf_failed(reply). */
void protocol_answer(const struct protocol *protocol, const char *request, size_t len,
	struct buf *reply, struct answer *answer);

/* The methods by number, for those who count: numbers from 0 are methods, one that is not a method
 * (NULL) stands for all unknown ones and ends them. Below PROTOCOL_METHODS_MAX. */
#define PROTOCOL_METHODS_MAX 64
const char *protocol_method_name(unsigned number);

/* Where a lookup will look in the mirror: for zone_fetch. */
struct prepared {
	const struct zone *zone;
	uint32_t hash;
};

/* What answering the request will need, if it is a lookup in one zone; else false. Good until the
 * mirror changes. request may still have its newline. */
bool protocol_prepare(const struct protocol *protocol, const char *request, size_t len,
	struct prepared *prepared);

/* {"result":true}, {"result":…} with a JSON text, or {"result":false,"log":[problem]}. */
void reply_true(struct buf *reply);
void reply_result(struct buf *reply, const char *json, size_t len);
void reply_false(struct buf *reply, const char *problem);
/* The same without a result. To PowerDNS a lookup that is false has found nothing; this is an error
 * to it, SERVFAIL for its client. Inside of a transaction PowerDNS 4.7 does not survive one. */
void reply_no_result(struct buf *reply, const char *problem);

/* A listing that is sent in parts. Appends about `budget` names to reply, and the end of the reply
 * with the last. 1: done, 0: more to come, -1: it cannot be finished (memory). */
int listing_step(struct listing *listing, size_t budget, struct buf *reply);
void listing_free(struct listing *listing);
/* The zone whose records it lists; NULL for a list of something else. Good until the next step. */
const struct zone *listing_zone(const struct listing *listing);

#endif
