#include "unit.h"

#include "change_run.h"

#include "mirror_check.h"
#include "store_check.h"

static void free_dropped(struct run *run, size_t budget)
{
	for (struct mirror **at = &run->dropped; *at != NULL;) {
		struct mirror *mirror = *at;
		struct mirror *next = mirror->next;
		if (mirror->refs == 0 && mirror_free_step(mirror, budget))
			*at = next;
		else
			at = &mirror->next;
	}
}

/* What may happen between any two steps of the feed: listings begin, go on and end; lookups see
 * what they saw. */
static void turn(struct run *run)
{
	for (size_t i = 0; i < LISTINGS; i++) {
		if (unit_random(3) > 0)
			continue;
		if (run->listings[i].pin != NULL)
			listing_go_on(&run->listings[i]);
		else if (unit_random(6) == 0)
			listing_begin(&run->listings[i], run->mirror, &run->model);
	}
	if (unit_random(10) == 0)
		store_check(run->mirror, &run->model, false);
	free_dropped(run, unit_random(300));
}

/* Now and then. */
static void maybe_turn(struct run *run)
{
	if (!run->is_still && unit_random(8) == 0)
		turn(run);
}

int run_touch(struct run *run, struct change *change, const struct journal *journal)
{
	for (unsigned i = 0; i < journal->n_zones; i++)
		if (change_touch_zone(change, journal->zones[i]) < 0)
			return -1;
	if (journal->has_tsig_keys && change_touch_tsig_keys(change) < 0)
		return -1;
	for (unsigned i = 0; i < journal->n_names; i++) {
		maybe_turn(run);
		if (change_touch_name(change, journal->names[i].id,
			    model_stored_name(journal->names[i].name)) < 0)
			return -1;
	}
	for (unsigned i = 0; i < journal->n_infos; i++)
		if (change_touch_info(change, journal->infos[i]) < 0)
			return -1;
	return 0;
}

/* The journal may say things twice. */
static int touch_all(struct run *run, struct change *change, const struct journal *journal)
{
	int rc = run_touch(run, change, journal);

	return rc == 0 && unit_random(2) == 0 ? run_touch(run, change, journal) : rc;
}

static int row_taken(enum row_result result)
{
	if (result == ROW_NO_MEMORY)
		return -1;
	assert_in_range(result, ROW_TAKEN, ROW_IGNORED);
	return 0;
}

static int feed_zone(struct run *run, struct change *change, const struct model_zone *zone)
{
	const char *why;

	for (unsigned i = 0; i < zone->n_metadata; i++) {
		struct metadata_row row = model_metadata_row(zone, i);
		if (row_taken(change_add_metadata(change, &row, &why)) < 0)
			return -1;
	}
	for (unsigned i = 0; i < zone->n_keys; i++) {
		struct key_row row = model_key_row(zone, i);
		if (row_taken(change_add_key(change, &row, &why)) < 0)
			return -1;
	}
	for (unsigned i = 0; i < zone->n_records; i++) {
		struct record_row row = model_record_row(zone, i);
		maybe_turn(run);
		if (row_taken(change_add_record(change, &row, &why)) < 0)
			return -1;
	}
	return 0;
}

int run_feed(struct run *run, struct change *change, const struct model *model)
{
	const char *why;
	int rc = 0;

	for (size_t i = 0; i < ZONES && rc == 0; i++) {
		struct domain_row row = model_domain_row(&model->zones[i]);
		if (row.id != 0)
			rc = row_taken(change_add_domain(change, &row, &why));
	}
	for (unsigned i = 0; i < model->n_tsig_keys && rc == 0; i++) {
		struct tsig_row row = model_tsig_row(i);
		rc = row_taken(change_add_tsig_key(change, &row, &why));
	}
	for (size_t i = 0; i < ZONES && rc == 0; i++)
		if (model->zones[i].id != 0)
			rc = feed_zone(run, change, &model->zones[i]);
	return rc;
}

static void clean(struct run *run, struct change *change)
{
	while (!change_clean_step(change, unit_random(5)))
		turn(run);
	while (!mirror_free_step(run->mirror, 1 + unit_random(20)))
		turn(run);
}

void run_step(struct run *run)
{
	struct model next = run->model;
	struct journal journal = {0};
	struct change *change = change_new(run->mirror);

	assert_non_null(change);
	for (size_t n = 1 + unit_random(8); n > 0; n--)
		model_transact(&next, &journal);
	assert_int_equal(touch_all(run, change, &journal), 0);
	turn(run);
	bool is_fed = unit_random(10) > 0;
	if (is_fed)
		assert_int_equal(run_feed(run, change, &next), 0);
	turn(run);
	store_check(run->mirror, &run->model, false);
	if (!is_fed || unit_random(10) == 0) {
		change_abort(change);
		store_check(run->mirror, &run->model, false);
		clean(run, change);
		return;
	}
	struct store_version version = {++run->version, 5};
	change_commit(change, version);
	run->model = next;
	assert_int_equal(run->mirror->version.number, run->version);
	store_check(run->mirror, &run->model, false);
	clean(run, change);
}

void run_check_memory(struct run *run)
{
	struct mirror *fresh = mirror_new(300);

	assert_non_null(fresh);
	while (!mirror_free_step(run->mirror, 100))
		;
	assert_int_equal(model_load(fresh, &run->model), 0);
	struct reachable in_fresh = mirror_reachable(fresh);
	struct reachable in_old = mirror_reachable(run->mirror);
	assert_int_equal(in_fresh.data + in_fresh.tables, pool_used(fresh->pool));
	assert_int_equal(in_old.data + in_old.tables, pool_used(run->mirror->pool));
	assert_int_equal(in_old.data, in_fresh.data);
	mirror_unref(fresh);
	assert_true(mirror_free_step(fresh, SIZE_MAX));
}

struct run *run_new(void)
{
	struct run *run = calloc(1, sizeof(*run));

	assert_non_null(run);
	run->mirror = mirror_new(300);
	assert_non_null(run->mirror);
	return run;
}

void run_free(struct run *run)
{
	for (size_t i = 0; i < LISTINGS; i++)
		if (run->listings[i].pin != NULL)
			listing_end(&run->listings[i]);
	run_check_memory(run);
	free_dropped(run, SIZE_MAX);
	assert_null(run->dropped);
	mirror_unref(run->mirror);
	while (!mirror_free_step(run->mirror, 1))
		;
	free(run);
}
