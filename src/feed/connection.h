/*
 * connection: the feed's connection to the database: making it, noticing that it is lost or says
 * nothing, and making it again after a pause that grows. Private to src/feed.
 */
#ifndef CSDNS_FEED_CONNECTION_H
#define CSDNS_FEED_CONNECTION_H

#include <event2/event.h>
#include <stdbool.h>

struct feed;

/* Once, before the first start. False when memory is out. */
bool connection_make_events(struct feed *feed, struct event_base *base)
	__attribute__((warn_unused_result));
/* What becomes of it comes to the handlers of feed->pg. */
void connection_start(struct feed *feed);
/* Now, with the settings as they are: no waiting for the next attempt, whatever there is goes. */
void connection_restart(struct feed *feed);
/* Whatever is under way is given up; the mirror stays, the owner hears of it. */
void connection_lost(struct feed *feed, const char *why);
/* It brought what was asked for: the next pause is the shortest again. */
void connection_works(struct feed *feed);

#endif
