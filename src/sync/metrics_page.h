/*
 * metrics_page: csdns-sync's numbers for Prometheus. Reads them from whoever has them; keeps none.
 */
#ifndef CSDNS_SYNC_METRICS_PAGE_H
#define CSDNS_SYNC_METRICS_PAGE_H

#include "base/buf.h"
#include "sync/monitor.h"

void metrics_page(
	struct buf *out, const struct monitor_parts *parts, const struct monitor_shared *shared);

#endif
