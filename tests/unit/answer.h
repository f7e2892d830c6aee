/*
 * answer: everything that PowerDNS could send for a name, as one number: what it would find when it
 * asked the mirror for it now, step by step. To see which answers a change has made wrong.
 */
#ifndef CSDNS_TESTS_ANSWER_H
#define CSDNS_TESTS_ANSWER_H

#include "mirror/mirror.h"

/* For all types. Without the serial in the SOA of answers that say "no". */
uint64_t answer_of(const struct mirror *mirror, const uint8_t *wire, size_t len);

#endif
