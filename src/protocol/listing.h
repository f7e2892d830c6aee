/*
 * listing: a reply that is written in parts, so that a long one stops nobody else. Private to
 * src/protocol; the server knows only listing_step and listing_free of protocol.h.
 */
#ifndef CSDNS_PROTOCOL_LISTING_H
#define CSDNS_PROTOCOL_LISTING_H

#include "protocol/call.h"

/* The first member of each kind of listing. */
struct listing {
	/* As listing_step, but for the end of the reply, which is the same for all. */
	int (*step)(struct listing *listing, size_t budget, struct buf *reply);
	void (*free)(struct listing *listing);
	const struct zone *(*zone)(const struct listing *listing); /* NULL: of no zone */
	bool is_first; /* no item has been written yet */
};

/* Starts the reply; a short one is completed at once. Takes the listing; NULL means that memory
 * was out. */
void call_answer_listing(struct call *call, struct listing *listing);
/* Before each item. */
void listing_separate(struct listing *listing, struct buf *reply);

#endif
