/*
 * log: one line an event, to standard error, or to the journal with fields where it listens.
 *
 * Only the function that decides what to do about something logs it. Floors below feed do not log.
 * Wording: lower case, no full stop, what was attempted, the value, the reason.
 * Values that a peer sent are passed as arguments: control characters in them are escaped here,
 * and a line is cut at LOG_LINE_MAX.
 */
#ifndef CSDNS_BASE_LOG_H
#define CSDNS_BASE_LOG_H

#include <stdbool.h>

#define LOG_LINE_MAX 2048

/* The values are syslog's priorities. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* What the line is about; each member may be NULL. Printed in front of the message, and sent to
 * the journal as CSDNS_ZONE, CSDNS_PEER, CSDNS_QUERY. */
struct log_about {
	const char *zone;
	const char *peer;
	const char *query;
};

/* program is borrowed for good. Chooses the journal when standard error is connected to it. */
void log_init(const char *program);
void log_set_level(enum log_level level);
/* As log_level_parse takes it; without effect for any other text. */
void log_set_level_named(const char *text);
bool log_is_on(enum log_level level);
/* "error", "warning", "notice", "info", "debug"; false when text is none of them. */
bool log_level_parse(const char *text, enum log_level *level);

void log_line(enum log_level level, const struct log_about *about, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(...)	 log_line(LOG_LEVEL_ERROR, NULL, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, NULL, __VA_ARGS__)
#define log_notice(...)	 log_line(LOG_LEVEL_NOTICE, NULL, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_LEVEL_INFO, NULL, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_LEVEL_DEBUG, NULL, __VA_ARGS__)

#endif
