/*
 * left_out: tells of rows that cannot be served, each with its id, but no more than a few of them
 * at once.
 */
#ifndef CSDNS_FEED_LEFT_OUT_H
#define CSDNS_FEED_LEFT_OUT_H

#include "mirror/rows.h"

#include <stdint.h>

#define LEFT_OUT_LINES 20

struct left_out {
	uint64_t rows; /* since the last reset */
};

void left_out_reset(struct left_out *left_out);
void left_out_record(struct left_out *left_out, const struct record_row *row, const char *why);
void left_out_domain(struct left_out *left_out, const struct domain_row *row, const char *why);
/* Never its secret. */
void left_out_tsig_key(struct left_out *left_out, const struct tsig_row *row, const char *why);
/* Tells how many rows were left out without a line of their own. */
void left_out_summary(const struct left_out *left_out);

#endif
