/*
 * publish: the moment in which the feed's mirror moves on to a later version, and the owner hears
 * of it. Private to src/feed.
 */
#ifndef CSDNS_FEED_PUBLISH_H
#define CSDNS_FEED_PUBLISH_H

struct feed;

/* The mirror that was filled takes the place of the one before. */
void publish_load(struct feed *feed);
/* The change set of feed->follow is committed. */
void publish_change(struct feed *feed);
/* The store was seen to have nothing newer. */
void publish_current(struct feed *feed);

#endif
