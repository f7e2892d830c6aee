/*
 * option_value: the value of one option, from its text to its field. Private to src/base; what
 * types there are, and whom a field belongs to, options.h says.
 */
#ifndef CSDNS_BASE_OPTION_VALUE_H
#define CSDNS_BASE_OPTION_VALUE_H

#include "base/options.h"

/* Zero, NULL or empty, whatever was there. */
void option_value_init(const struct option_spec *spec, void *settings);
/* Frees what the field owns; it is as after option_value_init. */
void option_value_fini(const struct option_spec *spec, void *settings);

extern const char option_out_of_memory[];
/* first: the first value from this source, so that a list starts afresh. NULL, or what is wrong
 * with the text: a constant text, option_out_of_memory where that is it. */
const char *option_value_set(const struct option_spec *spec, void *settings, const char *text,
	bool first) __attribute__((warn_unused_result));

#endif
