/*
 * import_plan: what an import adds and drops: the difference between two sorted lists. Pure.
 */
#include "tool/import.h"

#include <stdlib.h>
#include <string.h>

static bool is_type(const struct rr *rr, const char *type)
{
	return strcmp(rr->type, type) == 0;
}

static void want(struct import *import, struct rr *rr)
{
	import->add[import->n_add++] = rr;
}

static void lose(struct import *import, struct rr *rr)
{
	import->drop[import->n_drop++] = rr;
}

/* A name whose records could not be stored: what is there stays. Where names are sorted, a fault
 * may be with any record of the name. */
static bool has_fault(const struct import *import, const char *name)
{
	size_t low = 0;
	size_t high = import->wanted.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(import->wanted.items[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < import->wanted.n && strcmp(import->wanted.items[low].name, name) == 0; low++) {
		if (import->wanted.items[low].fault != NULL)
			return true;
	}
	return false;
}

/* A record that is there and not wanted. */
static void on_stored(struct import *import, struct rr *rr)
{
	if (import->settings->merge)
		return;
	if (rr->is_rules || has_fault(import, rr->name))
		import->kept++;
	else
		lose(import, rr);
}

/* A record that is wanted and not there. The SOA of a zone that is there is its own where things
 * are merged. */
static void on_wanted(struct import *import, struct rr *rr)
{
	if (rr->fault == NULL &&
		!(import->zone_id != 0 && import->settings->merge && is_type(rr, "SOA")))
		want(import, rr);
}

/* A record that is there and wanted. */
static void on_both(struct import *import, struct rr *stored, struct rr *wanted)
{
	if (wanted->fault != NULL)
		return;
	if (stored->is_rules ||
		(stored->ttl == wanted->ttl && stored->disabled == wanted->disabled) ||
		(import->settings->merge && is_type(stored, "SOA"))) {
		import->same++;
		return;
	}
	lose(import, stored);
	want(import, wanted);
}

static void compare(struct import *import)
{
	struct rr_list *wanted = &import->wanted;
	struct rr_list *stored = &import->stored;
	size_t i = 0;
	size_t j = 0;

	while (i < wanted->n || j < stored->n) {
		int rc = i == wanted->n	  ? 1
			 : j == stored->n ? -1
					  : rr_compare(&wanted->items[i], &stored->items[j]);
		if (rc < 0)
			on_wanted(import, &wanted->items[i++]);
		else if (rc > 0)
			on_stored(import, &stored->items[j++]);
		else
			on_both(import, &stored->items[j++], &wanted->items[i++]);
	}
}

int import_plan(struct import *import)
{
	free(import->add);
	free(import->drop);
	import->add = calloc(import->wanted.n + 1, sizeof(struct rr *));
	import->drop = calloc(import->stored.n + 1, sizeof(struct rr *));
	import->n_add = import->n_drop = import->same = import->kept = 0;
	if (import->add == NULL || import->drop == NULL) {
		tool_error("out of memory");
		return -1;
	}
	compare(import);
	return 0;
}
