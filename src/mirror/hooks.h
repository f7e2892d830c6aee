/*
 * hooks: what tests can switch off, to see that they would notice if it were not there, and times
 * that they cannot wait for. Compiled in only with configure --enable-test-hooks.
 */
#ifndef CSDNS_MIRROR_HOOKS_H
#define CSDNS_MIRROR_HOOKS_H

#include <stdbool.h>

#ifdef CSDNS_TEST_HOOKS

#include <stdlib.h>
#include <string.h>

/* Is the word in the environment's CSDNS_TEST_OFF? Words are parted by blanks. */
static inline bool hook_is_off(const char *word)
{
	const char *off = getenv("CSDNS_TEST_OFF");
	size_t len = strlen(word);

	while (off != NULL && *off != '\0') {
		size_t n = strcspn(off, " ");
		if (n == len && strncmp(off, word, n) == 0)
			return true;
		off += n + strspn(off + n, " ");
	}
	return false;
}

/* A number from the environment instead of the usual one. */
static inline long hook_number(const char *variable, long usual)
{
	const char *text = getenv(variable);

	return text == NULL ? usual : strtol(text, NULL, 10);
}

#else

static inline long hook_number(const char *variable, long usual)
{
	(void)variable;
	return usual;
}

static inline bool hook_is_off(const char *word)
{
	(void)word;
	return false;
}

#endif

#endif
