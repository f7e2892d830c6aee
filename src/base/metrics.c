#include "base/metrics.h"

#include <inttypes.h>
#include <stdio.h>

const uint64_t histogram_bounds_us[HISTOGRAM_CLASSES - 1] = {1, 2, 5, 10, 20, 50, 100, 200, 500,
	1000, 2000, 5000, 10000, 50000, 200000, 1000000, 5000000};

static struct metric metric_begin(
	struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
	return (struct metric){out, name};
}

struct metric metric_counter(struct buf *out, const char *name, const char *help)
{
	return metric_begin(out, name, "counter", help);
}

struct metric metric_gauge(struct buf *out, const char *name, const char *help)
{
	return metric_begin(out, name, "gauge", help);
}

struct metric metric_histogram(struct buf *out, const char *name, const char *help)
{
	return metric_begin(out, name, "histogram", help);
}

static void add_label_value(struct buf *out, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			BUF_ADD_LIT(out, "\\n");
		else if (*value == '"' || *value == '\\')
			buf_printf(out, "\\%c", *value);
		else
			buf_add_char(out, *value);
	}
}

/* The name with its labels. bound: of a histogram's class, or NULL. */
static void add_name(const struct metric *metric, const char *suffix,
	const struct metric_label *labels, const char *bound)
{
	struct buf *out = metric->out;
	char before = '{';

	buf_add_str(out, metric->name);
	buf_add_str(out, suffix);
	for (; labels != NULL && labels->name != NULL; labels++) {
		buf_printf(out, "%c%s=\"", before, labels->name);
		add_label_value(out, labels->value);
		buf_add_char(out, '"');
		before = ',';
	}
	if (bound != NULL) {
		buf_printf(out, "%cle=\"%s\"", before, bound);
		before = ',';
	}
	buf_add_str(out, before == ',' ? "} " : " ");
}

void metric_add(const struct metric *metric, const struct metric_label *labels, uint64_t value)
{
	add_name(metric, "", labels, NULL);
	buf_add_u64(metric->out, value);
	buf_add_char(metric->out, '\n');
}

void metric_add_us(const struct metric *metric, const struct metric_label *labels, int64_t us)
{
	uint64_t size = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;

	add_name(metric, "", labels, NULL);
	buf_printf(metric->out, "%s%" PRIu64 ".%06" PRIu64 "\n", us < 0 ? "-" : "", size / 1000000,
		size % 1000000);
}

void metric_add_ms(const struct metric *metric, const struct metric_label *labels, int64_t ms)
{
	metric_add_us(metric, labels, ms * 1000);
}

void metric_add_histogram(const struct metric *metric, const struct metric_label *labels,
	const struct histogram *histogram)
{
	uint64_t count = 0;

	for (size_t i = 0; i < HISTOGRAM_CLASSES; i++) {
		char bound[32] = "+Inf";
		if (i < HISTOGRAM_CLASSES - 1)
			(void)snprintf(
				bound, sizeof(bound), "%g", (double)histogram_bounds_us[i] / 1e6);
		count += histogram->counts[i];
		add_name(metric, "_bucket", labels, bound);
		buf_printf(metric->out, "%" PRIu64 "\n", count);
	}
	add_name(metric, "_sum", labels, NULL);
	buf_printf(metric->out, "%" PRIu64 ".%09" PRIu64 "\n", histogram->sum_ns / 1000000000,
		histogram->sum_ns % 1000000000);
	add_name(metric, "_count", labels, NULL);
	buf_printf(metric->out, "%" PRIu64 "\n", count);
}

void metrics_counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
	struct metric metric = metric_counter(out, name, help);

	metric_add(&metric, NULL, value);
}

void metrics_gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
	struct metric metric = metric_gauge(out, name, help);

	metric_add(&metric, NULL, value);
}
