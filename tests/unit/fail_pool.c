#include "fail_pool.h"

#include "base/pool.h"

static unsigned left;
static bool done;

void fail_pool_at(unsigned n)
{
	left = n;
	done = false;
}

bool fail_pool_done(void)
{
	return done;
}

/* The linker's --wrap sends calls to the first, and the second is the real one. */
void *__wrap_pool_alloc(struct pool *pool, size_t n);
void *__real_pool_alloc(struct pool *pool, size_t n);

void *__wrap_pool_alloc(struct pool *pool, size_t n)
{
	if (left > 0 && --left == 0) {
		done = true;
		return NULL;
	}
	return __real_pool_alloc(pool, n);
}
