/*
 * tally: how many events came, by source, type and what became of them. A type that is not known
 * here counts as "other": what peers send makes no new rows.
 */
#ifndef CSDNS_SYNC_TALLY_H
#define CSDNS_SYNC_TALLY_H

#include "base/buf.h"
#include "sync/event.h"

#include <stdint.h>

enum tally_outcome {
	TALLY_TAKEN,
	TALLY_REPLAY,
	TALLY_EARLY,   /* nothing has happened yet */
	TALLY_IGNORED, /* of no concern */
	TALLY_UNKNOWN, /* of concern, but it names no entity */
	TALLY_MALFORMED,
	TALLY_FAILED, /* not known to be durable */
	TALLY_OUTCOMES,
};

struct tally;

/* NULL when memory is out. */
struct tally *tally_new(void);
void tally_free(struct tally *tally);
/* The numbers of a source and type, by outcome; lives as long as the tally. */
uint64_t *tally_row(struct tally *tally, const char *source, const char *type);
/* source as intake.h names them; type may be "". */
void tally_add(
	struct tally *tally, const char *source, const char *type, enum tally_outcome outcome);
/* An event that nothing is to be done about: event->use is not EVENT_HINTS. */
void tally_pass(struct tally *tally, const char *source, const struct cloud_event *event);
/* csdns_sync_events_total in Prometheus' format; rows of zeros are left out. */
void tally_write(const struct tally *tally, struct buf *out);

#endif
