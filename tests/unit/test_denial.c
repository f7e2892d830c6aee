/*
 * Neighbours in signed zones, against a chain that is put together anew from all records: random
 * change sets, and questions at each step of them.
 */
#include "unit.h"

#include "dns/rrtype.h"
#include "fill.h"
#include "mirror/change.h"
#include "mirror/denial.h"
#include "mirror_check.h"

/* All names that there can be: of up to three labels. */
static const char *const labels[] = {"\1a", "\1b", "\2a\0", "\1\0", "\1*"};
#define NAMES (1 + 5 + 25 + 125)

struct owner {
	uint8_t wire[10];
	size_t len;
	char text[40]; /* complete */
	uint8_t hash[NSEC3_HASH_SIZE];
	unsigned types; /* bits of enum type, enabled ones */
	unsigned disabled;
};

enum type { HAS_A = 1, HAS_NS = 2, HAS_DS = 4, HAS_RRSIG = 8, TYPES = 4 };

static const struct {
	const char *type;
	const char *content;
} records[TYPES] = {{"A", "192.0.2.1"}, {"NS", "ns.example.net"},
	{"DS", "1 8 1 0123456789abcdef0123456789abcdef01234567"},
	{"RRSIG", "A 8 2 60 20300101000000 20200101000000 1 t. AAAA"}};

enum kind { OF_NAMES, OF_HASHES, OPT_OUT, KINDS };

struct run {
	enum kind kind;
	struct mirror *mirror;
	struct owner owners[NAMES]; /* in order of names, the apex first */
	struct owner *by_hash[NAMES];
};

/* ---- the naive chain ---- */

static bool is_delegation(const struct owner *owner)
{
	return owner->len > 0 && (owner->types & HAS_NS) != 0;
}

static const struct owner *find(const struct run *run, const uint8_t *wire, size_t len)
{
	for (size_t i = 0; i < NAMES; i++)
		if (run->owners[i].len == len && memcmp(run->owners[i].wire, wire, len) == 0)
			return &run->owners[i];
	fail();
	return NULL;
}

static bool is_below_delegation(const struct run *run, const struct owner *owner)
{
	size_t at = name_first_label(owner->wire, owner->len);

	for (; at < owner->len; at += name_first_label(owner->wire + at, owner->len - at))
		if (is_delegation(find(run, owner->wire + at, owner->len - at)))
			return true;
	return false;
}

static bool is_in_chain(const struct run *run, const struct owner *owner)
{
	if (is_below_delegation(run, owner))
		return false;
	if (run->kind == OF_NAMES)
		return (owner->types & ~(unsigned)HAS_RRSIG) != 0;
	if (run->kind == OPT_OUT && is_delegation(owner) && (owner->types & HAS_DS) == 0)
		return false;
	for (size_t i = 0; i < NAMES; i++) {
		const struct owner *below = &run->owners[i];
		if (below->types != 0 &&
			name_is_in(below->wire, below->len, owner->wire, owner->len))
			return true;
	}
	return false;
}

static const struct owner *nth(const struct run *run, size_t i)
{
	return run->kind == OF_NAMES ? &run->owners[i % NAMES] : run->by_hash[i % NAMES];
}

static void check_node(const struct node *node, const struct owner *owner)
{
	assert_int_equal(node->name_len, owner->len);
	assert_memory_equal(node->name, owner->wire, owner->len);
}

static bool ask(const struct run *run, const struct owner *owner, struct neighbours *neighbours)
{
	const struct zone *zone = mirror_find_zone_by_id(run->mirror, 1);

	return run->kind == OF_NAMES
		       ? zone_name_neighbours(zone, owner->wire, owner->len, neighbours)
		       : zone_hash_neighbours(zone, owner->hash, neighbours);
}

/* Each name's neighbours. */
static void check(const struct run *run, bool is_quiet)
{
	bool in_chain[NAMES];
	struct neighbours neighbours;
	unsigned n = 0;

	mirror_check(run->mirror, is_quiet);
	for (size_t i = 0; i < NAMES; i++)
		n += in_chain[i] = is_in_chain(run, nth(run, i));
	for (size_t i = 0; i < NAMES; i++) {
		size_t before = i + NAMES;
		size_t after = i + 1;
		assert_int_equal(ask(run, nth(run, i), &neighbours), n > 0);
		if (n == 0)
			continue;
		while (!in_chain[before % NAMES])
			before--;
		while (!in_chain[after % NAMES])
			after++;
		check_node(neighbours.before, nth(run, before));
		check_node(neighbours.after, nth(run, after));
	}
}

/* ---- the run ---- */

static int compare_owners(const void *a, const void *b)
{
	const struct owner *one = a;
	const struct owner *other = b;

	return name_compare(one->wire, one->len, other->wire, other->len);
}

static int compare_by_hash(const void *a, const void *b)
{
	return memcmp((*(struct owner *const *)a)->hash, (*(struct owner *const *)b)->hash,
		NSEC3_HASH_SIZE);
}

static const char *const params_text[KINDS] = {NULL, "1 0 2 ab", "1 1 0 -"};

static void make_owners(struct run *run)
{
	struct nsec3_params params = {0};
	size_t n = 1;
	size_t level = 0;

	/* Those of one label are made of the apex, and so on. */
	for (size_t depth = 0; depth < 3; depth++) {
		size_t end = n;
		for (; level < end; level++)
			for (size_t i = 0; i < COUNT(labels); i++, n++) {
				struct owner *owner = &run->owners[n];
				size_t label = (size_t)labels[i][0] + 1;
				memcpy(owner->wire, labels[i], label);
				memcpy(owner->wire + label, run->owners[level].wire,
					run->owners[level].len);
				owner->len = label + run->owners[level].len;
			}
	}
	assert_int_equal(n, NAMES);
	qsort(run->owners, NAMES, sizeof(run->owners[0]), compare_owners);
	if (params_text[run->kind] != NULL)
		assert_true(nsec3_params_parse(
			&params, params_text[run->kind], strlen(params_text[run->kind])));
	for (size_t i = 0; i < NAMES; i++) {
		struct owner *owner = &run->owners[i];
		size_t len = name_print(owner->text, owner->wire, owner->len);
		(void)snprintf(owner->text + len, 3, len == 0 ? "t" : ".t");
		assert_int_equal(nsec3_hash(owner->hash, &params, owner->wire, owner->len,
					 (const uint8_t *)"\1t", 2),
			0);
		run->by_hash[i] = owner;
	}
	qsort(run->by_hash, NAMES, sizeof(run->by_hash[0]), compare_by_hash);
}

static struct mirror *empty_mirror(enum kind kind)
{
	struct mirror *mirror = mirror_new(300);
	struct key_row key = fill_key(1, 1, "secret");
	const char *why;

	assert_non_null(mirror);
	assert_true(fill_add_domain(mirror, 1, "t", "NATIVE"));
	if (params_text[kind] != NULL)
		assert_true(fill_add_metadata(mirror, 1, "NSEC3PARAM", params_text[kind]));
	assert_int_equal(mirror_add_key(mirror, &key, &why), ROW_TAKEN);
	return mirror;
}

typedef enum row_result (*add_fn)(void *arg, const struct record_row *row, const char **why);

static enum row_result add_to_change(void *arg, const struct record_row *row, const char **why)
{
	return change_add_record(arg, row, why);
}

static enum row_result add_to_mirror(void *arg, const struct record_row *row, const char **why)
{
	return mirror_add_record(arg, row, why);
}

static void feed(const struct owner *owner, add_fn add, void *arg)
{
	const char *why;

	for (unsigned i = 0; i < TYPES; i++) {
		struct record_row row =
			fill_record(1, owner->text, records[i].type, records[i].content);
		if (((owner->types | owner->disabled) & 1U << i) == 0)
			continue;
		row.disabled = (owner->disabled & 1U << i) != 0;
		assert_int_equal(add(arg, &row, &why), ROW_TAKEN);
	}
}

/* Another mirror with the same records. */
static void reload(struct run *run)
{
	bool is_backward = unit_random(2) == 0;

	mirror_unref(run->mirror);
	assert_true(mirror_free_step(run->mirror, SIZE_MAX));
	run->mirror = empty_mirror(run->kind);
	for (size_t i = 0; i < NAMES; i++)
		feed(&run->owners[is_backward ? NAMES - 1 - i : i], add_to_mirror, run->mirror);
}

static void random_types(struct owner *owner)
{
	unsigned types = unit_random(3) == 0 ? 0 : (unsigned)unit_random(1 << TYPES);

	owner->disabled = unit_random(4) == 0 ? types & (unsigned)unit_random(1 << TYPES) : 0;
	owner->types = types & ~owner->disabled;
	if (unit_random(2) == 0) /* delegations would hide nearly all */
		owner->types &= ~(unsigned)HAS_NS;
}

static void step(struct run *run)
{
	struct change *change = change_new(run->mirror);
	struct run next = *run;
	size_t touched[20];
	size_t n = 1 + unit_random(COUNT(touched));
	struct store_version version = {1, 0};

	assert_non_null(change);
	for (size_t i = 0; i < n; i++) {
		touched[i] = unit_random(NAMES);
		random_types(&next.owners[touched[i]]);
		assert_int_equal(
			change_touch_name(change, 1, fill_text(next.owners[touched[i]].text)), 0);
	}
	check(run, false);
	for (size_t i = 0; i < n; i++) {
		bool again = false;
		for (size_t k = 0; k < i; k++)
			again |= touched[k] == touched[i];
		if (!again)
			feed(&next.owners[touched[i]], add_to_change, change);
	}
	check(run, false);
	if (unit_random(8) == 0) {
		change_abort(change);
	} else {
		change_commit(change, version);
		memcpy(run->owners, next.owners, sizeof(run->owners));
	}
	do
		check(run, false);
	while (!change_clean_step(change, 5));
	check(run, true);
}

static void run_kind(enum kind kind, bool has_apex)
{
	struct run *run = calloc(1, sizeof(*run));

	assert_non_null(run);
	run->kind = kind;
	make_owners(run);
	run->mirror = empty_mirror(kind);
	for (int i = 0; i < 60; i++) {
		step(run);
		if (has_apex) {
			run->owners[0].types |= HAS_A;
			run->owners[0].disabled &= ~(unsigned)HAS_A;
		}
		if (unit_random(10) == 0 || has_apex) {
			reload(run);
			check(run, true);
		}
	}
	mirror_unref(run->mirror);
	assert_true(mirror_free_step(run->mirror, SIZE_MAX));
	free(run);
}

static void test_names(void **state)
{
	(void)state;
	run_kind(OF_NAMES, false);
	run_kind(OF_NAMES, true);
}

static void test_hashes(void **state)
{
	(void)state;
	run_kind(OF_HASHES, false);
	run_kind(OF_HASHES, true);
}

static void test_opt_out(void **state)
{
	(void)state;
	run_kind(OPT_OUT, false);
	run_kind(OPT_OUT, true);
}

/* ---- which zones have an order ---- */

static const struct denial *denial_with(const char *const *settings, bool has_key)
{
	static struct denial copy;
	struct mirror *mirror = mirror_new(300);
	struct key_row key = fill_key(1, 1, "secret");
	const char *why;

	assert_non_null(mirror);
	assert_true(fill_add_domain(mirror, 1, "t", "NATIVE"));
	for (; *settings != NULL; settings += 2)
		assert_true(fill_add_metadata(mirror, 1, settings[0], settings[1]));
	if (has_key)
		assert_int_equal(mirror_add_key(mirror, &key, &why), ROW_TAKEN);
	assert_true(fill_add_record(mirror, 1, "a.t", "A", "192.0.2.1"));
	const struct denial *denial = mirror_find_zone_by_id(mirror, 1)->denial;
	if (denial != NULL)
		copy = *denial;
	mirror_unref(mirror);
	assert_true(mirror_free_step(mirror, SIZE_MAX));
	return denial == NULL ? NULL : &copy;
}

#define SETTINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_which(void **state)
{
	const char *const none[] = {NULL};

	(void)state;
	assert_null(denial_with(none, false));
	assert_null(denial_with(SETTINGS("NSEC3PARAM", "1 0 1 ab"), false));
	assert_null(denial_with(SETTINGS("NSEC3PARAM", "1 0 1 ab", "NSEC3NARROW", "1"), true));
	assert_null(denial_with(SETTINGS("PRESIGNED", "0"), false));
	assert_false(denial_with(none, true)->has_hashes);
	assert_false(denial_with(SETTINGS("NSEC3NARROW", "1"), true)->has_hashes);
	assert_false(denial_with(SETTINGS("PRESIGNED", "1"), false)->has_hashes);
	const struct denial *denial = denial_with(SETTINGS("NSEC3PARAM", "1 1 1 ab"), true);
	assert_true(denial->has_hashes);
	assert_true(denial->params.is_opt_out);
	assert_false(denial->is_presigned);
	denial = denial_with(SETTINGS("PRESIGNED", "1", "NSEC3PARAM", "1 0 1 ab"), false);
	assert_true(denial->has_hashes);
	assert_true(denial->is_presigned);
}

/* With opt-out a zone of nothing but delegations has a short chain: their glue is not in the way.
 */
static void test_glue(void **state)
{
	struct mirror *mirror = mirror_new(300);
	struct key_row key = fill_key(1, 1, "secret");
	const char *why;
	char name[20];

	(void)state;
	assert_non_null(mirror);
	assert_true(fill_add_domain(mirror, 1, "t", "NATIVE"));
	assert_true(fill_add_metadata(mirror, 1, "NSEC3PARAM", "1 1 0 -"));
	assert_int_equal(mirror_add_key(mirror, &key, &why), ROW_TAKEN);
	assert_true(fill_add_record(mirror, 1, "t", "SOA", "a b 1 2 3 4 5"));
	for (int i = 0; i < 100; i++) {
		bool is_glue_first = i % 2 == 0;
		for (int k = 0; k < 2; k++) {
			bool is_glue = (k == 0) == is_glue_first;
			(void)snprintf(name, sizeof(name), "%sd%d.t", is_glue ? "a.ns." : "", i);
			assert_true(fill_add_record(mirror, 1, name, is_glue ? "A" : "NS",
				is_glue ? "192.0.2.1" : "ns.example"));
		}
	}
	assert_int_equal(mirror_find_zone_by_id(mirror, 1)->denial->order.entries, 1);
	mirror_check(mirror, true);
	mirror_unref(mirror);
	assert_true(mirror_free_step(mirror, SIZE_MAX));
}

/* In a zone that came signed an NSEC3 is there where its signature is. */
static void test_presigned(void **state)
{
	struct mirror *mirror = mirror_new(300);
	struct neighbours neighbours;
	struct nsec3_params params;
	uint8_t hash[NSEC3_HASH_SIZE];
	char text[NSEC3_TEXT_SIZE + 3] = "";

	(void)state;
	assert_non_null(mirror);
	assert_true(nsec3_params_parse(&params, "1 1 1 ab", 8));
	assert_true(fill_add_domain(mirror, 1, "t", "SLAVE"));
	assert_true(fill_add_metadata(mirror, 1, "NSEC3PARAM", "1 1 1 ab"));
	assert_true(fill_add_metadata(mirror, 1, "PRESIGNED", "1"));
	assert_true(fill_add_record(mirror, 1, "t", "A", "192.0.2.1"));
	assert_true(fill_add_record(mirror, 1, "a.t", "NS", "ns.example.net"));
	assert_true(fill_add_record(mirror, 1, "b.t", "NS", "ns.example.net"));
	assert_int_equal(nsec3_hash(hash, &params, (const uint8_t *)"\1t", 2, hash, 0), 0);
	const struct zone *zone = mirror_find_zone_by_id(mirror, 1);
	assert_false(zone_hash_neighbours(zone, hash, &neighbours));
	static const struct {
		const uint8_t *name;
		size_t len;
	} signed_names[] = {{(const uint8_t *)"", 0}, {(const uint8_t *)"\1a", 2}};
	for (size_t i = 0; i < COUNT(signed_names); i++) {
		assert_int_equal(nsec3_hash(hash, &params, signed_names[i].name,
					 signed_names[i].len, (const uint8_t *)"\1t", 2),
			0);
		nsec3_print(text, hash);
		memcpy(text + NSEC3_TEXT_SIZE, ".t", 3);
		assert_true(fill_add_record(mirror, 1, text, "RRSIG", records[3].content));
	}
	const struct node *a = zone_find(zone, (const uint8_t *)"\1a", 2);
	assert_true(zone_hash_neighbours(zone, hash, &neighbours));
	assert_ptr_equal(neighbours.before, a);
	assert_ptr_equal(neighbours.after, zone->apex);
	assert_int_equal(
		nsec3_hash(hash, &params, (const uint8_t *)"\1b", 2, (const uint8_t *)"\1t", 2), 0);
	assert_true(zone_hash_neighbours(zone, hash, &neighbours));
	assert_true(neighbours.before == a || neighbours.before == zone->apex);
	assert_true(neighbours.before != neighbours.after);
	assert_true(node_is_authoritative(a, RRTYPE_RRSIG));
	mirror_unref(mirror);
	assert_true(mirror_free_step(mirror, SIZE_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_opt_out),
		cmocka_unit_test(test_which),
		cmocka_unit_test(test_glue),
		cmocka_unit_test(test_presigned),
	};

	unit_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
