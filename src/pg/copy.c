#include "pg/copy.h"

#include <string.h>

/* What stands for the character behind a backslash; others stand for themselves. */
static char unescape(char c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'v':
		return '\v';
	default:
		return c;
	}
}

/* Undoes escapes from `from` on; returns the new length, or (size_t)-1. */
static size_t unescape_field(char *field, size_t len, size_t from)
{
	size_t out = from;

	for (size_t in = from; in < len; in++) {
		if (field[in] == '\\') {
			if (++in == len)
				return (size_t)-1;
			field[out++] = unescape(field[in]);
		} else {
			field[out++] = field[in];
		}
	}
	return out;
}

static bool field_make(struct copy_field *field, char *at, size_t len)
{
	field->at = at;
	field->len = len;
	if (len == 2 && at[0] == '\\' && at[1] == 'N') {
		field->at = NULL;
		field->len = 0;
		return true;
	}
	const char *escape = memchr(at, '\\', len);
	if (escape == NULL)
		return true;
	field->len = unescape_field(at, len, (size_t)(escape - at));
	return field->len != (size_t)-1;
}

bool copy_split(char *row, size_t len, struct copy_field *fields, size_t n)
{
	if (len > 0 && row[len - 1] == '\n')
		len--;
	char *end = row + len;
	for (size_t i = 0; i < n; i++) {
		char *tab = memchr(row, '\t', (size_t)(end - row));
		if ((tab == NULL) != (i == n - 1))
			return false;
		if (tab == NULL)
			tab = end;
		if (!field_make(&fields[i], row, (size_t)(tab - row)))
			return false;
		row = tab + 1;
	}
	return true;
}
