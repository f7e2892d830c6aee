/*
 * status: how csdnsd is, for people: what `pdnsutil backend-cmd remote status` shows.
 */
#ifndef CSDNS_SERVE_STATUS_H
#define CSDNS_SERVE_STATUS_H

#include "base/buf.h"
#include "feed/feed.h"
#include "serve/purge.h"
#include "serve/server.h"

/* Lines "name value". */
void status_text(struct buf *text, const struct feed *feed, const struct server *server,
	const struct purge *purge);

#endif
