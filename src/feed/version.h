/*
 * version: csdns.head() as a query and its result. Private to src/feed.
 */
#ifndef CSDNS_FEED_VERSION_H
#define CSDNS_FEED_VERSION_H

#include "mirror/mirror.h"

#include <libpq-fe.h>

#define VERSION_COLUMNS "version, (extract(epoch FROM at) * 1000000)::bigint"
#define VERSION_QUERY	"SELECT " VERSION_COLUMNS " FROM csdns.head()"

/* From the first row's first two columns; false when they are not there or no numbers. */
bool version_parse(const PGresult *result, struct store_version *version);

#endif
