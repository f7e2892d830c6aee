/*
 * process_metrics: what Prometheus' client libraries tell of every process, under the same names.
 */
#ifndef CSDNS_BASE_PROCESS_METRICS_H
#define CSDNS_BASE_PROCESS_METRICS_H

#include "base/buf.h"

/* Reads /proc; what it cannot read is left out. */
void process_metrics(struct buf *out);

#endif
