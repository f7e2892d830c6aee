/*
 * event: what a message of CloudStack's is about. Pure: bytes in, a kind of message and hints out.
 *
 * An event is a hint to ask what an entity looks like now. It is never believed: a failed action
 * also says Completed, "account" is the caller and not the owner, order and number mean nothing.
 * Bodies: facts about CloudStack's event bus; keys may be missing, "entity" may be a class name.
 */
#ifndef CSDNS_SYNC_EVENT_H
#define CSDNS_SYNC_EVENT_H

#include "sync/entity.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define EVENT_HINTS_MAX 12 /* more than there are classes (entity_find_class), with the entity */
#define EVENT_BODY_MAX	((size_t)1024 * 1024)

enum event_form {
	EVENT_ACTION,
	EVENT_STATE, /* ResourceStateEvent */
	EVENT_JOB,   /* AsyncJobEvent, with what the API answered */
	EVENT_USAGE,
	EVENT_ROW,   /* of listEvents */
	EVENT_OTHER, /* alerts, a test delivery, what a later CloudStack may send */
};

/* What to do about it. */
enum event_use {
	EVENT_HINTS,   /* ask for the entities of its hints */
	EVENT_EARLY,   /* nothing has happened yet: Scheduled, Started, before a transition */
	EVENT_IGNORED, /* of no concern to DNS, or a form of no use */
	EVENT_UNKNOWN, /* of concern, but it does not say which entity */
};

struct event_hint {
	enum entity_kind kind;
	char uuid[UUID_SIZE];
	bool is_gone; /* says that it is destroyed; only to be believed where nobody can be asked */
	json_t *told; /* owned: the entity as the API would answer it, or NULL */
};

struct cloud_event {
	enum event_form form;
	enum event_use use;
	char type[64];	/* "VM.CREATE"; of an EVENT_STATE the new state */
	bool is_failed; /* says so; may have changed something all the same */
	struct event_hint hints[EVENT_HINTS_MAX];
	size_t n_hints;
};

/* 0, and the event is to be freed with event_fini; or -1 with why, one line: not JSON, not an
 * object, too long, a uuid that is none. body is borrowed. */
int event_decode(const char *body, size_t len, struct cloud_event *event, char *why, size_t size)
	__attribute__((warn_unused_result));
/* The same for a row of listEvents. */
int event_decode_row(const json_t *row, struct cloud_event *event, char *why, size_t size)
	__attribute__((warn_unused_result));
void event_fini(struct cloud_event *event);

/* Where nobody can be asked: only hints that tell what an entity is, or that it is gone, stay. */
void event_keep_told(struct cloud_event *event);
/* What the older one tells of entities that the newer one tells of is forgotten. */
void event_forget_older(struct cloud_event *older, const struct cloud_event *newer);

/* "action", "state", … ; "taken", "early", … */
const char *event_form_name(enum event_form form);
const char *event_use_name(enum event_use use);

#endif
