/*
 * lookup: asks the cloud's API what one entity looks like now, among what belongs to projects too.
 *
 * That it is gone is only answered when the API has said so for all places where it may be: an
 * answer that is none, or says something else, is a failure.
 */
#ifndef CSDNS_SYNC_LOOKUP_H
#define CSDNS_SYNC_LOOKUP_H

#include "sync/api.h"
#include "sync/entity.h"

#include <jansson.h>
#include <stdbool.h>

enum lookup_outcome { LOOKUP_FOUND, LOOKUP_GONE, LOOKUP_FAILED };

struct lookup_answer {
	enum lookup_outcome outcome;
	json_t *entity;	 /* found: what the schema reads of it, borrowed; else NULL */
	const char *why; /* failed: one line */
	bool is_passing; /* failed: it is the API's failure, not the entity's */
};
/* The lookup is done with, and may be gone when this returns. */
typedef void (*lookup_fn)(void *arg, const struct lookup_answer *answer);

/* The asker's, with its texts, until it is answered or the api is freed. */
struct lookup {
	struct api *api;
	enum entity_kind kind;
	const char *uuid;
	const char *name, *domain; /* of an account whose uuid is not known; else NULL */
	bool in_projects;	   /* asked for the second time: false at first */
	lookup_fn fn;
	void *arg;
};

/* Answers later through fn, never from inside; -1 when memory is out, then never. */
int lookup_ask(struct lookup *lookup) __attribute__((warn_unused_result));

#endif
