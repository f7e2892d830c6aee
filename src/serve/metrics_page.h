/*
 * metrics_page: csdnsd's numbers for Prometheus. Reads them from whoever has them; keeps none.
 */
#ifndef CSDNS_SERVE_METRICS_PAGE_H
#define CSDNS_SERVE_METRICS_PAGE_H

#include "base/buf.h"
#include "serve/monitor.h"

void metrics_page(struct buf *out, const struct monitor_parts *parts);

#endif
