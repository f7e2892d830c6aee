/*
 * Change sets, loads and pinned listings when memory runs out, at each allocation in turn.
 */
#include "unit.h"

#include "change_run.h"
#include "fail_alloc.h"
#include "fail_pool.h"
#include "mirror_check.h"
#include "store_check.h"

/* Of the two kinds of allocation the n-th fails. */
struct failure {
	void (*at)(unsigned n);
	bool (*done)(void);
};

static const struct failure failures[] = {
	{fail_alloc_at, fail_alloc_done}, {fail_pool_at, fail_pool_done}};

/* A transaction that is never committed, its n-th allocation failing. */
static bool try_change(struct run *run, const struct failure *failure, unsigned n,
	const struct journal *journal, const struct model *next)
{
	failure->at(n);
	struct change *change = change_new(run->mirror);
	if (change != NULL) {
		if (run_touch(run, change, journal) == 0)
			(void)run_feed(run, change, next);
		change_abort(change);
		assert_true(change_clean_step(change, SIZE_MAX));
	}
	bool ran_out = failure->done();
	failure->at(0);
	while (!mirror_free_step(run->mirror, SIZE_MAX))
		;
	return ran_out;
}

/* Whatever fails in a change set: once it is aborted nothing of it is seen, and nothing is left. */
static void test_change_out_of_memory(void **state)
{
	struct run *run = run_new();

	(void)state;
	run->is_still = true;
	for (int i = 0; i < 40; i++) {
		struct model next = run->model;
		struct journal journal = {0};
		for (size_t n = 4; n > 0; n--)
			model_transact(&next, &journal);
		for (size_t f = 0; f < COUNT(failures); f++) {
			for (unsigned n = 1; try_change(run, &failures[f], n, &journal, &next);
				n++) {
				store_check(run->mirror, &run->model, true);
				run_check_memory(run);
			}
		}
		struct change *change = change_new(run->mirror);
		struct store_version version = {(uint64_t)i, 0};
		assert_non_null(change);
		assert_int_equal(run_touch(run, change, &journal), 0);
		assert_int_equal(run_feed(run, change, &next), 0);
		change_commit(change, version);
		run->model = next;
		while (!change_clean_step(change, 1))
			;
	}
	run_free(run);
}

static bool try_load(struct run *run, const struct failure *failure, unsigned n)
{
	failure->at(n);
	struct mirror *mirror = mirror_new(300);
	int rc = mirror == NULL ? -1 : model_load(mirror, &run->model);
	bool ran_out = failure->done();
	failure->at(0);
	assert_true(ran_out || rc == 0);
	if (mirror != NULL) {
		/* A mirror that could not be filled is dropped; it is sound all the same. */
		mirror_check(mirror, true);
		if (rc == 0)
			store_check(mirror, &run->model, true);
		struct reachable reachable = mirror_reachable(mirror);
		assert_int_equal(reachable.data + reachable.tables, pool_used(mirror->pool));
		mirror_unref(mirror);
		assert_true(mirror_free_step(mirror, SIZE_MAX));
	}
	return ran_out;
}

static void test_load_out_of_memory(void **state)
{
	struct run *run = run_new();
	bool ran_out = true;

	(void)state;
	while (run->model.zones[2].n_records == 0)
		run_step(run);
	for (size_t f = 0; f < COUNT(failures); f++, ran_out = true) {
		for (unsigned n = 1; ran_out; n++)
			ran_out = try_load(run, &failures[f], n);
	}
	run_free(run);
}

/* A view that cannot be kept is lost and says so; the commit is whole. */
static void test_pin_out_of_memory(void **state)
{
	struct run *run = run_new();
	unsigned lost = 0;

	(void)state;
	run->is_still = true;
	while (run->model.zones[2].n_records == 0)
		run_step(run);
	for (int i = 0; i < LISTINGS; i++)
		if (run->listings[i].pin != NULL)
			listing_end(&run->listings[i]);
	for (unsigned n = 1; n < 20; n++) {
		struct model_zone *zone = &run->model.zones[2];
		int id = zone->id;
		struct mirror *mirror = mirror_new(300);
		assert_non_null(mirror);
		struct model next = run->model;
		struct journal journal = {0};
		assert_int_equal(model_load(mirror, &run->model), 0);
		struct listing listing = {.expected = *zone};
		listing.pin = zone_pin_new(mirror_find_zone_by_id(mirror, id));
		assert_non_null(listing.pin);
		for (int k = 0; k < 3; k++)
			model_change_name(&next.zones[2], &journal);

		struct run other = {.mirror = mirror, .model = run->model, .is_still = true};
		struct change *change = change_new(mirror);
		struct store_version version = {1, 0};
		assert_non_null(change);
		assert_int_equal(run_touch(&other, change, &journal), 0);
		assert_int_equal(run_feed(&other, change, &next), 0);
		fail_pool_at(n);
		change_commit(change, version);
		while (!change_clean_step(change, 1))
			;
		fail_pool_at(0);
		store_check(mirror, &next, false);
		int done = zone_pin_walk(listing.pin, SIZE_MAX, listing_on_name, &listing);
		assert_true(done == 1 || done == -1);
		lost += done == -1;
		for (unsigned i = 0; done == 1 && i < zone->n_records; i++)
			assert_true(listing.is_seen[i]);
		zone_pin_free(listing.pin);
		mirror_check(mirror, false);
		mirror_unref(mirror);
		assert_true(mirror_free_step(mirror, SIZE_MAX));
	}
	assert_true(lost > 0);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_change_out_of_memory),
		cmocka_unit_test(test_load_out_of_memory),
		cmocka_unit_test(test_pin_out_of_memory),
	};

	unit_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
