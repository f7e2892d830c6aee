/*
 * health: is csdnsd ready to answer, and is anything wrong? Data of yesterday is still served: that
 * is what the mirror is for, and it is said.
 */
#ifndef CSDNS_SERVE_HEALTH_H
#define CSDNS_SERVE_HEALTH_H

#include "base/buf.h"
#include "serve/monitor.h"

#include <stdbool.h>

/* Writes a JSON object, and returns whether it is ready: it has data, not older than max_age_ms
 * where that is not 0. */
bool health_write(struct buf *out, const struct monitor_parts *parts, long max_age_ms);

#endif
