#include "unit.h"

#include "base/option_entries.h"
#include "base/options.h"
#include "fail_alloc.h"

#include <unistd.h>

struct settings {
	char *config;
	char *db;
	struct option_list users;
	long number;
	unsigned mode;
	bool verbose;
	long interval;
	size_t size;
};

static const struct option_spec specs[] = {
	{.name = "config",
		.letter = 'c',
		.type = OPTION_STRING,
		.offset = offsetof(struct settings, config),
		.value = "FILE",
		.help = "file to read",
		.command_line_only = true},
	{.name = "db",
		.type = OPTION_STRING,
		.offset = offsetof(struct settings, db),
		.value = "CONNINFO",
		.initial = "service=csdns",
		.help = "database"},
	{.name = "user",
		.letter = 'u',
		.type = OPTION_LIST,
		.offset = offsetof(struct settings, users),
		.value = "NAME",
		.initial = "pdns",
		.help = "user that may connect"},
	{.name = "number",
		.type = OPTION_INT,
		.offset = offsetof(struct settings, number),
		.value = "N",
		.initial = "5",
		.help = "a number",
		.min = -1,
		.max = 10},
	{.name = "mode",
		.type = OPTION_MODE,
		.offset = offsetof(struct settings, mode),
		.value = "MODE",
		.initial = "0660",
		.help = "mode of the socket"},
	{.name = "verbose",
		.letter = 'v',
		.type = OPTION_FLAG,
		.offset = offsetof(struct settings, verbose),
		.help = "say more"},
	{.name = "interval",
		.type = OPTION_SECONDS,
		.offset = offsetof(struct settings, interval),
		.value = "TIME",
		.initial = "500ms",
		.help = "time between polls",
		.min = 1,
		.max = 3600000},
	{.name = "size",
		.type = OPTION_SIZE,
		.offset = offsetof(struct settings, size),
		.value = "BYTES",
		.initial = "64k",
		.help = "limit",
		.max = 1 << 30},
	{.name = NULL},
};

#define SPECS (COUNT(specs) - 1)

struct fixture {
	struct settings settings;
	bool seen[SPECS];
	int first_operand;
	struct option_error error;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (fixture == NULL || options_init(specs, &fixture->settings) != 0)
		return -1;
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	options_fini(specs, &fixture->settings);
	free(fixture);
	return 0;
}

/* Words separated by single spaces. */
static int parse_args(struct fixture *fixture, const char *line)
{
	static char text[1000];
	static char *argv[20];
	int argc = 0;

	(void)snprintf(text, sizeof(text), "prog %s", line);
	for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return options_parse_args(specs, &fixture->settings, fixture->seen, argc, argv,
		&fixture->first_operand, &fixture->error);
}

static int parse_file(struct fixture *fixture, const void *text, size_t len)
{
	char path[] = "/tmp/csdns-options-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	(void)close(fd);
	int rc =
		options_parse_file(specs, &fixture->settings, fixture->seen, path, &fixture->error);
	(void)unlink(path);
	return rc;
}

static int parse_text(struct fixture *fixture, const char *text)
{
	return parse_file(fixture, text, strlen(text));
}

static void assert_error_has(const struct fixture *fixture, const char *part)
{
	if (strstr(fixture->error.text, part) == NULL)
		fail_msg("\"%s\" does not have \"%s\"", fixture->error.text, part);
}

static void test_defaults(void **state)
{
	const struct settings *settings = &((struct fixture *)*state)->settings;

	assert_null(settings->config);
	assert_string_equal(settings->db, "service=csdns");
	assert_int_equal(settings->users.n, 1);
	assert_string_equal(settings->users.items[0], "pdns");
	assert_int_equal(settings->number, 5);
	assert_int_equal(settings->mode, 0660);
	assert_false(settings->verbose);
	assert_int_equal(settings->interval, 500);
	assert_int_equal(settings->size, 65536);
}

static void test_command_line(void **state)
{
	struct fixture *fixture = *state;
	const struct settings *settings = &fixture->settings;

	assert_int_equal(
		parse_args(fixture, "-c file --db=host=x --user a -ub --number -1 --mode 600 -v "
				    "--interval 2m --size 16M"),
		0);
	assert_string_equal(settings->config, "file");
	assert_string_equal(settings->db, "host=x");
	assert_int_equal(settings->users.n, 2);
	assert_string_equal(settings->users.items[0], "a");
	assert_string_equal(settings->users.items[1], "b");
	assert_int_equal(settings->number, -1);
	assert_int_equal(settings->mode, 0600);
	assert_true(settings->verbose);
	assert_int_equal(settings->interval, 120000);
	assert_int_equal(settings->size, 16 << 20);
	assert_int_equal(parse_args(fixture, "--no-verbose"), 0);
	assert_false(settings->verbose);
}

static void test_operands(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(parse_args(fixture, "one --number 1 two -- --db"), 0);
	assert_int_equal(fixture->first_operand, 4);
	assert_int_equal(parse_args(fixture, "--number 1"), 0);
	assert_int_equal(fixture->first_operand, 3);
}

static void test_wrong_command_lines(void **state)
{
	static const struct {
		const char *line;
		const char *part;
	} cases[] = {
		{"--nothing", "unknown option \"--nothing\""},
		{"-x", "unknown option \"-x\""},
		{"--db", "\"--db\" needs a value"},
		{"-u", "\"-u\" needs a value"},
		{"--verbose=yes", "\"--verbose\" takes no value"},
		{"--no-db", "unknown option"},
		{"--number x", "\"--number\": value \"x\" is not a whole number"},
		{"--number 1x", "not a whole number"},
		{"--number=", "not a whole number"},
		{"--number 11", "out of range"},
		{"--number -2", "out of range"},
		{"--number 99999999999999999999", "out of range"},
		{"--mode 8", "not an octal"},
		{"--mode 1000", "0777"},
		{"--mode=", "not an octal"},
		{"--interval 5x", "not a time"},
		{"--interval -5", "not a time"},
		{"--interval 1.5s", "not a time"},
		{"--interval 0", "out of range"},
		{"--interval 2h", "out of range"},
		{"--interval 9223372036854775807", "out of range"},
		{"--size 5x", "not a size"},
		{"--size 2g", "out of range"},
		{"--size 99999999999999999999k", "out of range"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse_args(fixture, cases[i].line), -1);
		assert_error_has(fixture, cases[i].part);
	}
}

static void test_file(void **state)
{
	struct fixture *fixture = *state;
	const struct settings *settings = &fixture->settings;

	assert_int_equal(parse_text(fixture, "# comment\n"
					     "\n"
					     "  db = host=/run password='a # b'  \n"
					     "user=x\r\n"
					     "user = \" y \\\" \\\\ z\"\n"
					     "number = 7\n"
					     "number = 8\n"
					     "verbose = yes\n"
					     "interval = 1h"),
		0);
	assert_string_equal(settings->db, "host=/run password='a # b'");
	assert_int_equal(settings->users.n, 2);
	assert_string_equal(settings->users.items[0], "x");
	assert_string_equal(settings->users.items[1], " y \" \\ z");
	assert_int_equal(settings->number, 8);
	assert_true(settings->verbose);
	assert_int_equal(settings->interval, 3600000);
}

static void test_command_line_wins(void **state)
{
	struct fixture *fixture = *state;
	const struct settings *settings = &fixture->settings;

	assert_int_equal(parse_args(fixture, "--user line --number 1 --no-verbose"), 0);
	assert_int_equal(
		parse_text(fixture, "user = file\nnumber = 2\nverbose = yes\ndb = file\n"), 0);
	assert_int_equal(settings->users.n, 1);
	assert_string_equal(settings->users.items[0], "line");
	assert_int_equal(settings->number, 1);
	assert_false(settings->verbose);
	assert_string_equal(settings->db, "file");
}

static void test_wrong_files(void **state)
{
	static const struct {
		const char *text;
		const char *part;
	} cases[] = {
		{"\nnothing = 1\n", ":2: unknown option \"nothing\""},
		{"db\n", ":1: not of the form"},
		{"config = x\n", "cannot be set in a file"},
		{"number = x\n", ":1: option \"number\": value \"x\" is not a whole number"},
		{"verbose = 1\n", "neither yes nor no"},
		{"db = \"x\n", "quotes do not match"},
		{"db = \"x\\\n", "quotes do not match"},
		{"db = \"x\" y\n", "quotes do not match"},
		{"--db = x\n", "unknown option \"--db\""},
		{"= x\n", "unknown option \"\""},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse_text(fixture, cases[i].text), -1);
		assert_error_has(fixture, cases[i].part);
	}
	assert_int_equal(parse_file(fixture, "db = x\0y\n", 9), -1);
	assert_error_has(fixture, ":1: binary zero");
	assert_int_equal(options_parse_file(specs, &fixture->settings, fixture->seen,
				 "/nowhere/at/all", &fixture->error),
		-1);
	assert_error_has(fixture, "could not open \"/nowhere/at/all\"");
	assert_int_equal(
		options_parse_file(specs, &fixture->settings, fixture->seen, "/", &fixture->error),
		-1);
	assert_error_has(fixture, "could not read \"/\"");
}

static void test_without_operands(void **state)
{
	struct fixture *fixture = *state;
	char *argv[] = {"prog", "--number", "1", "two", NULL};

	assert_int_equal(options_parse_without_operands(specs, &fixture->settings, fixture->seen, 3,
				 argv, &fixture->error),
		0);
	assert_int_equal(options_parse_without_operands(specs, &fixture->settings, fixture->seen, 4,
				 argv, &fixture->error),
		-1);
	assert_string_equal(fixture->error.text, "unexpected argument \"two\"");
}

/* A file that was named has to be there, the usual one need not. */
static void test_config(void **state)
{
	struct fixture *fixture = *state;
	const char *none = "/nowhere/at/all";

	assert_int_equal(options_parse_config(specs, &fixture->settings, fixture->seen, NULL, none,
				 &fixture->error),
		0);
	assert_int_equal(options_parse_config(specs, &fixture->settings, fixture->seen, none,
				 "/dev/null", &fixture->error),
		-1);
	assert_error_has(fixture, "could not open \"/nowhere/at/all\"");
	assert_int_equal(options_parse_config(specs, &fixture->settings, fixture->seen, NULL, "/",
				 &fixture->error),
		-1);
	assert_error_has(fixture, "could not read \"/\"");
}

static void test_same(void **state)
{
	char *texts[] = {"a", "b", "a"};
	struct option_list a = {texts, 1}, b = {texts + 1, 1}, ab = {texts, 2},
			   a_too = {texts + 2, 1};
	struct option_list none = {NULL, 0};

	(void)state;
	assert_true(option_string_is_same("a", "a"));
	assert_false(option_string_is_same("a", "b"));
	assert_true(option_string_is_same(NULL, ""));
	assert_false(option_string_is_same("a", NULL));
	assert_true(option_list_is_same(&a, &a_too));
	assert_false(option_list_is_same(&a, &b));
	assert_false(option_list_is_same(&a, &ab));
	assert_true(option_list_is_same(&none, &none));
	assert_false(option_list_is_same(&a, &none));
}

static void test_log_level(void **state)
{
	struct option_error error;

	(void)state;
	assert_int_equal(option_entry_check_log_level("info", &error), 0);
	assert_int_equal(option_entry_check_log_level("loud", &error), -1);
	assert_string_equal(error.text, "could not use log-level \"loud\": it is error, warning, "
					"notice, info or debug");
}

static void test_out_of_memory(void **state)
{
	struct fixture *fixture = *state;
	int rc = -1;

	for (unsigned n = 1; rc != 0; n++) {
		options_fini(specs, &fixture->settings);
		fail_alloc_at(n);
		rc = options_init(specs, &fixture->settings);
		assert_true(fail_alloc_done() == (rc != 0));
	}
	rc = -1;
	for (unsigned n = 1; rc != 0; n++) {
		memset(fixture->seen, 0, sizeof(fixture->seen));
		fail_alloc_at(n);
		rc = parse_args(fixture, "-u a -u b --db x --verbose");
		assert_true(fail_alloc_done() == (rc != 0));
	}
	fail_alloc_at(0);
}

static void test_help(void **state)
{
	char path[] = "/tmp/csdns-help-XXXXXX";
	char text[4096];
	int fd = mkstemp(path);
	int saved = dup(STDOUT_FILENO);

	(void)state;
	(void)unlink(path);
	(void)fflush(stdout);
	assert_true(dup2(fd, STDOUT_FILENO) >= 0);
	options_print_help(specs);
	(void)fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	(void)close(saved);
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	(void)close(fd);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "  -c, --config FILE           file to read\n"));
	assert_non_null(strstr(text, "      --number N              a number (default: 5)\n"));
	assert_non_null(strstr(text, "  -v, --verbose               say more\n"));
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 80);
}

#define WITH_SETTINGS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SETTINGS(test_defaults),
		WITH_SETTINGS(test_command_line),
		WITH_SETTINGS(test_operands),
		WITH_SETTINGS(test_wrong_command_lines),
		WITH_SETTINGS(test_file),
		WITH_SETTINGS(test_command_line_wins),
		WITH_SETTINGS(test_wrong_files),
		WITH_SETTINGS(test_without_operands),
		WITH_SETTINGS(test_config),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_log_level),
		WITH_SETTINGS(test_out_of_memory),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
