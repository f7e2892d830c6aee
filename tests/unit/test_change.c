/*
 * Change sets against a naive model: a store of lists, changed at random and journaled as the
 * database does it. What a change set is to do is done to the model and fed to the mirror, and
 * after each step the mirror has to be as the model says, for lookups and for pinned listings.
 */
#include "unit.h"

#include "change_run.h"
#include "store_check.h"

static unsigned count_listings(const struct run *run)
{
	unsigned n = 0;

	for (size_t i = 0; i < LISTINGS; i++)
		n += run->listings[i].pin != NULL;
	return n;
}

/* Another mirror with the same data takes the place of the first. */
static void reload(struct run *run)
{
	struct mirror *old = run->mirror;

	run->mirror = mirror_new(300);
	assert_non_null(run->mirror);
	assert_int_equal(model_load(run->mirror, &run->model), 0);
	mirror_unref(old);
	old->next = run->dropped;
	run->dropped = old;
}

static void test_random(void **state)
{
	struct run *run = run_new();

	(void)state;
	for (int i = 0; i < 1500; i++) {
		run_step(run);
		store_check(run->mirror, &run->model, true);
		if (count_listings(run) == 0)
			run_check_memory(run);
		if (unit_random(50) == 0)
			reload(run);
		/* all of them end, now and then */
		for (size_t k = 0; unit_random(20) == 0 && k < LISTINGS; k++)
			if (run->listings[k].pin != NULL)
				listing_end(&run->listings[k]);
	}
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	unit_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
