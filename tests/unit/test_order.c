/*
 * The tree against a sorted array: random operations, and after each one everything that the tree
 * promises of itself.
 */
#include "unit.h"

#include "fail_pool.h"
#include "mirror/order.h"

#define ITEMS 6000

/* Ordered by their octets; many share a prefix, which is what the tree sees. */
struct item {
	uint8_t octets[8];
	bool is_in;
};

struct run {
	struct pool *pool;
	struct order order;
	struct item items[ITEMS]; /* in order */
	unsigned n;
};

static int compare(const struct order_key *key, const void *item)
{
	return memcmp(key->octets, ((const struct item *)item)->octets, key->len);
}

static struct order_key key_of(const struct item *item)
{
	struct order_key key = {.octets = item->octets, .len = sizeof(item->octets)};

	for (size_t i = 0; i < 6; i++)
		key.prefix = key.prefix << 8 | item->octets[i];
	return key;
}

/* ---- the invariants ---- */

struct counts {
	uint32_t entries;
	size_t bytes;
	const struct order_leaf *last;
	const struct item *last_item;
};

static void check_leaf(
	const struct order *order, const struct order_leaf *leaf, struct counts *counts)
{
	assert_in_range(leaf->n, 1, leaf->cap);
	assert_in_range(leaf->cap, 1, ORDER_FANOUT);
	if (leaf->cap < ORDER_FANOUT)
		assert_int_equal(order->height, 0);
	assert_ptr_equal(leaf->prev, counts->last);
	if (counts->last != NULL)
		assert_ptr_equal(counts->last->next, leaf);
	counts->last = leaf;
	for (unsigned i = 0; i < leaf->n; i++) {
		const struct item *item = leaf->entries[i].item;
		assert_true(item->is_in);
		assert_int_equal(leaf->entries[i].prefix, key_of(item).prefix);
		assert_true(counts->last_item == NULL || counts->last_item < item);
		counts->last_item = item;
	}
	counts->entries += leaf->n;
	counts->bytes += pool_size(sizeof(*leaf) + leaf->cap * sizeof(struct order_entry));
}

static const struct order_entry *check_block(
	const struct order *order, const void *block, unsigned level, struct counts *counts)
{
	const struct order_inner *inner = block;

	if (level == order->height) {
		check_leaf(order, block, counts);
		return &((const struct order_leaf *)block)->entries[0];
	}
	assert_in_range(inner->n, level == 0 ? 2 : 1, ORDER_FANOUT);
	counts->bytes += pool_size(sizeof(*inner));
	for (unsigned i = 0; i < inner->n; i++) {
		const struct order_branch *branch = &inner->branches[i];
		const struct order_entry *first =
			check_block(order, branch->child, level + 1, counts);
		assert_int_equal(branch->first.prefix, first->prefix);
		assert_ptr_equal(branch->first.item, first->item);
	}
	return &inner->branches[0].first;
}

static void check(const struct run *run)
{
	struct counts counts = {0, 0, NULL, NULL};

	if (run->order.root != NULL)
		(void)check_block(&run->order, run->order.root, 0, &counts);
	else
		assert_int_equal(run->order.height, 0);
	if (counts.last != NULL)
		assert_null(counts.last->next);
	assert_int_equal(counts.entries, run->order.entries);
	assert_int_equal(counts.entries, run->n);
	assert_int_equal(counts.bytes, pool_used(run->pool));
}

/* ---- against the array ---- */

static const struct item *neighbour(const struct run *run, const struct item *item, int step)
{
	for (item += step; item >= run->items && item < run->items + ITEMS; item += step)
		if (item->is_in)
			return item;
	return NULL;
}

static void check_seek(const struct run *run, const struct item *item)
{
	const struct item *before = item->is_in ? item : neighbour(run, item, -1);
	struct order_key key = key_of(item);
	struct order_place place;

	assert_int_equal(order_seek(&run->order, &key, &place), before != NULL);
	if (before == NULL)
		return;
	assert_ptr_equal(order_item(&place), before);
	struct order_place other = place;
	const struct item *next = neighbour(run, before, 1);
	assert_int_equal(order_next(&other), next != NULL);
	assert_ptr_equal(order_item(&other), next == NULL ? before : next);
	other = place;
	const struct item *prev = neighbour(run, before, -1);
	assert_int_equal(order_prev(&other), prev != NULL);
	assert_ptr_equal(order_item(&other), prev == NULL ? before : prev);
}

static void check_ends(const struct run *run)
{
	const struct item *first = run->items[0].is_in ? run->items : neighbour(run, run->items, 1);
	const struct item *end = run->items + ITEMS;
	struct order_place place;

	assert_int_equal(order_first(&run->order, &place), first != NULL);
	assert_int_equal(order_last(&run->order, &place), first != NULL);
	if (first == NULL)
		return;
	assert_ptr_equal(order_item(&place), neighbour(run, end, -1));
	assert_true(order_first(&run->order, &place));
	assert_ptr_equal(order_item(&place), first);
}

static void toggle(struct run *run, struct item *item)
{
	struct order_key key = key_of(item);

	if (item->is_in) {
		order_remove(&run->order, &key);
		run->n--;
	} else {
		assert_int_equal(order_add(&run->order, &key, item), 0);
		run->n++;
	}
	item->is_in = !item->is_in;
}

static struct run *run_new(void)
{
	struct run *run = calloc(1, sizeof(*run));

	assert_non_null(run);
	run->pool = pool_new();
	assert_non_null(run->pool);
	order_init(&run->order, run->pool, compare);
	/* About a hundred to a prefix. */
	for (unsigned i = 0; i < ITEMS; i++) {
		uint8_t octets[8] = {0, 0, 0, 0, 0, (uint8_t)(i / 100), 0, (uint8_t)(i % 100)};
		memcpy(run->items[i].octets, octets, sizeof(octets));
	}
	return run;
}

static void run_free(struct run *run)
{
	size_t budget = 0;

	while (!order_free_step(&run->order, &budget)) {
		assert_int_equal(budget, 0);
		budget = 1 + unit_random(3);
	}
	assert_int_equal(pool_used(run->pool), 0);
	pool_free(run->pool);
	free(run);
}

/* Items come and go, more of the one or of the other for a while. */
static void test_random(void **state)
{
	struct run *run = run_new();

	(void)state;
	for (int phase = 0; phase < 30; phase++) {
		size_t adds = phase % 2 == 0 ? 90 : 10;
		size_t span = phase % 3 == 0 ? 50 : ITEMS; /* a small tree, now and then */
		for (int i = 0; i < 1000; i++) {
			struct item *item = &run->items[unit_random(span)];
			if (item->is_in == (unit_random(100) < adds))
				continue;
			toggle(run, item);
			if (i % 10 == 0 || run->n < 100)
				check(run);
			check_seek(run, &run->items[unit_random(ITEMS)]);
			check_ends(run);
		}
	}
	run_free(run);
}

/* In order, forward or backward, and out again in any of three ways. */
static void test_in_order(void **state)
{
	(void)state;
	for (int way = 0; way < 6; way++) {
		struct run *run = run_new();
		for (int i = 0; i < ITEMS; i++)
			toggle(run, &run->items[way % 2 == 0 ? i : ITEMS - 1 - i]);
		check(run);
		if (way % 2 == 0) /* leaves are full */
			assert_true(pool_used(run->pool) < ITEMS * 20);
		for (int i = 0; i < ITEMS; i++) {
			unsigned k = way / 2 == 0   ? i
				     : way / 2 == 1 ? ITEMS - 1 - i
						    : i * 7 % ITEMS;
			if (way / 2 == 2)
				while (!run->items[k].is_in)
					k = (k + 1) % ITEMS;
			toggle(run, &run->items[k]);
			if (i % 50 == 0 || run->n < 100)
				check(run);
		}
		assert_int_equal(run->n, 0);
		assert_int_equal(pool_used(run->pool), 0);
		run_free(run);
	}
}

/* Whole leaves go from between full ones, so that no neighbour takes what is left of them. */
static void test_leaves_go(void **state)
{
	struct run *run = run_new();
	const int leaves = ITEMS / ORDER_FANOUT;

	(void)state;
	for (int i = 0; i < ITEMS; i++)
		toggle(run, &run->items[i]);
	for (int leaf = 0; leaf < leaves; leaf += 2) {
		int which = leaf * 7 % leaves;
		for (int i = 0; i < ORDER_FANOUT; i++) {
			toggle(run, &run->items[which * ORDER_FANOUT + i]);
			check(run);
		}
	}
	/* the first leaf of the second inner block */
	for (int i = ORDER_FANOUT * ORDER_FANOUT; i < ITEMS; i++) {
		if (run->items[i].is_in)
			toggle(run, &run->items[i]);
		if (i % 8 == 0)
			check(run);
	}
	run_free(run);
}

/* An entry that finds no memory is not added, and nothing else is changed. */
static void test_out_of_memory(void **state)
{
	struct run *run = run_new();
	unsigned failures = 0;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		struct item *item =
			&run->items[unit_random(2) == 0 ? (size_t)i : unit_random(ITEMS)];
		struct order_key key = key_of(item);
		if (item->is_in)
			continue;
		for (unsigned n = 1;; n++) {
			fail_pool_at(n);
			int rc = order_add(&run->order, &key, item);
			bool failed = fail_pool_done();
			fail_pool_at(0);
			assert_int_equal(rc, failed ? -1 : 0);
			if (!failed)
				break;
			failures++;
			check(run);
		}
		item->is_in = true;
		run->n++;
	}
	check(run);
	assert_true(failures > 100);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_leaves_go),
		cmocka_unit_test(test_out_of_memory),
	};

	unit_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
