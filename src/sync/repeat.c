#include "sync/repeat.h"

#include "base/clock.h"

#include <stdlib.h>

#define PAUSE_DOUBLES 20

static void free_item(struct repeat *item)
{
	json_decref(item->about);
	free(item);
}

static bool is_about(const struct repeat *item, const json_t *row)
{
	static const char *const keys[] = {"zone", "name", "type"};

	for (size_t i = 0; i < 3; i++) {
		if (!json_equal(
			    json_object_get(item->about, keys[i]), json_object_get(row, keys[i])))
			return false;
	}
	return true;
}

struct repeat *repeats_find(struct repeats *repeats, const json_t *row)
{
	for (struct repeat *item = repeats->first; item != NULL; item = item->next) {
		if (is_about(item, row))
			return item;
	}
	if (repeats->n >= REPEATS_MAX)
		return NULL;
	struct repeat *item = calloc(1, sizeof(*item));
	if (item == NULL)
		return NULL;
	item->about = json_pack("{s:O, s:O, s:O}", "zone", json_object_get(row, "zone"), "name",
		json_object_get(row, "name"), "type", json_object_get(row, "type"));
	item->next = repeats->first;
	repeats->first = item;
	repeats->n++;
	return item;
}

char *repeats_due(struct repeats *repeats, size_t most)
{
	json_t *list = json_array();
	char *text = NULL;

	for (struct repeat *item = repeats->first; item != NULL; item = item->next) {
		if (item->due_ms > clock_ms() || json_array_size(list) == most)
			continue;
		(void)json_array_append(list, item->about);
		/* what no server is asked about any more is dropped */
		item->is_asked = true;
		item->differs = false;
	}
	if (json_array_size(list) > 0)
		text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

void repeats_settle(struct repeats *repeats, long after_ms)
{
	for (struct repeat **at = &repeats->first; *at != NULL;) {
		struct repeat *item = *at;
		if (item->is_asked && !item->differs) {
			*at = item->next;
			free_item(item);
			repeats->n--;
			continue;
		}
		if (item->is_asked) {
			long doubles =
				item->answers < PAUSE_DOUBLES ? item->answers : PAUSE_DOUBLES;
			int64_t pause = (int64_t)after_ms << doubles;
			item->due_ms =
				clock_ms() +
				(pause < REPEATS_PAUSE_MAX_MS ? pause : REPEATS_PAUSE_MAX_MS);
			item->is_asked = false;
		}
		at = &item->next;
	}
}

void repeats_fini(struct repeats *repeats)
{
	while (repeats->first != NULL) {
		struct repeat *item = repeats->first;
		repeats->first = item->next;
		free_item(item);
	}
}
