/*
 * task: an entity from the queue in a worker's hand: the question about it, and the answer or the
 * error until the database has it; a list of these; and how they are told to the database.
 */
#ifndef CSDNS_SYNC_TASK_H
#define CSDNS_SYNC_TASK_H

#include "sync/entity.h"
#include "sync/lookup.h"

#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>

struct worker;

enum task_state {
	TASK_ASKING,
	TASK_ANSWERED,	/* answer is to be stored */
	TASK_FAILED,	/* error is to be told */
	TASK_SENT,	/* the database has it */
	TASK_FORGOTTEN, /* the connection was lost: nobody wants the API's answer any more */
};

struct task {
	struct task *next;
	struct worker *worker; /* whose hand */
	enum task_state state;
	enum entity_kind kind;
	char uuid[UUID_SIZE];
	char generation[24];
	json_t *hint;	      /* or NULL */
	struct lookup lookup; /* while it is asked for */
	bool is_told;	      /* the answer is the event's own word: there is no API */
	bool is_gone;
	bool is_passing; /* the error: it is the API's, not the entity's */
	json_t *entity;	 /* the answer, NULL when it is gone */
	char error[300];
};

/* From a row of csdns.sync_claim: kind, uuid, generation, hint. NULL when memory is out. */
struct task *task_new(const PGresult *rows, int row);
void task_free(struct task *task);
void task_fail(struct task *task, const char *why);
/* The answer is that there is no such entity. */
void task_gone(struct task *task);

/* Takes it out of the list and frees it. */
void tasks_drop(struct task **tasks, struct task *task);
/* One that the database has; NULL: there is none. */
struct task *tasks_find_sent(struct task *tasks, const char *kind, const char *uuid);
/* Those that the database has failed as a whole: each waits. */
void tasks_fail_sent(struct task *tasks, const char *why);
unsigned tasks_count(const struct task *tasks, enum task_state state);
/* Up to so many in one state, which the database has from then on, as csdns.sync_store and
 * csdns.sync_fail take them: JSON text, which is to be freed; NULL when there are none, or no
 * memory. */
char *tasks_collect(struct task *tasks, enum task_state state, unsigned most);
/* All that somebody still wants, as csdns.sync_renew takes them: JSON text, to be freed; NULL when
 * memory is out. */
char *tasks_list(const struct task *tasks);

#endif
