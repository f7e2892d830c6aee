/*
 * transaction: PowerDNS' transactions, each on a PostgreSQL connection of its own. There are only
 * so many connections: who comes when all are in use waits for one, not for long. A transaction
 * without a request for some time is rolled back.
 */
#ifndef CSDNS_WRITE_TRANSACTION_H
#define CSDNS_WRITE_TRANSACTION_H

#include "protocol/write.h"
#include "write/writer.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct transactions;
struct transaction;

struct transactions_settings {
	const char *db;	 /* borrowed */
	unsigned max;	 /* connections, at least 1; does not change later */
	int64_t idle_ms; /* without a request */
};

/* NULL when memory is out. */
struct transactions *transactions_new(
	struct event_base *base, const struct transactions_settings *settings);
/* All transactions have been freed. */
void transactions_free(struct transactions *all);
/* For transactions to come. */
void transactions_set(struct transactions *all, const struct transactions_settings *settings);
/* That have begun and not ended. */
unsigned transactions_open(const struct transactions *all);

/* Begins one with WRITE_BEGIN, which it takes; fn is called later, never from inside. NULL when
 * memory is out. */
struct transaction *transaction_begin(
	struct transactions *all, struct write *begin, write_done_fn fn, void *arg);
/* Rolls back what has not been committed. fn is not called any more. */
void transaction_free(struct transaction *transaction);

enum transaction_outcome {
	TRANSACTION_LATER,  /* fn will be called */
	TRANSACTION_DONE,   /* it is done, with no result */
	TRANSACTION_FAILED, /* see transaction_problem */
};
/* Any write but WRITE_BEGIN and WRITE_ABORT, which is transaction_free; takes the write. One at a
 * time. After WRITE_COMMIT the transaction is only to be freed. */
enum transaction_outcome transaction_do(
	struct transaction *transaction, struct write *write, write_done_fn fn, void *arg);
/* Something that belongs to it could not be done: it cannot be committed any more. */
void transaction_doom(struct transaction *transaction, const char *problem);
/* Why it cannot be committed any more; NULL while it can. */
const char *transaction_problem(const struct transaction *transaction);

#endif
