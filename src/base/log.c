#include "base/log.h"

#include "config.h"

#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
/* Without the caller's file and line: a line says what it is about by itself. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#endif

enum log_target {
	LOG_TO_STDERR,	 /* time, program and level in front */
	LOG_TO_PRIORITY, /* standard error is read by the journal: "<N>" in front */
	LOG_TO_JOURNAL,	 /* the journal's own socket, with fields */
};

static struct {
	const char *program; /* borrowed */
	enum log_level level;
	enum log_target target;
} state = {"csdns", LOG_LEVEL_INFO, LOG_TO_STDERR};

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static const char *const level_labels[] = {
	[LOG_LEVEL_ERROR] = "ERROR",
	[LOG_LEVEL_WARNING] = "WARNING",
	[LOG_LEVEL_NOTICE] = "NOTICE",
	[LOG_LEVEL_INFO] = "INFO",
	[LOG_LEVEL_DEBUG] = "DEBUG",
};

/* Is standard error the stream that systemd gave us (systemd.exec(5), $JOURNAL_STREAM)? A program
 * started with its output elsewhere inherits the variable, so device and inode are compared. */
static bool stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	struct stat st;
	char *end;

	if (text == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	uintmax_t device = strtoumax(text, &end, 10);
	if (end == text || *end != ':')
		return false;
	text = end + 1;
	uintmax_t inode = strtoumax(text, &end, 10);
	return end != text && *end == '\0' && device == st.st_dev && inode == st.st_ino;
}

void log_init(const char *program)
{
	state.program = program;
	state.target = LOG_TO_STDERR;
	if (!stderr_is_journal())
		return;
	state.target = LOG_TO_PRIORITY;
#ifdef HAVE_SYSTEMD
	/* sd_journal_sendv drops the line silently when the socket is not there. */
	if (access(JOURNAL_SOCKET, W_OK) == 0)
		state.target = LOG_TO_JOURNAL;
#endif
}

void log_set_level(enum log_level level)
{
	state.level = level;
}

bool log_is_on(enum log_level level)
{
	return level <= state.level;
}

bool log_level_parse(const char *text, enum log_level *level)
{
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_set_level_named(const char *text)
{
	enum log_level level;

	if (log_level_parse(text, &level))
		log_set_level(level);
}

/* Octets of the printable UTF-8 character at text, or 0 when it must be escaped: a control
 * character (C0, DEL, C1), or octets that are no UTF-8. */
static size_t printable_octets(const char *text)
{
	const unsigned char *octets = (const unsigned char *)text;
	size_t n = utf8_octets(text);

	if (n == 1)
		return octets[0] >= 0x20 && octets[0] != 0x7f ? 1 : 0;
	return n == 2 && octets[0] == 0xc2 && octets[1] < 0xa0 ? 0 : n;
}

/* A line of at most LOG_LINE_MAX octets; full once something did not fit. */
struct line {
	char text[LOG_LINE_MAX + 1];
	size_t len;
	bool full;
};

/* Room for the mark of a cut line and the line feed is kept. */
#define LINE_TAIL "...\n"
#define LINE_ROOM (LOG_LINE_MAX - (sizeof(LINE_TAIL) - 1))

static void line_add(struct line *line, const char *octets, size_t n)
{
	if (line->full || LINE_ROOM - line->len < n) {
		line->full = true;
		return;
	}
	memcpy(line->text + line->len, octets, n);
	line->len += n;
}

static void line_add_escape(struct line *line, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char out[4] = {'\\', 'x', hex[c >> 4], hex[c & 15]};

	switch (c) {
	case '\n':
		line_add(line, "\\n", 2);
		break;
	case '\r':
		line_add(line, "\\r", 2);
		break;
	case '\t':
		line_add(line, "\\t", 2);
		break;
	default:
		line_add(line, out, sizeof(out));
	}
}

static void line_add_text(struct line *line, const char *text)
{
	while (*text != '\0' && !line->full) {
		size_t n = printable_octets(text);
		if (n > 0)
			line_add(line, text, n);
		else
			line_add_escape(line, (unsigned char)*text);
		text += n > 0 ? n : 1;
	}
}

static void line_add_about(struct line *line, const char *what, const char *value)
{
	if (value == NULL)
		return;
	line_add_text(line, "[");
	line_add_text(line, what);
	line_add_text(line, value);
	line_add_text(line, "] ");
}

static void line_end(struct line *line)
{
	if (line->full) {
		memcpy(line->text + line->len, LINE_TAIL, sizeof(LINE_TAIL) - 1);
		line->len += sizeof(LINE_TAIL) - 1;
	} else {
		line->text[line->len++] = '\n';
	}
	line->text[line->len] = '\0';
}

static void line_add_front(struct line *line, enum log_level level)
{
	char text[96];
	struct timespec now;
	struct tm tm;

	if (state.target == LOG_TO_PRIORITY) {
		(void)snprintf(text, sizeof(text), "<%d>", (int)level);
		line_add_text(line, text);
		return;
	}
	if (state.target == LOG_TO_JOURNAL)
		return;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (localtime_r(&now.tv_sec, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	size_t n = strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	(void)snprintf(text + n, sizeof(text) - n, ".%03ld %.32s %s: ", now.tv_nsec / 1000000,
		state.program, level_labels[level]);
	line_add_text(line, text);
}

/* A whole line at a time, so that lines of several processes do not mix. One that cannot be
 * written is dropped: there is nobody left to tell. */
static void write_stderr(const struct line *line)
{
	size_t done = 0;

	while (done < line->len) {
		ssize_t n = write(STDERR_FILENO, line->text + done, line->len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		done += (size_t)n;
	}
}

#ifdef HAVE_SYSTEMD
#define FIELD_MAX 300 /* a name is at most 255 octets */

struct fields {
	struct iovec iov[6];
	int n;
	char text[6][FIELD_MAX];
};

static void fields_add(struct fields *fields, const char *name, const char *value)
{
	if (value == NULL)
		return;
	char *text = fields->text[fields->n];
	int len = snprintf(text, FIELD_MAX, "%s=%s", name, value);
	if (len < 0)
		return;
	fields->iov[fields->n].iov_base = text;
	fields->iov[fields->n].iov_len = len < FIELD_MAX ? (size_t)len : FIELD_MAX - 1;
	fields->n++;
}

static int send_journal(enum log_level level, const struct log_about *about, struct line *line)
{
	static const char name[] = "MESSAGE=";
	char message[sizeof(name) + LOG_LINE_MAX];
	struct fields fields = {.n = 0};
	char priority[2] = {(char)('0' + (int)level), '\0'};

	size_t len = line->len - 1; /* not the line feed */
	memcpy(message, name, sizeof(name) - 1);
	memcpy(message + sizeof(name) - 1, line->text, len);
	fields.iov[0].iov_base = message;
	fields.iov[0].iov_len = sizeof(name) - 1 + len;
	fields.n = 1;
	fields_add(&fields, "PRIORITY", priority);
	fields_add(&fields, "SYSLOG_IDENTIFIER", state.program);
	fields_add(&fields, "CSDNS_ZONE", about->zone);
	fields_add(&fields, "CSDNS_PEER", about->peer);
	fields_add(&fields, "CSDNS_QUERY", about->query);
	return sd_journal_sendv(fields.iov, fields.n);
}
#endif

void log_line(enum log_level level, const struct log_about *about, const char *fmt, ...)
{
	static const struct log_about nothing;
	struct line line = {.len = 0, .full = false};
	char message[LOG_LINE_MAX + 1];
	int saved_errno = errno;
	va_list args;

	if (!log_is_on(level))
		return;
	if (about == NULL)
		about = &nothing;
	va_start(args, fmt);
	if (vsnprintf(message, sizeof(message), fmt, args) < 0)
		message[0] = '\0';
	va_end(args);

	line_add_front(&line, level);
	line_add_about(&line, "", about->zone);
	line_add_about(&line, "peer ", about->peer);
	line_add_about(&line, "query ", about->query);
	line_add_text(&line, message);
	line_end(&line);
#ifdef HAVE_SYSTEMD
	if (state.target == LOG_TO_JOURNAL && send_journal(level, about, &line) >= 0) {
		errno = saved_errno;
		return;
	}
#endif
	write_stderr(&line);
	errno = saved_errno;
}
