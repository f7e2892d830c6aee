/*
 * batch: the requests that came in one turn of the loop are answered together. Before the first is
 * answered, the memory that the others will need is on its way: in a large mirror that is most of
 * what a lookup waits for. Private to src/serve.
 */
#ifndef CSDNS_SERVE_BATCH_H
#define CSDNS_SERVE_BATCH_H

#include "base/histogram.h"

#include <event2/event.h>
#include <stdbool.h>

#define BATCH_MAX 64

struct conn;
struct protocol;

struct batch {
	struct conn *conns[BATCH_MAX]; /* that have read something; NULL where one has gone since */
	unsigned n;
	struct event *event; /* answers them, after the reading of this turn */
	const struct protocol *protocol;
	uint64_t began_ns;	     /* when the first was added */
	struct histogram *answering; /* how long it takes */
};

/* protocol and answering are borrowed. false when memory is out. */
bool batch_init(struct batch *batch, struct event_base *base, const struct protocol *protocol,
	struct histogram *answering);
void batch_fini(struct batch *batch);
/* The connection has read something: conn_answer_read is called in this turn. Returns its place. */
unsigned batch_add(struct batch *batch, struct conn *conn);
/* It goes before that. */
void batch_remove(struct batch *batch, unsigned place);

#endif
