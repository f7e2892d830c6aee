#include "protocol/listing.h"

int listing_step(struct listing *listing, size_t budget, struct buf *reply)
{
	int done = listing->step(listing, budget, reply);

	if (buf_failed(reply))
		return -1;
	if (done == 1)
		BUF_ADD_LIT(reply, "]}\n");
	return done;
}

void listing_free(struct listing *listing)
{
	if (listing != NULL)
		listing->free(listing);
}

const struct zone *listing_zone(const struct listing *listing)
{
	return listing->zone == NULL ? NULL : listing->zone(listing);
}

void listing_separate(struct listing *listing, struct buf *reply)
{
	if (!listing->is_first)
		buf_add_char(reply, ',');
	listing->is_first = false;
}

void call_answer_listing(struct call *call, struct listing *listing)
{
	if (listing == NULL) {
		call->reply->failed = true;
		return;
	}
	listing->is_first = true;
	BUF_ADD_LIT(call->reply, "{\"result\":[");
	size_t first = call->protocol->listing_first;
	int done = first == 0 ? 0 : listing_step(listing, first, call->reply);
	if (done == 0) {
		call->answer->kind = ANSWER_LISTING;
		call->answer->listing = listing;
		return;
	}
	listing_free(listing);
	if (done < 0)
		call->reply->failed = true;
}
