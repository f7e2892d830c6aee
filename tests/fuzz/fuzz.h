/*
 * fuzz: what a fuzz target defines. libFuzzer calls it with generated inputs, replay.c with each
 * file of the target's corpus; it checks what must hold for any input and aborts where it does not.
 */
#ifndef CSDNS_TESTS_FUZZ_H
#define CSDNS_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Returns 0. data is borrowed, without a terminating zero. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                      \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			(void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,    \
				#condition);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
