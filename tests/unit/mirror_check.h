/*
 * mirror_check: recounts everything that a mirror keeps count of, and asserts that it is so.
 */
#ifndef CSDNS_TESTS_MIRROR_CHECK_H
#define CSDNS_TESTS_MIRROR_CHECK_H

#include "mirror/mirror.h"

/* Tables, parents, children, existence, flags, records. is_quiet: no change is open and none is
 * being cleaned up after, so that no name is left that nothing needs. */
void mirror_check(const struct mirror *mirror, bool is_quiet);
void zone_check(const struct zone *zone, bool is_quiet);

/* Bytes of the pool that can be reached from the mirror, the arrays of its tables apart, and
 * what the order of names takes: these
 * depend on what was there before. Without pins only. */
struct reachable {
	size_t data;
	size_t tables;
};
struct reachable mirror_reachable(const struct mirror *mirror);

#endif
