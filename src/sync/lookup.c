#include "config.h"

#include "sync/lookup.h"

#include <string.h>
#include <strings.h>

#define PARAMS_MAX 5

static void fail(struct lookup *lookup, const char *why, bool is_passing)
{
	lookup->fn(lookup->arg,
		&(struct lookup_answer){
			.outcome = LOOKUP_FAILED, .why = why, .is_passing = is_passing});
}

static bool has_name(const struct lookup *lookup)
{
	return lookup->kind == ENTITY_ACCOUNT && lookup->name != NULL && lookup->domain != NULL;
}

/* Nothing of that id: unless it belongs to a project, which has to be asked for by itself, it is
 * gone. */
static void on_nothing(struct lookup *lookup)
{
	if (!entity_in_projects(lookup->kind) || lookup->in_projects) {
		lookup->fn(lookup->arg, &(struct lookup_answer){.outcome = LOOKUP_GONE});
		return;
	}
	lookup->in_projects = true;
	if (lookup_ask(lookup) < 0)
		fail(lookup, "out of memory", true);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

/* Is it the one that was asked for? An account that is only known by name has another id. */
static bool is_wanted(const struct lookup *lookup, const json_t *entity)
{
	if (has_name(lookup))
		return strcmp(text_of(entity, "name"), lookup->name) == 0 &&
		       strcasecmp(text_of(entity, "domainid"), lookup->domain) == 0;
	return strcasecmp(text_of(entity, "id"), lookup->uuid) == 0;
}

static void take_list(struct lookup *lookup, const json_t *list)
{
	json_t *entity = NULL;

	for (size_t i = 0; i < json_array_size(list) && entity == NULL; i++)
		if (is_wanted(lookup, json_array_get(list, i)))
			entity = entity_trim(lookup->kind, json_array_get(list, i));
	if (entity == NULL)
		fail(lookup, "the API answers with something else than was asked for", false);
	else
		lookup->fn(lookup->arg,
			&(struct lookup_answer){.outcome = LOOKUP_FOUND, .entity = entity});
	json_decref(entity);
}

static void on_answer(void *arg, const struct api_answer *answer)
{
	struct lookup *lookup = arg;
	const json_t *list = NULL;
	bool is_empty = false;

	if (answer->result == API_OK)
		list = entity_list(lookup->kind, answer->body, &is_empty);
	if (list != NULL)
		take_list(lookup, list);
	else if (is_empty || answer->is_absent)
		on_nothing(lookup);
	else if (answer->result == API_OK)
		fail(lookup, "the API's answer has another shape", false);
	else
		/* 401: a clock that is off, or keys that were changed */
		fail(lookup, answer->why, answer->result == API_FAILED || answer->code == 401);
}

static size_t make_params(const struct lookup *lookup, struct api_param params[PARAMS_MAX])
{
	size_t n = 0;

	params[n++] = (struct api_param){"listall", "true"};
	if (has_name(lookup)) {
		params[n++] = (struct api_param){"name", lookup->name};
		params[n++] = (struct api_param){"domainid", lookup->domain};
	} else {
		params[n++] = (struct api_param){"id", lookup->uuid};
	}
	if (lookup->kind == ENTITY_INSTANCE)
		params[n++] = (struct api_param){"details", "nics,group"};
	if (lookup->in_projects)
		params[n++] = (struct api_param){"projectid", "-1"};
	return n;
}

int lookup_ask(struct lookup *lookup)
{
	struct api_param params[PARAMS_MAX];
	size_t n = make_params(lookup, params);

	return api_ask(lookup->api, entity_command(lookup->kind), params, n, on_answer, lookup);
}
