#include "fuzz.h"

#include "sync/entity.h"

#include <string.h>

static size_t length(const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

	FUZZ_CHECK(text != NULL);
	size_t len = strlen(text);
	free(text);
	return len;
}

/* Every key is one of the entity's, with the same value; NICs are cut down likewise. */
static void check_trimmed(const json_t *trimmed, const json_t *entity)
{
	json_t *copy = (json_t *)trimmed;

	FUZZ_CHECK(json_is_object(trimmed));
	for (void *at = json_object_iter(copy); at != NULL; at = json_object_iter_next(copy, at)) {
		const char *key = json_object_iter_key(at);
		const json_t *value = json_object_get(entity, key);
		FUZZ_CHECK(value != NULL);
		if (strcmp(key, "nic") != 0 || !json_is_array(value)) {
			FUZZ_CHECK(json_equal(value, json_object_iter_value(at)));
			continue;
		}
		FUZZ_CHECK(json_array_size(value) == json_array_size(json_object_iter_value(at)));
	}
	FUZZ_CHECK(length(trimmed) <= length(entity));
}

static void check_kind(enum entity_kind kind, const json_t *answer)
{
	bool is_empty = false;
	const json_t *list = entity_list(kind, answer, &is_empty);

	FUZZ_CHECK(list == NULL || (!is_empty && json_array_size(list) > 0));
	/* Nothing is there only where nothing else is said. */
	FUZZ_CHECK(!is_empty || json_is_object(answer));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entity = json_array_get(list, i);
		const char *id = json_string_value(json_object_get(entity, "id"));
		FUZZ_CHECK(id != NULL && uuid_is(id));
		json_t *trimmed = entity_trim(kind, entity);
		FUZZ_CHECK(trimmed != NULL);
		check_trimmed(trimmed, entity);
		FUZZ_CHECK(json_object_get(trimmed, "id") != NULL);
		json_decref(trimmed);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *answer = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	char text[128];
	size_t n = size < sizeof(text) - 1 ? size : sizeof(text) - 1;

	/* Names of all kinds, from anywhere. */
	memcpy(text, data, n);
	text[n] = '\0';
	FUZZ_CHECK(!uuid_is(text) || strlen(text) == UUID_SIZE - 1);
	FUZZ_CHECK(entity_find(text) <= ENTITY_NONE && entity_find_class(text) <= ENTITY_NONE);
	if (answer == NULL)
		return 0;
	for (size_t kind = 0; kind < ENTITY_KINDS; kind++)
		check_kind((enum entity_kind)kind, answer);
	json_decref(answer);
	return 0;
}
