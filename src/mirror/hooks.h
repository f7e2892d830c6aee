/*
 * hooks: what tests can switch off, to see that they would notice if it were not there. Compiled in
 * only with configure --enable-test-hooks.
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

#else

static inline bool hook_is_off(const char *word)
{
	(void)word;
	return false;
}

#endif

#endif
