#include "mirror/order.h"

#include <assert.h>
#include <string.h>

/* Blocks with fewer entries than this are put together with a neighbour, where both fit in one. */
#define FEW (ORDER_FANOUT / 4)

/* The way from the root to a leaf: inner blocks, and the branch that was taken. */
struct path {
	struct order_inner *inner[ORDER_HEIGHT_MAX];
	unsigned at[ORDER_HEIGHT_MAX];
	struct order_leaf *leaf;
	unsigned i; /* in the leaf: entries that are not greater than the key */
};

static size_t leaf_size(unsigned cap)
{
	return sizeof(struct order_leaf) + cap * sizeof(struct order_entry);
}

void order_init(struct order *order, struct pool *pool, order_compare_fn compare)
{
	memset(order, 0, sizeof(*order));
	order->pool = pool;
	order->compare = compare;
}

/* ---- searching ---- */

static bool is_not_greater(
	const struct order *order, const struct order_entry *entry, const struct order_key *key)
{
	if (entry->prefix != key->prefix)
		return entry->prefix < key->prefix;
	return order->compare(key, entry->item) >= 0;
}

/* How many entries of an array are not greater than the key. step: from one to the next, octets. */
static unsigned count_not_greater(const struct order *order, const struct order_key *key,
	const void *first, unsigned n, size_t step)
{
	unsigned low = 0;

	while (low < n) {
		unsigned middle = low + (n - low) / 2;
		const struct order_entry *entry =
			(const struct order_entry *)((const char *)first + middle * step);
		if (is_not_greater(order, entry, key))
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

/* There is a root. */
static void find_path(const struct order *order, const struct order_key *key, struct path *path)
{
	void *block = order->root;

	for (unsigned level = 0; level < order->height; level++) {
		struct order_inner *inner = block;
		unsigned n = count_not_greater(order, key, &inner->branches[0].first, inner->n,
			sizeof(inner->branches[0]));
		path->inner[level] = inner;
		path->at[level] = n == 0 ? 0 : n - 1;
		block = inner->branches[path->at[level]].child;
	}
	path->leaf = block;
	path->i = count_not_greater(
		order, key, path->leaf->entries, path->leaf->n, sizeof(path->leaf->entries[0]));
}

bool order_seek(const struct order *order, const struct order_key *key, struct order_place *place)
{
	struct path path;

	if (order->root == NULL)
		return false;
	find_path(order, key, &path);
	if (path.i == 0)
		return false; /* only left of the first leaf: else the branch is not greater */
	place->leaf = path.leaf;
	place->i = path.i - 1;
	return true;
}

static const struct order_leaf *end_leaf(const struct order *order, bool is_last)
{
	const void *block = order->root;

	for (unsigned level = 0; level < order->height; level++) {
		const struct order_inner *inner = block;
		block = inner->branches[is_last ? inner->n - 1 : 0].child;
	}
	return block;
}

bool order_first(const struct order *order, struct order_place *place)
{
	place->leaf = end_leaf(order, false);
	place->i = 0;
	return place->leaf != NULL;
}

bool order_last(const struct order *order, struct order_place *place)
{
	place->leaf = end_leaf(order, true);
	if (place->leaf == NULL)
		return false;
	place->i = place->leaf->n - 1U;
	return true;
}

bool order_next(struct order_place *place)
{
	if (place->i + 1 < place->leaf->n) {
		place->i++;
		return true;
	}
	if (place->leaf->next == NULL)
		return false;
	place->leaf = place->leaf->next;
	place->i = 0;
	return true;
}

bool order_prev(struct order_place *place)
{
	if (place->i > 0) {
		place->i--;
		return true;
	}
	if (place->leaf->prev == NULL)
		return false;
	place->leaf = place->leaf->prev;
	place->i = place->leaf->n - 1U;
	return true;
}

/* ---- adding ---- */

/* The first entry of the leaf is another: so are those of the branches that begin with it. */
static void first_changed(const struct order *order, struct path *path)
{
	for (unsigned level = order->height; level-- > 0;) {
		path->inner[level]->branches[path->at[level]].first = path->leaf->entries[0];
		if (path->at[level] > 0)
			return;
	}
}

static void leaf_insert(struct order_leaf *leaf, unsigned i, struct order_entry entry)
{
	memmove(&leaf->entries[i + 1], &leaf->entries[i], (leaf->n - i) * sizeof(entry));
	leaf->entries[i] = entry;
	leaf->n++;
}

static void inner_insert(struct order_inner *inner, unsigned i, struct order_branch branch)
{
	memmove(&inner->branches[i + 1], &inner->branches[i], (inner->n - i) * sizeof(branch));
	inner->branches[i] = branch;
	inner->n++;
}

/* A leaf that is alone, twice as large. */
static int leaf_grow(struct order *order, struct path *path)
{
	unsigned cap = path->leaf == NULL ? 4 : path->leaf->cap * 2U;
	struct order_leaf *leaf = pool_alloc(order->pool, leaf_size(cap));

	if (leaf == NULL)
		return -1;
	if (path->leaf == NULL) {
		memset(leaf, 0, sizeof(*leaf));
	} else {
		memcpy(leaf, path->leaf, leaf_size(path->leaf->n));
		pool_release(order->pool, path->leaf, leaf_size(path->leaf->cap));
	}
	leaf->cap = (uint16_t)cap;
	path->leaf = order->root = leaf;
	return 0;
}

/* The blocks that a split will need, taken before anything is changed. */
struct spares {
	struct order_leaf *leaf;
	struct order_inner *inner[ORDER_HEIGHT_MAX];
	unsigned n; /* of inner */
};

static void spares_release(struct order *order, struct spares *spares)
{
	while (spares->n > 0)
		pool_release(order->pool, spares->inner[--spares->n], sizeof(struct order_inner));
	pool_release(order->pool, spares->leaf, leaf_size(ORDER_FANOUT));
}

static int spares_take(struct order *order, const struct path *path, struct spares *spares)
{
	unsigned level = order->height;
	unsigned wanted = 0;

	while (level > 0 && path->inner[level - 1]->n == ORDER_FANOUT) {
		level--;
		wanted++;
	}
	if (level == 0)
		wanted++; /* another root */
	spares->n = 0;
	spares->leaf = pool_alloc(order->pool, leaf_size(ORDER_FANOUT));
	while (spares->leaf != NULL && spares->n < wanted) {
		struct order_inner *inner = pool_alloc(order->pool, sizeof(*inner));
		if (inner == NULL)
			break;
		spares->inner[spares->n++] = inner;
	}
	if (spares->leaf != NULL && spares->n == wanted)
		return 0;
	spares_release(order, spares);
	return -1;
}

/* Where to cut a full block to which something is added at i: what comes in order fills it. */
static unsigned cut_at(unsigned i)
{
	return i == ORDER_FANOUT ? ORDER_FANOUT : ORDER_FANOUT / 2;
}

/* Adds the entry to a full leaf; returns the new one behind it. */
static struct order_leaf *leaf_split(
	struct order_leaf *leaf, struct order_leaf *fresh, unsigned i, struct order_entry entry)
{
	unsigned cut = cut_at(i);

	fresh->cap = ORDER_FANOUT;
	fresh->n = (uint16_t)(ORDER_FANOUT - cut);
	memcpy(fresh->entries, &leaf->entries[cut], fresh->n * sizeof(entry));
	leaf->n = (uint16_t)cut;
	fresh->prev = leaf;
	fresh->next = leaf->next;
	if (fresh->next != NULL)
		fresh->next->prev = fresh;
	leaf->next = fresh;
	if (i > cut || cut == ORDER_FANOUT)
		leaf_insert(fresh, i - cut, entry);
	else
		leaf_insert(leaf, i, entry);
	return fresh;
}

static void inner_split(struct order_inner *inner, struct order_inner *fresh, unsigned i,
	struct order_branch branch)
{
	unsigned cut = cut_at(i);

	assert(fresh != NULL);
	fresh->n = (uint16_t)(ORDER_FANOUT - cut);
	memcpy(fresh->branches, &inner->branches[cut], fresh->n * sizeof(branch));
	inner->n = (uint16_t)cut;
	if (i > cut || cut == ORDER_FANOUT)
		inner_insert(fresh, i - cut, branch);
	else
		inner_insert(inner, i, branch);
}

/* Another root, above the old one and the block that was split off it. */
static void grow_up(struct order *order, struct order_inner *root, struct order_branch branch)
{
	const struct order_entry *first =
		order->height == 0 ? &((struct order_leaf *)order->root)->entries[0]
				   : &((struct order_inner *)order->root)->branches[0].first;

	assert(root != NULL && order->height < ORDER_HEIGHT_MAX);
	root->n = 2;
	root->branches[0] = (struct order_branch){*first, order->root};
	root->branches[1] = branch;
	order->root = root;
	order->height++;
}

static void split(
	struct order *order, struct path *path, struct spares *spares, struct order_entry entry)
{
	struct order_leaf *fresh = leaf_split(path->leaf, spares->leaf, path->i, entry);
	struct order_branch branch = {fresh->entries[0], fresh};

	/* Before the path is out of date. */
	if (path->i == 0)
		first_changed(order, path);
	for (unsigned level = order->height; level-- > 0;) {
		struct order_inner *inner = path->inner[level];
		unsigned i = path->at[level] + 1;
		if (inner->n < ORDER_FANOUT) {
			inner_insert(inner, i, branch);
			return;
		}
		struct order_inner *above = spares->inner[--spares->n];
		inner_split(inner, above, i, branch);
		branch = (struct order_branch){above->branches[0].first, above};
	}
	grow_up(order, spares->inner[--spares->n], branch);
}

int order_add(struct order *order, const struct order_key *key, const void *item)
{
	struct order_entry entry = {key->prefix, item};
	struct path path = {.leaf = NULL, .i = 0};
	struct spares spares = {0};

	if (order->root != NULL)
		find_path(order, key, &path);
	if (path.leaf == NULL || (path.leaf->n == path.leaf->cap && path.leaf->cap < ORDER_FANOUT))
		if (leaf_grow(order, &path) < 0)
			return -1;
	if (path.leaf->n < path.leaf->cap) {
		leaf_insert(path.leaf, path.i, entry);
		if (path.i == 0)
			first_changed(order, &path);
	} else {
		if (spares_take(order, &path, &spares) < 0)
			return -1;
		split(order, &path, &spares, entry);
	}
	order->entries++;
	return 0;
}

/* ---- removing ---- */

static void leaf_release(struct order *order, struct order_leaf *leaf)
{
	if (leaf->prev != NULL)
		leaf->prev->next = leaf->next;
	if (leaf->next != NULL)
		leaf->next->prev = leaf->prev;
	pool_release(order->pool, leaf, leaf_size(leaf->cap));
}

/* Puts the entries of the second of two neighbours behind those of the first, where they fit. */
static bool leaf_join(struct order *order, struct order_leaf *leaf, struct order_leaf *next)
{
	if (leaf->n + next->n > ORDER_FANOUT)
		return false;
	memcpy(&leaf->entries[leaf->n], next->entries, next->n * sizeof(next->entries[0]));
	leaf->n = (uint16_t)(leaf->n + next->n);
	leaf_release(order, next);
	return true;
}

static bool inner_join(struct order *order, struct order_inner *inner, struct order_inner *next)
{
	if (inner->n + next->n > ORDER_FANOUT)
		return false;
	memcpy(&inner->branches[inner->n], next->branches, next->n * sizeof(next->branches[0]));
	inner->n = (uint16_t)(inner->n + next->n);
	pool_release(order->pool, next, sizeof(*next));
	return true;
}

static void branch_remove(struct order_inner *inner, unsigned i)
{
	inner->n--;
	memmove(&inner->branches[i], &inner->branches[i + 1],
		(inner->n - i) * sizeof(inner->branches[0]));
}

/* Joins branch i with the one behind it; are they leaves? */
static bool branches_join(
	struct order *order, struct order_inner *inner, unsigned i, bool are_leaves)
{
	void *child = inner->branches[i].child;
	void *next = inner->branches[i + 1].child;

	if (are_leaves ? !leaf_join(order, child, next) : !inner_join(order, child, next))
		return false;
	branch_remove(inner, i + 1);
	return true;
}

/* The block below the path's branch at this level has few entries left. */
static void join_with_neighbour(struct order *order, const struct path *path, unsigned level)
{
	struct order_inner *inner = path->inner[level];
	unsigned i = path->at[level];
	bool are_leaves = level + 1 == order->height;

	if (i + 1 < inner->n && branches_join(order, inner, i, are_leaves))
		return;
	if (i > 0)
		(void)branches_join(order, inner, i - 1, are_leaves);
}

/* From the leaf up: empty blocks go, small ones are joined. */
static void shrink(struct order *order, const struct path *path)
{
	unsigned n = path->leaf->n;

	if (n == 0)
		leaf_release(order, path->leaf);
	for (unsigned level = order->height; level-- > 0 && n < FEW;) {
		if (n == 0) {
			if (level + 1 < order->height)
				pool_release(order->pool, path->inner[level + 1],
					sizeof(struct order_inner));
			branch_remove(path->inner[level], path->at[level]);
		} else {
			join_with_neighbour(order, path, level);
		}
		n = path->inner[level]->n;
	}
	while (order->height > 0 && ((struct order_inner *)order->root)->n == 1) {
		struct order_inner *root = order->root;
		order->root = root->branches[0].child;
		order->height--;
		pool_release(order->pool, root, sizeof(*root));
	}
	if (--order->entries == 0)
		order->root = NULL;
}

/* The new first entries of the branches on the path, where the leaf or its branch has gone. */
static void firsts_after_removal(const struct order *order, struct path *path)
{
	struct order_entry first;

	if (path->leaf->n > 0) {
		first_changed(order, path);
		return;
	}
	/* What follows the empty leaf below the same block, as far up as it is the first there. */
	for (unsigned level = order->height; level-- > 0;) {
		struct order_inner *inner = path->inner[level];
		if (path->at[level] > 0)
			return;
		if (inner->n == 1)
			continue; /* goes as well */
		first = inner->branches[1].first;
		while (level-- > 0) {
			path->inner[level]->branches[path->at[level]].first = first;
			if (path->at[level] > 0)
				return;
		}
		return;
	}
}

void order_remove(struct order *order, const struct order_key *key)
{
	struct path path;

	find_path(order, key, &path);
	assert(path.i > 0);
	struct order_leaf *leaf = path.leaf;
	unsigned i = path.i - 1;
	leaf->n--;
	memmove(&leaf->entries[i], &leaf->entries[i + 1], (leaf->n - i) * sizeof(leaf->entries[0]));
	if (i == 0)
		firsts_after_removal(order, &path);
	shrink(order, &path);
}

/* ---- freeing ---- */

/* The rightmost block below the last inner one, or the root. */
static void free_last_block(struct order *order)
{
	struct order_inner *above = NULL;
	void *block = order->root;
	unsigned level = 0;

	for (; level < order->height; level++) {
		struct order_inner *inner = block;
		if (inner->n == 0)
			break;
		above = inner;
		block = inner->branches[inner->n - 1].child;
	}
	if (level < order->height)
		pool_release(order->pool, block, sizeof(struct order_inner));
	else
		pool_release(order->pool, block, leaf_size(((struct order_leaf *)block)->cap));
	if (above != NULL)
		above->n--;
	else
		order->root = NULL;
}

bool order_free_step(struct order *order, size_t *budget)
{
	for (; order->root != NULL; --*budget) {
		if (*budget == 0)
			return false;
		free_last_block(order);
	}
	order->height = 0;
	order->entries = 0;
	return true;
}
