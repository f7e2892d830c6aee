/*
 * Change sets against a naive model: a store of lists, changed at random and journaled as the
 * database does it. What a change set is to do is done to the model and fed to the mirror, and
 * after each step the mirror has to be as the model says, for lookups and for pinned listings.
 */
#include "unit.h"

#include "dns/rrtype.h"
#include "fail_alloc.h"
#include "fail_pool.h"
#include "fill.h"
#include "mirror/change.h"
#include "mirror_check.h"
#include "store_model.h"

#define LISTINGS 6

/* ---- is the mirror as the model says? ---- */

static bool same_text(const char *a, size_t len, const char *b)
{
	return strlen(b) == len && memcmp(a, b, len) == 0;
}

/* The content as the mirror keeps it. */
static void escape(char *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			*out++ = '\\';
		*out++ = *text;
	}
	*out = '\0';
}

static bool same_record(const struct rr *rr, const struct model_record *record)
{
	char content[2 * sizeof(record->content)];

	escape(content, record->content);
	return rr->type == rrtype_parse(record->type, strlen(record->type)) &&
	       rr->ttl == (uint32_t)record->ttl && rr->disabled == record->disabled &&
	       same_text(rr->content, rr->content_len, content);
}

/* The records of a name are those of the model, in the same order. */
static void check_records(const struct model_zone *zone, const char *name, const struct rrs *rrs)
{
	const uint8_t *at = NULL;
	struct rr rr;

	for (unsigned i = 0; i < zone->n_records; i++) {
		if (strcmp(zone->records[i].name, name) != 0)
			continue;
		at = rrs_next(rrs, at, &rr);
		assert_non_null(at);
		assert_true(same_record(&rr, &zone->records[i]));
	}
	/* none has none: a walk of nothing begins at its end */
	if (at != NULL)
		assert_null(rrs_next(rrs, at, &rr));
	else
		assert_null(rrs);
}

static bool ends_below(const char *name, const char *above)
{
	size_t len = strlen(name);
	size_t above_len = strlen(above);

	if (above_len == 0 || strcmp(name, above) == 0)
		return true;
	return len > above_len && strcmp(name + len - above_len, above) == 0 &&
	       name[len - above_len - 1] == '.';
}

static bool model_exists(const struct model_zone *zone, const char *name)
{
	for (unsigned i = 0; i < zone->n_records; i++)
		if (!zone->records[i].disabled && ends_below(zone->records[i].name, name))
			return true;
	return false;
}

static void check_name(const struct zone *zone, const struct model_zone *model, const char *text)
{
	struct name name;

	assert_int_equal(name_parse(&name, text, strlen(text)), NAME_OK);
	struct node *node = zone_find(zone, name.wire, (size_t)(name.len - zone->name_len));
	assert_int_equal(node != NULL && node_exists(node), model_exists(model, text));
	check_records(model, text, node == NULL ? NULL : node->rrs);
}

static enum zone_kind kind_of(const char *type)
{
	return strcmp(type, "MASTER") == 0  ? ZONE_PRIMARY
	       : strcmp(type, "SLAVE") == 0 ? ZONE_SECONDARY
					    : ZONE_NATIVE;
}

static void check_metadata(const struct zone *zone, const struct model_zone *model)
{
	const struct metadata *item = zone->metadata;
	char content[20];

	for (unsigned i = 0; i < model->n_metadata; i++, item = item->next) {
		struct metadata_row row = model_metadata_row(model, i);
		assert_non_null(item);
		escape(content, row.content.at);
		assert_true(same_text(item->text, item->kind_len, row.kind.at));
		assert_true(same_text(item->text + item->kind_len, item->content_len, content));
	}
	assert_null(item);
}

static bool is_secret(const struct secret *secret, unsigned i)
{
	static const char *const escaped[] = {"", "Private-key-format: v1.2\\u000a", "\\\"3\\\""};

	return same_text(secret->text, secret->len, escaped[i]);
}

static void check_keys(const struct zone *zone, const struct model_zone *model)
{
	const struct dnssec_key *key = zone->keys;

	for (unsigned i = 0; i < model->n_keys; i++, key = key->next) {
		assert_non_null(key);
		assert_int_equal(key->id, i + 1);
		assert_int_equal(key->flags, 257);
		assert_true(is_secret(key->content, i));
	}
	assert_null(key);
}

static void check_tsig_keys(const struct mirror *mirror, const struct model *model)
{
	const struct tsig_key *key = mirror->tsig_keys == NULL ? NULL : mirror->tsig_keys->first;
	struct name name;

	for (unsigned i = 0; i < model->n_tsig_keys; i++, key = key->next) {
		assert_non_null(key);
		assert_true(is_secret(key->secret, i));
		struct tsig_row row = model_tsig_row(i);
		assert_int_equal(name_parse(&name, row.name.at, row.name.len), NAME_OK);
		/* the third has the first one's name */
		assert_true(
			i == 2 || tsig_keys_find(mirror->tsig_keys, name.wire, name.len) == key);
	}
	assert_null(key);
	assert_null(tsig_keys_find(mirror->tsig_keys, (const uint8_t *)"\1x", 2));
}

/* Each name of the model, those above it, some near it and some at random. */
static void check_zone(const struct zone *zone, const struct model_zone *model)
{
	char text[48];

	assert_int_equal(zone->info->kind, kind_of(model->type));
	assert_int_equal(zone->info->last_check, model->last_check);
	check_metadata(zone, model);
	check_keys(zone, model);
	assert_int_equal(zone->records, model->n_records);
	check_name(zone, model, model->name);
	for (unsigned i = 0; i < model->n_records; i++) {
		const char *name = model->records[i].name;
		for (; strcmp(name, model->name) != 0; name = strchr(name, '.') + 1) {
			check_name(zone, model, name);
			if (strchr(name, '.') == NULL)
				break; /* of the root */
		}
		if (model->records[i].name[0] != '\0') {
			(void)snprintf(text, sizeof(text), "%s.%s", model_random_label(),
				model->records[i].name);
			check_name(zone, model, text);
		}
	}
	for (int i = 0; i < 10; i++) {
		model_random_name(text, sizeof(text), model->name);
		check_name(zone, model, text);
	}
}

static void check(const struct mirror *mirror, struct model *model, bool is_quiet)
{
	size_t zones = 0;

	mirror_check(mirror, is_quiet);
	check_tsig_keys(mirror, model);
	for (int id = 1; id < 10; id++) {
		const struct zone *zone = mirror_find_zone_by_id(mirror, id);
		const struct model_zone *expected = model_find(model, id);
		assert_int_equal(zone != NULL, expected != NULL);
		if (zone == NULL)
			continue;
		struct name name;
		zones++;
		assert_int_equal(
			name_parse(&name, expected->name, strlen(expected->name)), NAME_OK);
		assert_ptr_equal(mirror_find_zone(mirror, name.wire, name.len), zone);
		check_zone(zone, expected);
	}
	assert_int_equal(mirror_zones(mirror), zones);
}

/* ---- pinned listings ---- */

struct listing {
	struct mirror *mirror; /* a reference */
	struct zone_pin *pin;  /* NULL: there is none */
	struct model_zone expected;
	bool is_seen[RECORDS];
	bool is_done;
};

static void listing_begin(struct listing *listing, struct mirror *mirror, struct model *model)
{
	const struct model_zone *expected = &PICK(model->zones);

	if (expected->id == 0)
		return;
	memset(listing, 0, sizeof(*listing));
	listing->pin = zone_pin_new(mirror_find_zone_by_id(mirror, expected->id));
	if (listing->pin == NULL)
		return;
	mirror_ref(mirror);
	listing->mirror = mirror;
	listing->expected = *expected;
}

static bool node_has_name(const struct zone *zone, const struct node *node, const char *text)
{
	struct name name;

	assert_int_equal(name_parse(&name, text, strlen(text)), NAME_OK);
	return name.len == node->name_len + zone->name_len &&
	       memcmp(name.wire, node->name, node->name_len) == 0;
}

/* Is each record of the name authoritative just where the pinned zone says so? */
static bool expected_auth(const struct model_zone *zone, const struct model_record *record)
{
	for (unsigned i = 0; i < zone->n_records; i++) {
		const struct model_record *ns = &zone->records[i];
		if (strcmp(ns->type, "NS") != 0 || ns->disabled ||
			strcmp(ns->name, zone->name) == 0 || !ends_below(record->name, ns->name))
			continue;
		if (strcmp(record->type, "DS") != 0 || strcmp(record->name, ns->name) != 0)
			return false;
	}
	return true;
}

/* No record has this name, but one below it has. */
static void check_empty(const struct model_zone *expected, const struct zone *zone,
	const struct node *node, const struct rrs *rrs)
{
	bool is_above = false;

	assert_null(rrs);
	for (unsigned i = 0; i < expected->n_records; i++) {
		struct name name;
		assert_int_equal(name_parse(&name, expected->records[i].name,
					 strlen(expected->records[i].name)),
			NAME_OK);
		size_t len = name.len - zone->name_len;
		is_above |=
			!expected->records[i].disabled && len > node->name_len &&
			memcmp(name.wire + len - node->name_len, node->name, node->name_len) == 0;
	}
	assert_true(is_above);
}

static void on_name(void *arg, const struct node *node, const struct rrs *rrs)
{
	struct listing *listing = arg;
	const struct model_zone *expected = &listing->expected;
	const char *name = NULL;

	for (unsigned i = 0; i < expected->n_records; i++) {
		const struct model_record *record = &expected->records[i];
		if (!node_has_name(zone_pin_zone(listing->pin), node, record->name))
			continue;
		name = record->name;
		assert_false(listing->is_seen[i]);
		listing->is_seen[i] = true;
		assert_int_equal(zone_pin_authoritative(listing->pin, node,
					 rrtype_parse(record->type, strlen(record->type))),
			expected_auth(expected, record));
	}
	if (name != NULL)
		check_records(expected, name, rrs);
	else
		check_empty(expected, zone_pin_zone(listing->pin), node, rrs);
}

static void listing_end(struct listing *listing)
{
	struct zone *zone = zone_pin_zone(listing->pin);

	zone_pin_free(listing->pin);
	if (zone->is_garbage && zone->pins == NULL)
		mirror_discard_zone(listing->mirror, zone);
	mirror_unref(listing->mirror);
	listing->pin = NULL;
}

/* A part, sometimes the last one, sometimes the peer goes. */
static void listing_go_on(struct listing *listing)
{
	if (listing->is_done || unit_random(20) == 0) {
		listing_end(listing);
		return;
	}
	int done = zone_pin_walk(listing->pin, 1 + unit_random(4), on_name, listing);
	assert_in_range(done, 0, 1);
	if (done == 1) {
		listing->is_done = true;
		for (unsigned i = 0; i < listing->expected.n_records; i++)
			assert_true(listing->is_seen[i]);
	}
}

/* ---- the run ---- */

struct run {
	struct mirror *mirror;
	struct mirror *dropped; /* list */
	struct model model;	/* what the mirror shows */
	struct listing listings[LISTINGS];
	uint64_t version;
	bool is_still; /* nothing happens between the steps of the feed */
};

static unsigned count_listings(const struct run *run)
{
	unsigned n = 0;

	for (size_t i = 0; i < LISTINGS; i++)
		n += run->listings[i].pin != NULL;
	return n;
}

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
		check(run->mirror, &run->model, false);
	free_dropped(run, unit_random(300));
}

/* Now and then. */
static void maybe_turn(struct run *run)
{
	if (!run->is_still && unit_random(8) == 0)
		turn(run);
}

/* 0, or -1 when memory ran out, as the feed does it. */
static int touch_once(struct run *run, struct change *change, const struct journal *journal)
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
	int rc = touch_once(run, change, journal);

	return rc == 0 && unit_random(2) == 0 ? touch_once(run, change, journal) : rc;
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

/* The rows of all zones, touched or not: the change set takes what is touched. */
static int feed_all(struct run *run, struct change *change, const struct model *model)
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

/* One change set of some transactions. */
static void step(struct run *run)
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
		assert_int_equal(feed_all(run, change, &next), 0);
	turn(run);
	check(run->mirror, &run->model, false);
	if (!is_fed || unit_random(10) == 0) {
		change_abort(change);
		assert_true(change_clean_step(change, SIZE_MAX));
		return;
	}
	struct store_version version = {++run->version, 5};
	change_commit(change, version);
	run->model = next;
	assert_int_equal(run->mirror->version.number, run->version);
	check(run->mirror, &run->model, false);
	clean(run, change);
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

/* No more memory is taken than what can be reached, and that is what a mirror has that was filled
 * with the same data. */
static void check_memory(struct run *run)
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

static struct run *run_new(void)
{
	struct run *run = calloc(1, sizeof(*run));

	assert_non_null(run);
	run->mirror = mirror_new(300);
	assert_non_null(run->mirror);
	return run;
}

static void run_free(struct run *run)
{
	for (size_t i = 0; i < LISTINGS; i++)
		if (run->listings[i].pin != NULL)
			listing_end(&run->listings[i]);
	check_memory(run);
	free_dropped(run, SIZE_MAX);
	assert_null(run->dropped);
	mirror_unref(run->mirror);
	while (!mirror_free_step(run->mirror, 1))
		;
	free(run);
}

static void test_random(void **state)
{
	struct run *run = run_new();

	(void)state;
	for (int i = 0; i < 1500; i++) {
		step(run);
		check(run->mirror, &run->model, true);
		if (count_listings(run) == 0)
			check_memory(run);
		if (unit_random(50) == 0)
			reload(run);
		/* all of them end, now and then */
		for (size_t k = 0; unit_random(20) == 0 && k < LISTINGS; k++)
			if (run->listings[k].pin != NULL)
				listing_end(&run->listings[k]);
	}
	run_free(run);
}

/* ---- rows that cannot be served ---- */

static enum row_result add_domain(
	struct change *change, int32_t id, const char *name, const char **why)
{
	struct domain_row row = fill_domain(id, name, "NATIVE");

	return change_add_domain(change, &row, why);
}

static enum row_result add_record(
	struct change *change, int32_t id, const char *name, const char *content, const char **why)
{
	struct record_row row = fill_record(id, name, "A", content);

	return change_add_record(change, &row, why);
}

/* A mirror with zone 1, t, and zone 2, u, each with a record at a. */
static struct mirror *small_mirror(void)
{
	struct mirror *mirror = mirror_new(300);

	assert_non_null(mirror);
	assert_true(fill_add_domain(mirror, 1, "t", "NATIVE"));
	assert_true(fill_add_domain(mirror, 2, "u", "NATIVE"));
	assert_true(fill_add_record(mirror, 1, "a.t", "A", "192.0.2.1"));
	assert_true(fill_add_record(mirror, 2, "a.u", "A", "192.0.2.2"));
	return mirror;
}

static void finish(struct mirror *mirror, struct change *change)
{
	struct store_version version = {1, 0};

	change_commit(change, version);
	while (!change_clean_step(change, 1))
		;
	while (!mirror_free_step(mirror, 1))
		;
	mirror_check(mirror, true);
	struct reachable reachable = mirror_reachable(mirror);
	assert_int_equal(reachable.data + reachable.tables, pool_used(mirror->pool));
}

static void mirror_drop(struct mirror *mirror)
{
	mirror_unref(mirror);
	assert_true(mirror_free_step(mirror, SIZE_MAX));
}

/* They are left out, and what belongs to them too; the rest is served. */
static void test_left_out(void **state)
{
	struct mirror *mirror = small_mirror();
	struct change *change = change_new(mirror);
	const char *why = NULL;

	(void)state;
	assert_non_null(change);
	assert_int_equal(change_touch_zone(change, 1), 0);
	assert_int_equal(change_touch_zone(change, 3), 0);
	assert_int_equal(change_touch_name(change, 2, fill_text("a.u")), 0);
	assert_int_equal(change_touch_name(change, 2, fill_text("b.u")), 0);
	assert_int_equal(change_touch_name(change, 2, fill_text("a..u")), 0);
	assert_int_equal(change_touch_name(change, 2, fill_text("a.t")), 0);
	assert_int_equal(change_touch_name(change, 9, fill_text("a.t")), 0);
	assert_int_equal(change_touch_name(change, 1, fill_text("a.t")), 0);
	assert_int_equal(change_size(change), 4);
	assert_int_equal(add_domain(change, 1, "a..b", &why), ROW_LEFT_OUT);
	assert_string_equal(why, "empty label");
	assert_int_equal(add_domain(change, 2, "u", &why), ROW_IGNORED);
	assert_int_equal(add_domain(change, 3, "x", &why), ROW_TAKEN);
	assert_int_equal(add_record(change, 1, "a.t", "192.0.2.1", &why), ROW_LEFT_OUT);
	assert_string_equal(why, "its zone is not served");
	assert_int_equal(add_record(change, 9, "a.t", "192.0.2.1", &why), ROW_LEFT_OUT);
	assert_string_equal(why, "its zone is not served");
	assert_int_equal(add_record(change, 2, "a.u", "x", &why), ROW_LEFT_OUT);
	assert_int_equal(add_record(change, 2, "b.u", "192.0.2.3", &why), ROW_TAKEN);
	assert_int_equal(add_record(change, 2, "c.u", "192.0.2.3", &why), ROW_IGNORED);
	assert_int_equal(add_record(change, 3, "x", "192.0.2.3", &why), ROW_TAKEN);
	finish(mirror, change);
	assert_null(mirror_find_zone_by_id(mirror, 1));
	const struct zone *zone = mirror_find_zone_by_id(mirror, 2);
	assert_null(zone_find(zone, (const uint8_t *)"\1a", 2));
	assert_non_null(zone_find(zone, (const uint8_t *)"\1b", 2));
	assert_int_equal(mirror_find_zone_by_id(mirror, 3)->records, 1);
	mirror_drop(mirror);
}

/* A zone that would take the name of another one is not served. */
static void test_name_that_is_taken(void **state)
{
	struct mirror *mirror = small_mirror();
	struct change *change = change_new(mirror);
	const char *why;

	(void)state;
	assert_non_null(change);
	assert_int_equal(change_touch_zone(change, 1), 0);
	assert_int_equal(add_domain(change, 1, "u", &why), ROW_TAKEN);
	assert_int_equal(add_record(change, 1, "b.u", "192.0.2.3", &why), ROW_TAKEN);
	finish(mirror, change);
	assert_null(mirror_find_zone_by_id(mirror, 1));
	assert_int_equal(mirror_find_zone_by_id(mirror, 2)->records, 1);
	mirror_drop(mirror);
}

/* A row that spells a name in another way is left out, and takes nothing from the name. */
static void test_another_spelling(void **state)
{
	struct mirror *mirror = small_mirror();
	struct change *change = change_new(mirror);
	const char *why = NULL;

	(void)state;
	assert_non_null(change);
	assert_int_equal(change_touch_name(change, 1, fill_text("\\097.t")), 0);
	assert_int_equal(change_touch_name(change, 2, fill_text("a.U")), 0);
	assert_int_equal(change_size(change), 0);
	assert_int_equal(add_record(change, 1, "\\097.t", "192.0.2.3", &why), ROW_LEFT_OUT);
	finish(mirror, change);
	assert_int_equal(mirror_find_zone_by_id(mirror, 1)->records, 1);
	assert_int_equal(mirror_find_zone_by_id(mirror, 2)->records, 1);
	mirror_drop(mirror);
}

/* A subtree goes at once, in whatever order its names were touched. */
static void test_subtree(void **state)
{
	static const char *const names[] = {"c.b.a.t", "b.a.t", "a.t", "t", "d.c.b.a.t"};

	(void)state;
	for (size_t first = 0; first < COUNT(names); first++) {
		struct mirror *mirror = small_mirror();
		for (size_t i = 0; i < COUNT(names); i += 2)
			assert_true(fill_add_record(mirror, 1, names[i], "A", "192.0.2.1"));
		struct change *change = change_new(mirror);
		assert_non_null(change);
		for (size_t i = 0; i < COUNT(names); i++)
			assert_int_equal(change_touch_name(change, 1,
						 fill_text(names[(first + i) % COUNT(names)])),
				0);
		finish(mirror, change);
		assert_int_equal(mirror_find_zone_by_id(mirror, 1)->names.entries, 1);
		mirror_drop(mirror);
	}
}

/* ---- out of memory ---- */

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
		if (touch_once(run, change, journal) == 0)
			(void)feed_all(run, change, next);
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
				check(run->mirror, &run->model, true);
				check_memory(run);
			}
		}
		struct change *change = change_new(run->mirror);
		struct store_version version = {(uint64_t)i, 0};
		assert_non_null(change);
		assert_int_equal(touch_once(run, change, &journal), 0);
		assert_int_equal(feed_all(run, change, &next), 0);
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
			check(mirror, &run->model, true);
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
		step(run);
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
		step(run);
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
		assert_int_equal(touch_once(&other, change, &journal), 0);
		assert_int_equal(feed_all(&other, change, &next), 0);
		fail_pool_at(n);
		change_commit(change, version);
		while (!change_clean_step(change, 1))
			;
		fail_pool_at(0);
		check(mirror, &next, false);
		int done = zone_pin_walk(listing.pin, SIZE_MAX, on_name, &listing);
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
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_name_that_is_taken),
		cmocka_unit_test(test_another_spelling),
		cmocka_unit_test(test_subtree),
		cmocka_unit_test(test_change_out_of_memory),
		cmocka_unit_test(test_load_out_of_memory),
		cmocka_unit_test(test_pin_out_of_memory),
	};

	unit_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
