#include "pipe/request.h"

#include <stdbool.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct request known[] = {
	{REQUEST_READ, "lookup"},
	{REQUEST_READ, "APILookup"},
	{REQUEST_READ, "list"},
	{REQUEST_READ, "getAllDomains"},
	{REQUEST_READ, "getDomainInfo"},
	{REQUEST_READ, "getDomainMetadata"},
	{REQUEST_READ, "getAllDomainMetadata"},
	{REQUEST_READ, "getUpdatedMasters"},
	{REQUEST_READ, "getUnfreshSlaveInfos"},
	{REQUEST_READ, "searchRecords"},
	{REQUEST_READ, "getDomainKeys"},
	{REQUEST_READ, "getBeforeAndAfterNamesAbsolute"},
	{REQUEST_READ, "getTSIGKey"},
	{REQUEST_READ, "getTSIGKeys"},
	{REQUEST_READ, "superMasterBackend"},
	{REQUEST_READ, "directBackendCmd"},
	{REQUEST_INITIALIZE, "initialize"},
	{REQUEST_BEGIN, "startTransaction"},
	{REQUEST_COMMIT, "commitTransaction"},
	{REQUEST_ABORT, "abortTransaction"},
	/* Here for their names. */
	{REQUEST_WRITE, "setNotified"},
	{REQUEST_WRITE, "setFresh"},
	{REQUEST_WRITE, "setStale"},
	{REQUEST_WRITE, "setDomainMetadata"},
	{REQUEST_WRITE, "addDomainKey"},
	{REQUEST_WRITE, "removeDomainKey"},
	{REQUEST_WRITE, "activateDomainKey"},
	{REQUEST_WRITE, "deactivateDomainKey"},
	{REQUEST_WRITE, "publishDomainKey"},
	{REQUEST_WRITE, "unpublishDomainKey"},
	{REQUEST_WRITE, "setTSIGKey"},
	{REQUEST_WRITE, "deleteTSIGKey"},
	{REQUEST_WRITE, "createSlaveDomain"},
	{REQUEST_WRITE, "feedRecord"},
	{REQUEST_WRITE, "feedEnts"},
	{REQUEST_WRITE, "feedEnts3"},
	{REQUEST_WRITE, "replaceRRSet"},
};

struct cursor {
	const char *at, *end;
};

static void skip_space(struct cursor *cursor)
{
	while (cursor->at < cursor->end && strchr(" \t\r", *cursor->at) != NULL)
		cursor->at++;
}

static bool take(struct cursor *cursor, char c)
{
	skip_space(cursor);
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

/* A string without escapes, and a colon behind it where it is a key. */
static bool take_string(struct cursor *cursor, const char **text, size_t *len)
{
	if (!take(cursor, '"'))
		return false;
	const char *quote = memchr(cursor->at, '"', (size_t)(cursor->end - cursor->at));
	if (quote == NULL)
		return false;
	*text = cursor->at;
	*len = (size_t)(quote - cursor->at);
	cursor->at = quote + 1;
	return true;
}

static bool is_text(const char *text, size_t len, const char *expected)
{
	return len == strlen(expected) && memcmp(text, expected, len) == 0;
}

struct request request_parse(const char *line, size_t len)
{
	struct cursor cursor = {line, line + len};
	struct request unknown = {REQUEST_WRITE, "?"};
	const char *text;
	size_t n;

	if (!take(&cursor, '{') || !take_string(&cursor, &text, &n) ||
		!is_text(text, n, "method") || !take(&cursor, ':') ||
		!take_string(&cursor, &text, &n))
		return unknown;
	for (size_t i = 0; i < COUNT(known); i++)
		if (is_text(text, n, known[i].method))
			return known[i];
	return unknown;
}
