#include "mirror/tsig.h"

#include "base/json_text.h"

#include <string.h>

struct tsig_keys *tsig_keys_new(struct pool *pool)
{
	struct tsig_keys *keys = pool_alloc(pool, sizeof(*keys));

	if (keys == NULL)
		return NULL;
	table_init(&keys->by_name, pool);
	keys->first = NULL;
	keys->last = &keys->first;
	return keys;
}

static void tsig_key_free(struct tsig_key *key, struct pool *pool)
{
	secret_free(key->secret, pool);
	pool_release(pool, key, sizeof(*key) + key->algorithm_len + key->name_len);
}

enum row_result tsig_keys_add(struct tsig_keys *keys, struct secrets *secrets, struct pool *pool,
	const struct tsig_row *row, const char **why)
{
	struct name name;
	int error = name_parse(&name, row->name.at, row->name.len);

	if (error != NAME_OK) {
		*why = name_error_text(error);
		return ROW_LEFT_OUT;
	}
	size_t algorithm = json_text_size(row->algorithm.at, row->algorithm.len);
	struct tsig_key *key = pool_alloc(pool, sizeof(*key) + algorithm + name.len);
	if (key == NULL)
		return ROW_NO_MEMORY;
	key->next = NULL;
	key->algorithm_len = (uint32_t)algorithm;
	key->name_len = name.len;
	(void)json_text_escape(key->text, row->algorithm.at, row->algorithm.len);
	memcpy(key->text + algorithm, name.wire, name.len);
	key->entry.hash = table_hash(name.wire, name.len);
	key->entry.owner = keys->by_name.entries;
	key->secret = secret_new(secrets, pool, row->secret);
	if (key->secret == NULL || table_add(&keys->by_name, &key->entry) < 0) {
		tsig_key_free(key, pool);
		return ROW_NO_MEMORY;
	}
	*keys->last = key;
	keys->last = &key->next;
	return ROW_TAKEN;
}

const struct tsig_key *tsig_keys_find(const struct tsig_keys *keys, const uint8_t *name, size_t len)
{
	const struct tsig_key *found = NULL;
	uint32_t hash = table_hash(name, len);

	if (keys == NULL)
		return NULL;
	/* Several may have the name, with different algorithms; in the table they are in no order.
	 */
	for (const struct table_entry *entry = table_first(&keys->by_name, hash); entry != NULL;
		entry = entry->next) {
		const struct tsig_key *key = (const struct tsig_key *)entry;
		if (key->name_len == len &&
			memcmp(key->text + key->algorithm_len, name, len) == 0 &&
			(found == NULL || key->entry.owner < found->entry.owner))
			found = key;
	}
	return found;
}

bool tsig_keys_free_step(struct tsig_keys *keys, struct pool *pool, size_t *budget)
{
	if (keys == NULL)
		return true;
	for (; keys->first != NULL; --*budget) {
		if (*budget == 0)
			return false;
		struct tsig_key *key = keys->first;
		keys->first = key->next;
		tsig_key_free(key, pool);
	}
	table_fini(&keys->by_name);
	pool_release(pool, keys, sizeof(*keys));
	return true;
}
