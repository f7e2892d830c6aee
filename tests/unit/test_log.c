#include "unit.h"

#include "base/log.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* Standard error goes to a file while a test runs; captured() gives what came since the last. */
static struct {
	int fd;
	int saved;
	off_t read;
	char text[16384];
} capture;

static int setup(void **state)
{
	char path[] = "/tmp/csdns-log-XXXXXX";

	(void)state;
	capture.fd = mkstemp(path);
	(void)unlink(path);
	capture.saved = dup(STDERR_FILENO);
	capture.read = 0;
	(void)unsetenv("JOURNAL_STREAM");
	log_set_level(LOG_LEVEL_INFO);
	return capture.fd < 0 || dup2(capture.fd, STDERR_FILENO) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)dup2(capture.saved, STDERR_FILENO);
	(void)close(capture.saved);
	(void)close(capture.fd);
	return 0;
}

static const char *captured(void)
{
	ssize_t n = pread(capture.fd, capture.text, sizeof(capture.text) - 1, capture.read);

	assert_true(n >= 0);
	capture.read += n;
	capture.text[n] = '\0';
	return capture.text;
}

static void assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" does not have \"%s\"", text, part);
}

static void test_line(void **state)
{
	(void)state;
	log_init("prog");
	errno = ENOENT;
	log_warning("could not open \"%s\": %m", "x");
	assert_int_equal(errno, ENOENT);
	const char *text = captured();
	/* 2000-01-01 00:00:00.000 in front */
	assert_int_equal(text[4], '-');
	assert_int_equal(text[19], '.');
	assert_string_equal(
		text + 23, " prog WARNING: could not open \"x\": No such file or directory\n");
}

static void test_about(void **state)
{
	const struct log_about about = {.zone = "example.org", .peer = "uid 5", .query = "a\nb"};
	const struct log_about zone = {.zone = "example.org"};

	(void)state;
	log_init("prog");
	log_line(LOG_LEVEL_ERROR, &about, "text");
	assert_has(captured(), " ERROR: [example.org] [peer uid 5] [query a\\nb] text\n");
	log_line(LOG_LEVEL_NOTICE, &zone, "text");
	assert_has(captured(), " NOTICE: [example.org] text\n");
}

static void test_levels(void **state)
{
	enum log_level level;

	(void)state;
	log_init("prog");
	log_debug("hidden");
	assert_string_equal(captured(), "");
	assert_false(log_is_on(LOG_LEVEL_DEBUG));
	log_set_level(LOG_LEVEL_DEBUG);
	assert_true(log_is_on(LOG_LEVEL_DEBUG));
	log_debug("shown");
	assert_has(captured(), "DEBUG: shown\n");
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("hidden");
	assert_string_equal(captured(), "");

	assert_true(log_level_parse("warning", &level));
	assert_int_equal(level, LOG_LEVEL_WARNING);
	assert_true(log_level_parse("debug", &level));
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_false(log_level_parse("WARNING", &level));
	assert_false(log_level_parse("", &level));
	assert_false(log_level_parse("warn", &level));
}

static void test_escapes(void **state)
{
	static const struct {
		const char *octets;
		const char *printed;
	} cases[] = {
		{"a\nb\r\tc", "a\\nb\\r\\tc"}, {"\x1b[31m\x01\x7f", "\\x1b[31m\\x01\\x7f"},
		{"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
			"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"\xc2\x9b", "\\xc2\\x9b"},		      /* C1: CSI */
		{"\xff\x80", "\\xff\\x80"},		      /* no UTF-8 */
		{"\xc3", "\\xc3"},			      /* cut short */
		{"\xe2\x82", "\\xe2\\x82"},		      /* cut short */
		{"\xc0\xaf", "\\xc0\\xaf"},		      /* overlong */
		{"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},	      /* overlong */
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},	      /* surrogate */
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
	};
	char line[200];

	(void)state;
	log_init("prog");
	for (size_t i = 0; i < COUNT(cases); i++) {
		log_info("%s", cases[i].octets);
		(void)snprintf(line, sizeof(line), "INFO: %s\n", cases[i].printed);
		assert_has(captured(), line);
	}
}

static void test_cuts(void **state)
{
	char message[2 * LOG_LINE_MAX];
	const struct log_about about = {.zone = message};

	(void)state;
	log_init("prog");
	memset(message, 'x', sizeof(message));
	message[sizeof(message) - 1] = '\0';
	log_info("%s", message);
	const char *text = captured();
	assert_int_equal(strlen(text), LOG_LINE_MAX);
	assert_string_equal(text + LOG_LINE_MAX - 4, "...\n");
	log_line(LOG_LEVEL_INFO, &about, "text");
	assert_int_equal(strlen(captured()), LOG_LINE_MAX);

	/* an escape or a character is never cut in two */
	for (int pad = 0; pad < 4; pad++) {
		(void)snprintf(message, sizeof(message), "%.*s", pad, "abc");
		for (size_t n = (size_t)pad; n + 2 < sizeof(message); n += 2)
			memcpy(message + n, "\xc3\xa9", 3);
		log_info("%s", message);
		text = captured();
		size_t n = strlen(text);
		assert_true(n <= LOG_LINE_MAX && n > LOG_LINE_MAX - 4);
		assert_string_equal(text + n - 6, "\xc3\xa9...\n");
	}
}

static void set_journal_stream(int fd, int inode_off)
{
	char text[64];
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	(void)snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev,
		(uintmax_t)st.st_ino + (uintmax_t)inode_off);
	assert_int_equal(setenv("JOURNAL_STREAM", text, 1), 0);
}

static void test_journal_prefix(void **state)
{
	(void)state;
	if (access("/run/systemd/journal/socket", W_OK) == 0) {
		unit_skip("the lines would go to the journal of this machine");
		return;
	}
	set_journal_stream(STDERR_FILENO, 0);
	log_init("prog");
	log_warning("text");
	assert_string_equal(captured(), "<4>text\n");
}

static void test_foreign_journal(void **state)
{
	static const char *const broken[] = {"", ":", "1", "1:", "x:y", "1:2:3", "-1:-1"};

	(void)state;
	set_journal_stream(STDERR_FILENO, 1);
	log_init("prog");
	log_warning("text");
	assert_has(captured(), " prog WARNING: text\n");
	for (size_t i = 0; i < COUNT(broken); i++) {
		assert_int_equal(setenv("JOURNAL_STREAM", broken[i], 1), 0);
		log_init("prog");
		log_warning("text");
		assert_has(captured(), " prog WARNING: text\n");
	}
}

#define CAPTURED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPTURED(test_line),
		CAPTURED(test_about),
		CAPTURED(test_levels),
		CAPTURED(test_escapes),
		CAPTURED(test_cuts),
		CAPTURED(test_journal_prefix),
		CAPTURED(test_foreign_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
