#include "serve/batch.h"

#include "base/clock.h"
#include "pg/events.h"
#include "protocol/protocol.h"
#include "serve/conn.h"

/* Step by step for all of them: while the memory for one is fetched, the next is looked at. */
static void fetch_all(const struct batch *batch)
{
	struct prepared prepared[BATCH_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < batch->n; i++) {
		if (batch->conns[i] == NULL)
			continue;
		struct text text = conn_read_text(batch->conns[i]);
		if (!protocol_prepare(batch->protocol, text.at, text.len, &prepared[n]))
			continue;
		zone_fetch(prepared[n].zone, prepared[n].hash, FETCH_BUCKET);
		n++;
	}
	for (unsigned i = 0; i < n; i++)
		zone_fetch(prepared[i].zone, prepared[i].hash, FETCH_NODE);
	for (unsigned i = 0; i < n; i++)
		zone_fetch(prepared[i].zone, prepared[i].hash, FETCH_RECORDS);
}

static void answer_all(struct batch *batch)
{
	unsigned answered = 0;

	if (batch->n > 1)
		fetch_all(batch);
	for (unsigned i = 0; i < batch->n; i++) {
		struct conn *conn = batch->conns[i];
		batch->conns[i] = NULL;
		if (conn != NULL)
			answered += conn_answer_read(conn);
	}
	batch->n = 0;
	/* The clock is read twice a turn, not for each request. */
	if (answered > 0)
		histogram_add(batch->answering, clock_ns() - batch->began_ns, answered);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	answer_all(arg);
}

bool batch_init(struct batch *batch, struct event_base *base, const struct protocol *protocol,
	struct histogram *answering)
{
	batch->answering = answering;
	batch->n = 0;
	batch->protocol = protocol;
	batch->event = event_new(base, -1, 0, on_event, batch);
	return batch->event != NULL;
}

void batch_fini(struct batch *batch)
{
	event_drop(batch->event);
}

unsigned batch_add(struct batch *batch, struct conn *conn)
{
	if (batch->n == BATCH_MAX)
		answer_all(batch);
	if (batch->n == 0) {
		batch->began_ns = clock_ns();
		event_active(batch->event, EV_TIMEOUT, 0);
	}
	batch->conns[batch->n] = conn;
	return batch->n++;
}

void batch_remove(struct batch *batch, unsigned place)
{
	batch->conns[place] = NULL;
}
