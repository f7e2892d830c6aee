#include "unit.h"

#include "base/metrics.h"
#include "base/process_metrics.h"

static void assert_text(struct buf *out, const char *text)
{
	assert_false(buf_failed(out));
	buf_add_char(out, '\0');
	assert_string_equal(out->data, text);
	buf_fini(out);
}

static void test_samples(void **state)
{
	const struct metric_label labels[] = {{"a", "x"}, {"b", "\"\\\n"}, {NULL, NULL}};
	struct buf out;

	(void)state;
	buf_init(&out);
	struct metric metric = metric_counter(&out, "things_total", "Things.");
	metric_add(&metric, NULL, UINT64_MAX);
	metric_add(&metric, labels, 0);
	assert_text(&out, "# HELP things_total Things.\n"
			  "# TYPE things_total counter\n"
			  "things_total 18446744073709551615\n"
			  "things_total{a=\"x\",b=\"\\\"\\\\\\n\"} 0\n");
}

static void test_times(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out);
	struct metric metric = metric_gauge(&out, "t_seconds", "T.");
	metric_add_us(&metric, NULL, 1);
	metric_add_us(&metric, NULL, -1500001);
	metric_add_ms(&metric, NULL, 1234);
	assert_text(&out, "# HELP t_seconds T.\n"
			  "# TYPE t_seconds gauge\n"
			  "t_seconds 0.000001\n"
			  "t_seconds -1.500001\n"
			  "t_seconds 1.234000\n");
}

/* The class that one thing of this length falls into. */
static size_t class_of(uint64_t ns)
{
	struct histogram histogram = {.sum_ns = 0};
	size_t i = 0;

	histogram_add(&histogram, ns, 1);
	while (histogram.counts[i] == 0)
		i++;
	return i;
}

static void test_classes(void **state)
{
	(void)state;
	assert_int_equal(class_of(0), 0);
	for (size_t i = 0; i < HISTOGRAM_CLASSES - 1; i++) {
		assert_int_equal(class_of(histogram_bounds_us[i] * 1000), i);
		assert_int_equal(class_of(histogram_bounds_us[i] * 1000 + 1), i + 1);
	}
	assert_int_equal(class_of(UINT64_MAX), HISTOGRAM_CLASSES - 1);
}

static void test_histogram(void **state)
{
	struct histogram histogram = {.sum_ns = 0};
	struct buf out;

	(void)state;
	buf_init(&out);
	histogram_add(&histogram, 1500, 2);
	histogram_add(&histogram, 6000000000, 1);
	struct metric metric = metric_histogram(&out, "h_seconds", "H.");
	metric_add_histogram(&metric, NULL, &histogram);
	buf_add_char(&out, '\0');
	assert_non_null(strstr(out.data, "h_seconds_bucket{le=\"1e-06\"} 0\n"));
	assert_non_null(strstr(out.data, "h_seconds_bucket{le=\"2e-06\"} 2\n"));
	assert_non_null(strstr(out.data, "h_seconds_bucket{le=\"5\"} 2\n"));
	assert_non_null(strstr(out.data, "h_seconds_bucket{le=\"+Inf\"} 3\n"));
	assert_non_null(strstr(out.data, "h_seconds_sum 6.000003000\nh_seconds_count 3\n"));
	buf_fini(&out);
}

static void test_process(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out);
	process_metrics(&out);
	buf_add_char(&out, '\0');
	const char *memory = strstr(out.data, "\nprocess_resident_memory_bytes ");
	assert_non_null(memory);
	assert_in_range(strtoull(strchr(memory, ' '), NULL, 10), 100000, UINT32_MAX);
	assert_non_null(strstr(out.data, "\nprocess_start_time_seconds "));
	assert_non_null(strstr(out.data, "\nprocess_open_fds "));
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
