/*
 * feed: keeps a mirror equal to the store. Loads everything in one snapshot, then follows the
 * journal: LISTEN tells that there is something new, or a poll does where LISTEN does not exist
 * (a hot standby). Each step goes from one committed version to a later one.
 *
 * A lost database is nothing special: the mirror stays as it is, the feed connects again with
 * growing pauses, and goes on from the version that it has. It loads everything again only when the
 * journal no longer reaches back to that version, or the store's history is another one.
 */
#ifndef CSDNS_FEED_FEED_H
#define CSDNS_FEED_FEED_H

#include "mirror/affected.h"
#include "mirror/mirror.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct feed;

struct feed_settings {
	const char *db;	      /* libpq conninfo or URI; borrowed */
	int64_t poll_ms;      /* between polls where LISTEN does not work */
	uint32_t default_ttl; /* seconds */
};

struct feed_handlers {
	/* The mirror to serve from now on, after a full load. Borrowed until the next call. */
	void (*on_mirror)(void *arg, struct mirror *mirror);
	/* The mirror has reached a later version, which may have made these answers wrong. Called
	 * before on_version, and after on_mirror where everything was loaded. Borrowed for the
	 * call. NULL: it is not worked out. */
	void (*on_affected)(void *arg, const struct affected *affected);
	/* The mirror has reached a later version, by a load or by following. */
	void (*on_version)(void *arg, struct store_version version);
	/* There is no connection, or none any more. */
	void (*on_lost)(void *arg, const char *why);
};

enum feed_state { FEED_DISCONNECTED, FEED_CONNECTING, FEED_LOADING, FEED_FOLLOWING };

struct feed_status {
	enum feed_state state;
	bool has_data;
	bool is_listening;	     /* NOTIFY works; else polling */
	struct store_version mirror; /* what is served */
	struct store_version store;  /* the newest that was seen */
	int64_t current_ms; /* clock_ms() when the mirror was last known to equal the store */
	uint64_t loads;	    /* full loads that completed */
	uint64_t changes;   /* change sets applied */
	uint64_t losses;    /* connections that were lost, or could not be made */
	uint64_t left_out;  /* rows of the last load that cannot be served */
};

/* Starts at once. settings are copied, but for what they borrow. NULL when memory is out. */
struct feed *feed_new(struct event_base *base, const struct feed_settings *settings,
	const struct feed_handlers *handlers, void *arg);
/* The served mirror is freed too; listings must be gone. */
void feed_free(struct feed *feed);

/* Loads everything again, aside; the mirror is served meanwhile. New settings take effect with it.
 */
void feed_reload(struct feed *feed, const struct feed_settings *settings);

void feed_get_status(const struct feed *feed, struct feed_status *status);
const char *feed_state_text(enum feed_state state);

#endif
