/*
 * How a set of affected names is filled, for change.c and effect.c.
 *
 * Without memory, or beyond some thousands of names, everything is affected; so nothing here fails.
 */
#ifndef CSDNS_MIRROR_AFFECTED_SET_H
#define CSDNS_MIRROR_AFFECTED_SET_H

#include "mirror/affected.h"

/* A complete name. Goes to the end of the list, so that a walk over the list which adds meets what
 * it added. What is below a suffix that is there already is not added. */
void affected_add_name(struct affected *affected, const uint8_t *wire, size_t len, bool is_suffix);
/* A zone that came or went. */
void affected_add_zone(struct affected *affected, const uint8_t *wire, size_t len);
/* A complete name that nobody who points at it depends on. It goes to the list at the end. */
void affected_add_later(struct affected *affected, const uint8_t *wire, size_t len);
/* How often this has been called for the zone before. Without memory everything is affected. */
uint32_t affected_names_of(struct affected *affected, const void *zone);
/* Does a suffix above cover this name of the list? */
bool affected_is_covered(const struct affected *affected, const struct affected_name *name);
/* Takes out what suffixes that came later cover. Nothing is added after that. */
void affected_finish(struct affected *affected);

#endif
