#include "base/option_value.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* What went wrong with a value, or NULL; always a constant text. */
typedef const char *(*value_parse_fn)(
	const struct option_spec *spec, void *field, const char *text);

const char option_out_of_memory[] = "out of memory";

static void *field_of(const struct option_spec *spec, void *settings)
{
	return (char *)settings + spec->offset;
}

static const char *parse_string(const struct option_spec *spec, void *field, const char *text)
{
	char **string = field;
	char *copy = strdup(text);

	(void)spec;
	if (copy == NULL)
		return option_out_of_memory;
	free(*string);
	*string = copy;
	return NULL;
}

static const char *parse_list(const struct option_spec *spec, void *field, const char *text)
{
	struct option_list *list = field;
	char *copy = strdup(text);

	(void)spec;
	if (copy == NULL)
		return option_out_of_memory;
	char **items = realloc(list->items, (list->n + 1) * sizeof(*items));
	if (items == NULL) {
		free(copy);
		return option_out_of_memory;
	}
	list->items = items;
	items[list->n++] = copy;
	return NULL;
}

static void list_fini(struct option_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	list->items = NULL;
	list->n = 0;
}

static bool is_out_of_bounds(const struct option_spec *spec, long value)
{
	return (spec->min != 0 || spec->max != 0) && (value < spec->min || value > spec->max);
}

static const char *parse_int(const struct option_spec *spec, void *field, const char *text)
{
	char *end;

	errno = 0;
	long value = strtol(text, &end, 10);
	if (end == text || *end != '\0' || isspace((unsigned char)text[0]))
		return "not a whole number";
	if (errno == ERANGE || is_out_of_bounds(spec, value))
		return "out of range";
	*(long *)field = value;
	return NULL;
}

static const char *parse_mode(const struct option_spec *spec, void *field, const char *text)
{
	unsigned mode = 0;
	size_t n = strlen(text);

	(void)spec;
	if (n == 0 || n > 4 || strspn(text, "01234567") != n)
		return "not an octal file mode";
	for (; *text != '\0'; text++)
		mode = mode * 8 + (unsigned)(*text - '0');
	if (mode > 0777)
		return "not a file mode from 0 to 0777";
	*(unsigned *)field = mode;
	return NULL;
}

static const char *parse_flag(const struct option_spec *spec, void *field, const char *text)
{
	(void)spec;
	if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
		return "neither yes nor no";
	*(bool *)field = text[0] == 'y';
	return NULL;
}

struct unit {
	const char *name;
	long factor;
};

/* Digits and one of the units behind them, nothing else. */
static const char *parse_with_unit(const struct option_spec *spec, const char *text,
	const struct unit *units, const char *what, long *value)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return what;
	errno = 0;
	long number = strtol(text, &end, 10);
	while (units->name != NULL && strcmp(units->name, end) != 0)
		units++;
	if (units->name == NULL)
		return what;
	if (errno == ERANGE || number > LONG_MAX / units->factor)
		return "out of range";
	*value = number * units->factor;
	return is_out_of_bounds(spec, *value) ? "out of range" : NULL;
}

static const char *parse_seconds(const struct option_spec *spec, void *field, const char *text)
{
	static const struct unit units[] = {
		{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0}};

	return parse_with_unit(
		spec, text, units, "not a time such as 5s, 250ms or 2m", (long *)field);
}

const char *option_parse_time(const char *text, long *ms)
{
	static const struct option_spec unbounded = {.type = OPTION_SECONDS};

	return parse_seconds(&unbounded, ms, text);
}

static const char *parse_size(const struct option_spec *spec, void *field, const char *text)
{
	static const struct unit units[] = {{"", 1}, {"k", 1L << 10}, {"K", 1L << 10},
		{"m", 1L << 20}, {"M", 1L << 20}, {"g", 1L << 30}, {"G", 1L << 30}, {NULL, 0}};
	long value;
	const char *fault =
		parse_with_unit(spec, text, units, "not a size such as 64k or 16M", &value);

	if (fault == NULL)
		*(size_t *)field = (size_t)value;
	return fault;
}

static const value_parse_fn parsers[] = {
	[OPTION_STRING] = parse_string,
	[OPTION_LIST] = parse_list,
	[OPTION_INT] = parse_int,
	[OPTION_MODE] = parse_mode,
	[OPTION_FLAG] = parse_flag,
	[OPTION_SECONDS] = parse_seconds,
	[OPTION_SIZE] = parse_size,
};

static const size_t field_sizes[] = {
	[OPTION_STRING] = sizeof(char *),
	[OPTION_LIST] = sizeof(struct option_list),
	[OPTION_INT] = sizeof(long),
	[OPTION_MODE] = sizeof(unsigned),
	[OPTION_FLAG] = sizeof(bool),
	[OPTION_SECONDS] = sizeof(long),
	[OPTION_SIZE] = sizeof(size_t),
};

void option_value_init(const struct option_spec *spec, void *settings)
{
	memset(field_of(spec, settings), 0, field_sizes[spec->type]);
}

void option_value_fini(const struct option_spec *spec, void *settings)
{
	void *field = field_of(spec, settings);

	if (spec->type == OPTION_STRING)
		free(*(char **)field);
	else if (spec->type == OPTION_LIST)
		list_fini(field);
	option_value_init(spec, settings);
}

const char *option_value_set(
	const struct option_spec *spec, void *settings, const char *text, bool first)
{
	void *field = field_of(spec, settings);

	if (first && spec->type == OPTION_LIST)
		list_fini(field);
	return parsers[spec->type](spec, field, text);
}

bool option_string_is_same(const char *a, const char *b)
{
	return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

bool option_list_is_same(const struct option_list *a, const struct option_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!option_string_is_same(a->items[i], b->items[i]))
			return false;
	return true;
}
