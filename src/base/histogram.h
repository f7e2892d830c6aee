/*
 * histogram: how long things took, in fixed classes from a microsecond to seconds. Adding costs a
 * few comparisons.
 */
#ifndef CSDNS_BASE_HISTOGRAM_H
#define CSDNS_BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_CLASSES 18 /* one more than there are bounds */

struct histogram {
	uint64_t counts[HISTOGRAM_CLASSES]; /* the last: above all bounds */
	uint64_t sum_ns;
};

/* Microseconds; class i goes up to the i-th, which belongs to it. */
extern const uint64_t histogram_bounds_us[HISTOGRAM_CLASSES - 1];

/* n things that took ns each. */
static inline void histogram_add(struct histogram *histogram, uint64_t ns, uint64_t n)
{
	size_t i = 0;

	while (i < HISTOGRAM_CLASSES - 1 && ns > histogram_bounds_us[i] * 1000)
		i++;
	histogram->counts[i] += n;
	histogram->sum_ns += ns * n;
}

#endif
