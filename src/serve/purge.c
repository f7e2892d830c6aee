#include "serve/purge.h"

#include "serve/control.h"
#include "serve/purge_repeat.h"
#include "serve/zone_flush.h"

#include <stdlib.h>
#include <string.h>

#define REPEAT_MAX_MS 60000

struct purge {
	struct event_base *base;
	struct purge_target **targets; /* n_targets, and room for one more */
	size_t n_targets;
	struct purge_repeat repeats[PURGE_REPEATS_MAX];
	size_t n_repeats;
	uint64_t repeated;
	struct purge_set names; /* of the change at hand */
	struct purge_set zones;
};

/* ---- settings ---- */

static const char *add_repeat(const char *text, size_t len, struct purge_settings *settings)
{
	char word[16];
	long ms;

	if (len >= sizeof(word))
		return "a time is too long";
	memcpy(word, text, len);
	word[len] = '\0';
	const char *problem = option_parse_time(word, &ms);
	if (problem != NULL)
		return problem;
	if (ms < 1 || ms > REPEAT_MAX_MS)
		return "a time is 1ms to 1m";
	if (settings->n_repeats == PURGE_REPEATS_MAX)
		return "too many times";
	settings->repeats_ms[settings->n_repeats++] = ms;
	return NULL;
}

const char *purge_parse_repeats(const char *text, struct purge_settings *settings)
{
	const char *problem = NULL;
	size_t len;

	settings->n_repeats = 0;
	if (strcmp(text, "none") == 0 || strcmp(text, "0") == 0)
		return NULL;
	for (;;) {
		len = strcspn(text, ",");
		problem = add_repeat(text, len, settings);
		if (problem != NULL || text[len] == '\0')
			return problem;
		text += len + 1;
	}
}

const char *purge_check_controls(const struct option_list *controls)
{
	for (size_t i = 0; i < controls->n; i++) {
		if (controls->items[i][0] != '/')
			return "it is no absolute path";
		if (strlen(controls->items[i]) > control_path_max())
			return "it is too long for a socket";
		for (size_t j = 0; j < i; j++)
			if (strcmp(controls->items[i], controls->items[j]) == 0)
				return "it is there twice";
	}
	return NULL;
}

const char *purge_check_apis(const struct option_list *apis, size_t n_controls)
{
	const char *problem = NULL;

	if (apis->n > n_controls)
		return "there are more of them than of pdns-control";
	for (size_t i = 0; i < apis->n && problem == NULL; i++)
		problem = zone_flush_check(apis->items[i]);
	return problem;
}

/* ---- telling ---- */

static void tell_all(struct purge *purge, const struct purge_set *names)
{
	for (size_t i = 0; i < purge->n_targets; i++) {
		purge_target_add(purge->targets[i], names);
		purge_target_send(purge->targets[i]);
	}
}

static void on_repeat(void *arg, const struct purge_set *names)
{
	struct purge *purge = arg;

	purge->repeated += names->n;
	tell_all(purge, names);
}

static void repeat_later(void *arg, const struct purge_set *names)
{
	struct purge *purge = arg;

	for (size_t i = 0; i < purge->n_repeats; i++)
		purge_repeat_add(&purge->repeats[i], names);
}

static void take_affected(struct purge *purge, const struct affected *affected)
{
	purge_set_reset(&purge->names);
	purge_set_reset(&purge->zones);
	if (affected->is_all)
		purge_set_add_all(&purge->names);
	if (affected->is_all_zones)
		purge_set_add_all(&purge->zones);
	for (const struct affected_name *name = affected->names; name != NULL; name = name->next)
		purge_set_add(&purge->names, name->wire, name->len, name->is_suffix);
	for (const struct affected_name *zone = affected->zones; zone != NULL; zone = zone->next)
		purge_set_add(&purge->zones, zone->wire, zone->len, false);
}

void purge_affected(struct purge *purge, const struct affected *affected)
{
	if (purge->n_targets == 0)
		return;
	take_affected(purge, affected);
	for (size_t i = 0; i < purge->n_targets; i++)
		purge_target_add_zones(purge->targets[i], &purge->zones, &purge->names);
	tell_all(purge, &purge->names);
	repeat_later(purge, &purge->names);
}

/* ---- making and changing ---- */

static void fini_repeats(struct purge *purge)
{
	for (size_t i = 0; i < purge->n_repeats; i++)
		purge_repeat_fini(&purge->repeats[i]);
	purge->n_repeats = 0;
}

static bool has_repeats(const struct purge *purge, const struct purge_settings *settings)
{
	if (purge->n_repeats != settings->n_repeats)
		return false;
	for (size_t i = 0; i < purge->n_repeats; i++)
		if (purge->repeats[i].delay_ms != settings->repeats_ms[i])
			return false;
	return true;
}

/* What waits to be repeated is lost with its time, so times that stay are left alone. */
static bool set_repeats(struct purge *purge, const struct purge_settings *settings)
{
	if (has_repeats(purge, settings))
		return true;
	fini_repeats(purge);
	for (size_t i = 0; i < settings->n_repeats; i++) {
		if (!purge_repeat_init(&purge->repeats[i], purge->base, settings->repeats_ms[i],
			    on_repeat, purge)) {
			purge_repeat_fini(&purge->repeats[i]);
			return false;
		}
		purge->n_repeats = i + 1;
	}
	return true;
}

static bool is_among(
	struct purge_target *const *targets, size_t n, const struct purge_target *target)
{
	for (size_t i = 0; i < n; i++)
		if (targets[i] == target)
			return true;
	return false;
}

/* Those of `targets` that are not among `others`. */
static void free_others(struct purge_target **targets, size_t n, struct purge_target *const *others,
	size_t n_others)
{
	for (size_t i = 0; i < n; i++)
		if (!is_among(others, n_others, targets[i]))
			purge_target_free(targets[i]);
	free(targets);
}

static struct purge_target *find_target(struct purge *purge, const char *control)
{
	for (size_t i = 0; i < purge->n_targets; i++)
		if (strcmp(purge_target_control(purge->targets[i]), control) == 0)
			return purge->targets[i];
	return NULL;
}

/* Nobody knows what it has cached. */
static struct purge_target *make_target(
	struct purge *purge, const struct purge_target_settings *settings)
{
	struct purge_target *target = purge_target_new(purge->base, settings, repeat_later, purge);
	struct purge_set all;

	if (target == NULL)
		return NULL;
	purge_set_init(&all);
	purge_set_add_all(&all);
	purge_target_add(target, &all);
	purge_target_add_zones(target, &all, &all);
	return target;
}

/* One that is there, with the web server as it is now, or a new one. */
static struct purge_target *find_or_make(
	struct purge *purge, const struct purge_settings *settings, size_t i)
{
	struct purge_target_settings one = {
		.control = settings->controls->items[i],
		.api = i < settings->apis->n ? settings->apis->items[i] : NULL,
		.api_key = settings->api_key,
	};
	struct purge_target *target = find_target(purge, one.control);

	if (target == NULL)
		return make_target(purge, &one);
	return purge_target_set_api(target, one.api, one.api_key) ? target : NULL;
}

static bool set_targets(struct purge *purge, const struct purge_settings *settings)
{
	const struct option_list *controls = settings->controls;
	struct purge_target **targets = calloc(controls->n + 1, sizeof(struct purge_target *));

	if (targets == NULL)
		return false;
	for (size_t i = 0; i < controls->n; i++) {
		targets[i] = find_or_make(purge, settings, i);
		if (targets[i] == NULL) {
			free_others(targets, i, purge->targets, purge->n_targets);
			return false;
		}
	}
	free_others(purge->targets, purge->n_targets, targets, controls->n);
	purge->targets = targets;
	purge->n_targets = controls->n;
	return true;
}

struct purge *purge_new(struct event_base *base, const struct purge_settings *settings)
{
	struct purge *purge = calloc(1, sizeof(*purge));

	if (purge == NULL)
		return NULL;
	purge->base = base;
	purge_set_init(&purge->names);
	purge_set_init(&purge->zones);
	if (!set_targets(purge, settings) || !set_repeats(purge, settings)) {
		purge_free(purge);
		return NULL;
	}
	return purge;
}

void purge_free(struct purge *purge)
{
	if (purge == NULL)
		return;
	fini_repeats(purge);
	free_others(purge->targets, purge->n_targets, NULL, 0);
	purge_set_fini(&purge->names);
	purge_set_fini(&purge->zones);
	free(purge);
}

int purge_reload(struct purge *purge, const struct purge_settings *settings)
{
	if (!set_targets(purge, settings) || !set_repeats(purge, settings))
		return -1;
	return 0;
}

/* ---- for people ---- */

size_t purge_count(const struct purge *purge)
{
	return purge->n_targets;
}

void purge_get_status(const struct purge *purge, size_t i, struct purge_target_status *status)
{
	purge_target_get_status(purge->targets[i], status);
}

uint64_t purge_repeated(const struct purge *purge)
{
	return purge->repeated;
}
