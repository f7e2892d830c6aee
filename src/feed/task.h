/*
 * task: what the feed asks of the database, one thing at a time, and what is next. Its results come
 * to feed.c. Private to src/feed.
 */
#ifndef CSDNS_FEED_TASK_H
#define CSDNS_FEED_TASK_H

#include <event2/event.h>
#include <stdbool.h>

struct feed;

/* What the connection is busy with. */
enum task {
	TASK_NONE,
	TASK_CHECK,   /* is the schema there, may we listen? */
	TASK_PREPARE, /* statements */
	TASK_LISTEN,
	TASK_LOAD,
	TASK_FOLLOW,
	TASK_POLL,
	TASK_SETTLE, /* serials that are owed */
};

/* Once. False when memory is out. */
bool task_make_events(struct feed *feed, struct event_base *base)
	__attribute__((warn_unused_result));
/* The setup of a connection, in this order; LISTEN where it works. */
void task_begin_check(struct feed *feed);
void task_begin_prepare(struct feed *feed);
void task_begin_listen(struct feed *feed);
/* The connection may be idle: begins what is wanted, or waits for the next poll. */
void task_next(struct feed *feed);
/* Gives up the change set of TASK_FOLLOW. */
void task_abort_follow(struct feed *feed);

#endif
