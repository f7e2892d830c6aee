/*
 * metrics: numbers in Prometheus' text format (version 0.0.4), written by whoever owns them.
 *
 * A metric is begun once, and then has its samples, one for each set of labels. Names and labels'
 * names are constants of the program; labels' values may be anything and are escaped.
 */
#ifndef CSDNS_BASE_METRICS_H
#define CSDNS_BASE_METRICS_H

#include "base/buf.h"
#include "base/histogram.h"

#include <stdbool.h>
#include <stdint.h>

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metric {
	struct buf *out;
	const char *name; /* borrowed */
};

/* Counters' names end in _total. help: one line, without backslashes. */
struct metric metric_counter(struct buf *out, const char *name, const char *help);
struct metric metric_gauge(struct buf *out, const char *name, const char *help);
struct metric metric_histogram(struct buf *out, const char *name, const char *help);

/* A label; an array of them ends with one without a name. */
struct metric_label {
	const char *name; /* NULL: the end of the array */
	const char *value;
};

/* For metrics with one label. */
#define METRIC_LABEL(label, text)                                                                  \
	(const struct metric_label[])                                                              \
	{                                                                                          \
		{label, text},                                                                     \
		{                                                                                  \
			NULL, NULL                                                                 \
		}                                                                                  \
	}

/* labels may be NULL. */
void metric_add(const struct metric *metric, const struct metric_label *labels, uint64_t value);
/* In seconds. */
void metric_add_ms(const struct metric *metric, const struct metric_label *labels, int64_t ms);
void metric_add_us(const struct metric *metric, const struct metric_label *labels, int64_t us);
/* In seconds, with _bucket, _sum and _count. */
void metric_add_histogram(const struct metric *metric, const struct metric_label *labels,
	const struct histogram *histogram);

/* Metrics of one sample without labels. */
void metrics_counter(struct buf *out, const char *name, const char *help, uint64_t value);
void metrics_gauge(struct buf *out, const char *name, const char *help, uint64_t value);

#endif
