/*
 * question: one question about one record set, to one DNS server, on the loop: over UDP, and over
 * TCP where the answer was truncated. ldns makes and reads the messages.
 */
#ifndef CSDNS_SYNC_QUESTION_H
#define CSDNS_SYNC_QUESTION_H

#include <event2/event.h>
#include <jansson.h>

#define QUESTION_MS 2000 /* time for an answer; over UDP it is asked twice */

struct question;

enum question_result {
	QUESTION_RIGHT,
	QUESTION_WRONG,
	QUESTION_UNANSWERED,
};

/* got: NULL for an answer as expected, else what came instead, or why nothing did; borrowed. The
 * question is gone when this returns. */
typedef void (*question_fn)(void *arg, enum question_result result, const char *got);

struct question_about {
	const char *server; /* an address */
	int port;
	const char *name, *type; /* as in the store */
	const json_t *records;	 /* [{ttl, content}], empty: there must be none */
};

/* Copies what it needs. NULL when it cannot be asked; then the reason is in *why, a literal. */
struct question *question_new(struct event_base *base, const struct question_about *about,
	question_fn fn, void *arg, const char **why);
void question_free(struct question *question);

#endif
