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
/* Takes out what suffixes that came later cover. Nothing is added after that. */
void affected_finish(struct affected *affected);

#endif
