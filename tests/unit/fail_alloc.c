#include "fail_alloc.h"

#include <stddef.h>

static unsigned left;
static bool done;

void fail_alloc_at(unsigned n)
{
	left = n;
	done = false;
}

bool fail_alloc_done(void)
{
	return done;
}

static bool fails(void)
{
	if (left == 0 || --left > 0)
		return false;
	done = true;
	return true;
}

/* The linker's --wrap sends calls of NAME to __wrap_NAME, and __real_NAME is the library's. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}
