#include "base/options.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELP_WIDTH  80
#define HELP_COLUMN 30

/* getopt_long returns these for the long option of specs[i]: above every character. */
#define VALUE_OF(i)    (256 + 2 * (int)(i))
#define VALUE_OF_NO(i) (VALUE_OF(i) + 1)

/* What went wrong with a value, or NULL; always a constant text. */
typedef const char *(*value_parse_fn)(
	const struct option_spec *spec, void *field, const char *text);

static const char out_of_memory[] = "out of memory";

__attribute__((format(printf, 2, 3))) static int fail(
	struct option_error *error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(error->text, sizeof(error->text), fmt, args);
	va_end(args);
	return -1;
}

static size_t spec_count(const struct option_spec *specs)
{
	size_t n = 0;

	while (specs[n].name != NULL)
		n++;
	return n;
}

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
		return out_of_memory;
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
		return out_of_memory;
	char **items = realloc(list->items, (list->n + 1) * sizeof(*items));
	if (items == NULL) {
		free(copy);
		return out_of_memory;
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

/* first: the first value from this source, so that a list starts afresh. */
static const char *set_value(
	const struct option_spec *spec, void *settings, const char *text, bool first)
{
	void *field = field_of(spec, settings);

	if (first && spec->type == OPTION_LIST)
		list_fini(field);
	return parsers[spec->type](spec, field, text);
}

int options_init(const struct option_spec *specs, void *settings)
{
	for (const struct option_spec *spec = specs; spec->name != NULL; spec++)
		memset(field_of(spec, settings), 0, field_sizes[spec->type]);
	for (const struct option_spec *spec = specs; spec->name != NULL; spec++) {
		if (spec->initial == NULL)
			continue;
		const char *fault = set_value(spec, settings, spec->initial, true);
		if (fault == out_of_memory)
			return -1;
		assert(fault == NULL); /* the table itself is wrong */
	}
	return 0;
}

void options_fini(const struct option_spec *specs, void *settings)
{
	for (const struct option_spec *spec = specs; spec->name != NULL; spec++) {
		void *field = field_of(spec, settings);
		if (spec->type == OPTION_STRING)
			free(*(char **)field);
		else if (spec->type == OPTION_LIST)
			list_fini(field);
		memset(field, 0, field_sizes[spec->type]);
	}
}

/* What getopt_long wants to know, made from the table. Owns everything. */
struct getopt_table {
	char *letters;
	struct option *longs;
	char **negations; /* "no-NAME" of spec i, or NULL */
	size_t n;	  /* specs */
};

static void table_fini(struct getopt_table *table)
{
	for (size_t i = 0; table->negations != NULL && i < table->n; i++)
		free(table->negations[i]);
	free(table->negations);
	free(table->longs);
	free(table->letters);
}

static char *negation_of(const char *name)
{
	size_t size = strlen(name) + sizeof("no-");
	char *text = malloc(size);

	if (text != NULL)
		(void)snprintf(text, size, "no-%s", name);
	return text;
}

static int table_init(struct getopt_table *table, const struct option_spec *specs)
{
	table->n = spec_count(specs);
	table->letters = calloc(2 * table->n + 2, 1);
	table->longs = calloc(2 * table->n + 1, sizeof(*table->longs));
	table->negations = calloc(table->n + 1, sizeof(*table->negations));
	if (table->letters == NULL || table->longs == NULL || table->negations == NULL)
		return -1;

	char *letter = table->letters;
	struct option *next = table->longs;
	*letter++ = ':'; /* tells a missing value from an unknown option */
	for (size_t i = 0; i < table->n; i++) {
		bool has_value = specs[i].type != OPTION_FLAG;
		*next++ = (struct option){specs[i].name, has_value, NULL, VALUE_OF(i)};
		if (specs[i].letter != 0)
			*letter++ = specs[i].letter;
		if (specs[i].letter != 0 && has_value)
			*letter++ = ':';
		if (has_value)
			continue;
		table->negations[i] = negation_of(specs[i].name);
		if (table->negations[i] == NULL)
			return -1;
		*next++ = (struct option){table->negations[i], 0, NULL, VALUE_OF_NO(i)};
	}
	return 0;
}

/* The spec that getopt_long's return value stands for. */
static size_t spec_index(const struct option_spec *specs, int value)
{
	size_t i = 0;

	if (value >= VALUE_OF(0))
		return (size_t)(value - VALUE_OF(0)) / 2;
	while (specs[i].letter != (char)value)
		i++;
	return i;
}

/* getopt_long names a wrong option in optopt when it was a letter, or a long one that it knows. */
static int fail_getopt(
	int value, const struct option_spec *specs, char **argv, struct option_error *error)
{
	bool is_letter = optopt > 0 && optopt < VALUE_OF(0);

	if (value == ':' && is_letter)
		return fail(error, "option \"-%c\" needs a value", optopt);
	if (value == ':')
		return fail(error, "option \"--%s\" needs a value",
			specs[spec_index(specs, optopt)].name);
	if (is_letter)
		return fail(error, "unknown option \"-%c\"", optopt);
	if (optopt != 0)
		return fail(error, "option \"--%s\" takes no value",
			specs[spec_index(specs, optopt)].name);
	return fail(error, "unknown option \"%s\"", argv[optind - 1]);
}

static int parse_args(const struct getopt_table *table, const struct option_spec *specs,
	void *settings, bool *seen, int argc, char **argv, struct option_error *error)
{
	int value;

	optind = 0; /* start afresh: options may have been parsed before */
	opterr = 0;
	while ((value = getopt_long(argc, argv, table->letters, table->longs, NULL)) != -1) {
		if (value == '?' || value == ':')
			return fail_getopt(value, specs, argv, error);

		size_t i = spec_index(specs, value);
		const char *text = specs[i].type != OPTION_FLAG ? optarg
				   : value == VALUE_OF_NO(i)	? "no"
								: "yes";
		const char *fault = set_value(&specs[i], settings, text, !seen[i]);
		if (fault != NULL)
			return fail(error, "option \"--%s\": value \"%s\" is %s", specs[i].name,
				text, fault);
		seen[i] = true;
	}
	return 0;
}

int options_parse_args(const struct option_spec *specs, void *settings, bool *seen, int argc,
	char **argv, int *first_operand, struct option_error *error)
{
	struct getopt_table table;
	int rc = table_init(&table, specs);

	if (rc == 0)
		rc = parse_args(&table, specs, settings, seen, argc, argv, error);
	else
		(void)fail(error, "%s", out_of_memory);
	*first_operand = optind;
	table_fini(&table);
	return rc;
}

/* A configuration file while it is read. */
struct file {
	const struct option_spec *specs;
	void *settings;
	const bool *from_args; /* set on the command line: not touched */
	bool *from_file;       /* set by an earlier line */
	const char *path;
	int line; /* from 1 */
};

static char *skip_space(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static void cut_space(char *text)
{
	size_t n = strlen(text);

	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	text[n] = '\0';
}

/* Takes the quotes off in place; \" and \\ stand for those characters. false: not well quoted. */
static bool unquote(char *text)
{
	char *to = text;
	const char *from = text + 1;

	while (*from != '"') {
		if (*from == '\\' && (from[1] == '"' || from[1] == '\\'))
			from++;
		if (*from == '\0')
			return false;
		*to++ = *from++;
	}
	*to = '\0';
	return from[1] == '\0';
}

static int file_set(
	struct file *file, const char *name, const char *value, struct option_error *error)
{
	size_t i = 0;

	while (file->specs[i].name != NULL && strcmp(file->specs[i].name, name) != 0)
		i++;
	const struct option_spec *spec = &file->specs[i];
	if (spec->name == NULL)
		return fail(error, "%s:%d: unknown option \"%s\"", file->path, file->line, name);
	if (spec->command_line_only)
		return fail(error, "%s:%d: option \"%s\" cannot be set in a file", file->path,
			file->line, name);
	if (file->from_args[i])
		return 0;
	const char *fault = set_value(spec, file->settings, value, !file->from_file[i]);
	if (fault != NULL)
		return fail(error, "%s:%d: option \"%s\": value \"%s\" is %s", file->path,
			file->line, name, value, fault);
	file->from_file[i] = true;
	return 0;
}

static int file_line(struct file *file, char *line, struct option_error *error)
{
	char *name = skip_space(line);

	cut_space(name);
	if (*name == '\0' || *name == '#')
		return 0;
	char *value = strchr(name, '=');
	if (value == NULL)
		return fail(
			error, "%s:%d: not of the form \"name = value\"", file->path, file->line);
	*value++ = '\0';
	cut_space(name);
	value = skip_space(value);
	if (*value == '"' && !unquote(value))
		return fail(error, "%s:%d: option \"%s\": quotes do not match", file->path,
			file->line, name);
	return file_set(file, name, value, error);
}

static int read_lines(struct file *file, FILE *stream, struct option_error *error)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int rc = 0;

	errno = 0;
	while (rc == 0 && (n = getline(&line, &size, stream)) != -1) {
		file->line++;
		if (strlen(line) != (size_t)n)
			rc = fail(error, "%s:%d: binary zero", file->path, file->line);
		else
			rc = file_line(file, line, error);
	}
	if (rc == 0 && !feof(stream))
		rc = fail(error, "could not read \"%s\": %s", file->path, strerror(errno));
	free(line);
	return rc;
}

int options_parse_file(const struct option_spec *specs, void *settings, bool *seen,
	const char *path, struct option_error *error)
{
	FILE *stream = fopen(path, "re");

	if (stream == NULL)
		return fail(error, "could not open \"%s\": %s", path, strerror(errno));

	struct file file = {.specs = specs, .settings = settings, .from_args = seen, .path = path};
	int rc;
	file.from_file = calloc(spec_count(specs) + 1, sizeof(bool));
	if (file.from_file == NULL)
		rc = fail(error, "%s", out_of_memory);
	else
		rc = read_lines(&file, stream, error);
	free(file.from_file);
	(void)fclose(stream);
	return rc;
}

/* Prints words from HELP_COLUMN on; column is where the cursor stands. */
static void print_wrapped(const char *text, size_t column)
{
	while (*text != '\0') {
		size_t word = strcspn(text, " \n");
		if (column > HELP_COLUMN && column + 1 + word > HELP_WIDTH) {
			(void)putchar('\n');
			column = 0;
		}
		if (column < HELP_COLUMN)
			(void)printf("%*s", (int)(HELP_COLUMN - column), "");
		else if (column > HELP_COLUMN)
			(void)putchar(' ');
		column = column <= HELP_COLUMN ? HELP_COLUMN + word : column + 1 + word;
		(void)printf("%.*s", (int)word, text);
		text += word;
		text += strspn(text, " \n");
	}
	(void)putchar('\n');
}

void options_print_help(const struct option_spec *specs)
{
	for (const struct option_spec *spec = specs; spec->name != NULL; spec++) {
		char left[128];
		char text[1024];
		bool has_default = spec->initial != NULL && spec->initial[0] != '\0';
		char letter[] = {'-', spec->letter, ',', ' ', '\0'};

		int column = snprintf(left, sizeof(left), "  %s--%s%s%s",
			spec->letter != 0 ? letter : "    ", spec->name,
			spec->value != NULL ? " " : "", spec->value != NULL ? spec->value : "");
		(void)snprintf(text, sizeof(text), "%s%s%s%s", spec->help,
			has_default ? " (default: " : "", has_default ? spec->initial : "",
			has_default ? ")" : "");
		(void)fputs(left, stdout);
		if (column >= HELP_COLUMN) {
			(void)putchar('\n');
			column = 0;
		}
		print_wrapped(text, (size_t)column);
	}
}
