/*
 * listing: a zone that is listed while it changes: what comes has to be the model's as it was when
 * the listing began.
 */
#ifndef CSDNS_TESTS_LISTING_H
#define CSDNS_TESTS_LISTING_H

#include "mirror/zone.h"
#include "store_model.h"

struct listing {
	struct mirror *mirror; /* a reference */
	struct zone_pin *pin;  /* NULL: there is none */
	struct model_zone expected;
	bool is_seen[RECORDS];
	bool is_done;
};

/* Of one of the model's zones, at random; or of none. */
void listing_begin(struct listing *listing, struct mirror *mirror, struct model *model);
/* A part, sometimes the last one, sometimes the peer goes. */
void listing_go_on(struct listing *listing);
void listing_end(struct listing *listing);
/* For zone_pin_walk; arg is the listing. */
void listing_on_name(void *arg, const struct node *node, const struct rrs *rrs);

#endif
