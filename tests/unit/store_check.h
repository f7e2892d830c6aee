/*
 * store_check: asserts that a mirror is as a naive model of the store says, for lookups.
 */
#ifndef CSDNS_TESTS_STORE_CHECK_H
#define CSDNS_TESTS_STORE_CHECK_H

#include "store_model.h"

/* All zones with all that they have: each name of the model, those above it, some near it and some
 * at random. And mirror_check. */
void store_check(const struct mirror *mirror, struct model *model, bool is_quiet);
/* The records of a name are those of the model, in the same order. */
void store_check_records(const struct model_zone *zone, const char *name, const struct rrs *rrs);
/* Is a name the other one, or below it? */
bool store_is_below(const char *name, const char *above);

#endif
