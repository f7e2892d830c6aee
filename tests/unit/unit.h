/*
 * unit: what every unit test includes: cmocka with what it needs in front, and a seed for tests
 * that draw at random.
 */
#ifndef CSDNS_TESTS_UNIT_H
#define CSDNS_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* Of an array that is in sight. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The seed of srandom: CSDNS_SEED from the environment, else the time; printed, so that a run that
 * failed can be repeated. */
static inline void unit_seed(void)
{
	const char *text = getenv("CSDNS_SEED");
	unsigned seed = text != NULL ? (unsigned)strtoul(text, NULL, 10) : (unsigned)time(NULL);

	printf("# CSDNS_SEED=%u\n", seed);
	srandom(seed);
}

/* 0 to n - 1. */
static inline size_t unit_random(size_t n)
{
	return (size_t)random() % n;
}

/* One of an array's items. */
#define PICK(array) ((array)[unit_random(COUNT(array))])

/* Says that a test was left out; the test returns then. Not cmocka's skip(), which version 1.1.5
 * prints as a failure. */
#define unit_skip(why) printf("# left out: %s: %s\n", __func__, why)

/* A file of the source tree, by its path from there, for reading; NULL when it is not there. */
static inline FILE *unit_open(const char *path)
{
	char full[4096];
	const char *top = getenv("srcdir");

	(void)snprintf(full, sizeof(full), "%s/%s", top != NULL ? top : ".", path);
	return fopen(full, "re");
}

/* Takes COPY's escapes out of a field, in place: \t, \n, \r and \\. */
static inline void unit_unescape(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++) {
		if (*text == '\\' && text[1] != '\0') {
			text++;
			*to++ = *text == 't'   ? '\t'
				: *text == 'n' ? '\n'
				: *text == 'r' ? '\r'
					       : *text;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

#endif
