/*
 * exchange: what one peer asks, a request at a time, and its reply: at once, in parts, or when a
 * write is done and the mirror shows it. Keeps the peer's transaction. Knows no socket; whoever has
 * one owns it, passes requests in and replies out. Private to src/serve.
 */
#ifndef CSDNS_SERVE_EXCHANGE_H
#define CSDNS_SERVE_EXCHANGE_H

#include "base/log.h"
#include "serve/server.h"
#include "serve/slow.h"
#include "write/transaction.h"

#include <stdbool.h>

struct exchange;

/* What all exchanges share. */
struct exchanges {
	struct event_base *base;
	struct protocol protocol;
	struct writer *writer;
	struct transactions *transactions;
	struct server_status status;
	struct server_numbers numbers;
	struct exchange *first; /* list of all */
	uint64_t version;	/* that the mirror has reached */
	int64_t log_second;	/* the second in which log_lines are counted */
	unsigned log_lines;
	struct slow slow;
};

struct exchange {
	struct exchange *next, **at; /* in all->first */
	struct exchanges *all;
	void (*on_reply)(void *arg); /* a reply that was waited for is in out */
	void *arg;
	const char *peer;		 /* for the log; borrowed */
	struct buf out;			 /* the reply, or a part of it */
	struct listing *listing;	 /* has more of it */
	struct write_job *job;		 /* that is waited for; of a transaction there is none */
	enum write_kind write_kind;	 /* that is waited for */
	struct transaction *transaction; /* NULL while none is open */
	struct open_transaction open;	 /* what the protocol knows of it */
	uint64_t awaited;		 /* the write is done in this version; 0: none */
	struct event *patience;		 /* the end of waiting for it */
	const char *method;		 /* of the request in hand, for the log */
	unsigned method_number;		 /* for counting */
	long unix_timeout_ms;		 /* of PowerDNS' unix connector; 0: it is another one */
	uint64_t octets;		 /* of a listing's reply so far */
	uint64_t write_began_ns;	 /* the write that is waited for */
	bool is_warned;			 /* that the reply will not be read in time */
	bool is_last;			 /* the peer is not PowerDNS: no more of its requests */
	bool is_secret;			 /* the reply has keys in it */
	bool wipe_request;		 /* the request in hand may have keys in it */
};

/* False when memory is out; exchange_fini is due in either case. */
bool exchange_init(struct exchange *exchange, struct exchanges *all, const char *peer,
	void (*on_reply)(void *arg), void *arg);
/* Rolls back its transaction. */
void exchange_fini(struct exchange *exchange);

/* Answers one request, without its newline. True: the reply, or its first part, is in out. False:
 * it comes with on_reply, and until then nothing is to be asked. */
bool exchange_answer(struct exchange *exchange, const char *request, size_t len)
	__attribute__((warn_unused_result));
/* Answers false to something that is no request, and makes it the last. */
void exchange_refuse(struct exchange *exchange, const char *problem);
/* What was in out has been sent. 1: there is more in it; 0: that was all of the reply; -1: there
 * should be more, but memory is out: the peer must not take it for the whole. */
int exchange_sent(struct exchange *exchange);

/* The mirror has reached all->version. */
void exchange_on_version(struct exchange *exchange);
/* What peers can provoke, they can provoke without end: so many lines a second. */
bool exchange_log_is_allowed(struct exchanges *all);
void exchange_log(const struct exchange *exchange, enum log_level level, const char *problem);

#endif
