#include "base/options.h"

#include "base/option_value.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELP_WIDTH  80
#define HELP_COLUMN 30

/* getopt_long returns these for the long option of specs[i]: above every character. */
#define VALUE_OF(i)    (256 + 2 * (int)(i))
#define VALUE_OF_NO(i) (VALUE_OF(i) + 1)

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

int options_init(const struct option_spec *specs, void *settings)
{
	for (const struct option_spec *spec = specs; spec->name != NULL; spec++)
		option_value_init(spec, settings);
	for (const struct option_spec *spec = specs; spec->name != NULL; spec++) {
		if (spec->initial == NULL)
			continue;
		const char *fault = option_value_set(spec, settings, spec->initial, true);
		if (fault == option_out_of_memory)
			return -1;
		assert(fault == NULL); /* the table itself is wrong */
	}
	return 0;
}

void options_fini(const struct option_spec *specs, void *settings)
{
	for (const struct option_spec *spec = specs; spec->name != NULL; spec++)
		option_value_fini(spec, settings);
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
		const char *fault = option_value_set(&specs[i], settings, text, !seen[i]);
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
		(void)fail(error, "%s", option_out_of_memory);
	*first_operand = optind;
	table_fini(&table);
	return rc;
}

int options_parse_without_operands(const struct option_spec *specs, void *settings, bool *seen,
	int argc, char **argv, struct option_error *error)
{
	int operand;

	if (options_parse_args(specs, settings, seen, argc, argv, &operand, error) < 0)
		return -1;
	return operand < argc ? fail(error, "unexpected argument \"%s\"", argv[operand]) : 0;
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
	const char *fault = option_value_set(spec, file->settings, value, !file->from_file[i]);
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
		rc = fail(error, "%s", option_out_of_memory);
	else
		rc = read_lines(&file, stream, error);
	free(file.from_file);
	(void)fclose(stream);
	return rc;
}

int options_parse_config(const struct option_spec *specs, void *settings, bool *seen,
	const char *named, const char *usual, struct option_error *error)
{
	const char *path = named;

	if (path == NULL && access(usual, F_OK) == 0)
		path = usual;
	return path == NULL ? 0 : options_parse_file(specs, settings, seen, path, error);
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
