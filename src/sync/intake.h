/*
 * intake: makes events durable. Whatever comes in while PostgreSQL is at the batch before goes
 * into one transaction: a thousand events a second cost few commits.
 *
 * Owns a connection of its own, so that nothing waits behind the work. Bounded: more than
 * INTAKE_MAX events that wait are refused, and so is everything while there is no database:
 * whoever sent it is told at once and sends it again.
 */
#ifndef CSDNS_SYNC_INTAKE_H
#define CSDNS_SYNC_INTAKE_H

#include "sync/event.h"
#include "sync/tally.h"

#include <event2/event.h>
#include <stdint.h>

#define INTAKE_MAX     20000
#define INTAKE_OCTETS  ((size_t)64 * 1024 * 1024)
#define INTAKE_BATCH   500
#define INTAKE_ID_SIZE 128 /* a longer id is no id; nor is one with a blank or beyond ASCII */

enum intake_outcome {
	INTAKE_TAKEN,	/* durable */
	INTAKE_REPLAY,	/* was durable before */
	INTAKE_FAILED,	/* not known to be durable: it has to come again */
	INTAKE_REFUSED, /* the database does not take such an event, however often it comes */
};

struct intake;
/* why is one line, NULL unless it failed or was refused. May call intake_put. */
typedef void (*intake_fn)(void *arg, enum intake_outcome outcome, const char *why);

/* db is borrowed. NULL when memory is out. */
struct intake *intake_new(struct event_base *base, const char *db);
/* Answers nothing any more. */
void intake_free(struct intake *intake);
void intake_set_db(struct intake *intake, const char *db);
/* Nobody can be asked: what events tell themselves is all that there is. Sources then put nothing
 * but that, see event_keep_told. */
void intake_set_believing(struct intake *intake);
bool intake_is_believing(const struct intake *intake);

/* Why it would take nothing now, or NULL. */
const char *intake_problem(const struct intake *intake);
/* An event with hints. source is literal: "webhook", "kafka", "rabbitmq", "catchup". id, of the
 * event at its source, may be NULL: then it is never a replay. event is copied. Answers later
 * through fn (never from inside); or returns -1 with why and never answers. */
int intake_put(struct intake *intake, const char *source, const char *id,
	const struct cloud_event *event, intake_fn fn, void *arg, const char **why)
	__attribute__((warn_unused_result));
/* What came in, of all sources; those that are put are counted here, the others by their sources.
 */
struct tally *intake_tally(struct intake *intake);
bool intake_is_up(const struct intake *intake);
/* Events that wait or are under way. */
size_t intake_waiting(const struct intake *intake);

struct intake_status {
	uint64_t taken, replayed, failed;
	uint64_t batches;
};
void intake_get_status(const struct intake *intake, struct intake_status *status);

#endif
