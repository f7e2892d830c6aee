#include "tool/sql_text.h"

#include <string.h>
#include <strings.h>

#define FIRST_WORDS 4

/* What decides whether a ";" ends the statement. */
struct nesting {
	int parens;
	int blocks;		    /* BEGIN ATOMIC and CASE inside a function's body */
	int words;		    /* seen so far */
	char initials[FIRST_WORDS]; /* of the first words, in lower case */
};

void sql_text_init(struct sql_text *sql, const char *text, size_t len)
{
	sql->at = text;
	sql->end = text + len;
	sql->line = 1;
}

static size_t left(const struct sql_text *sql)
{
	return (size_t)(sql->end - sql->at);
}

static bool starts_with(const struct sql_text *sql, const char *text)
{
	size_t n = strlen(text);

	return left(sql) >= n && memcmp(sql->at, text, n) == 0;
}

static void skip(struct sql_text *sql, size_t n)
{
	for (; n > 0 && sql->at < sql->end; n--) {
		if (*sql->at++ == '\n')
			sql->line++;
	}
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static bool is_word(char c)
{
	return is_word_start(c) || (c >= '0' && c <= '9') || c == '$';
}

static void skip_block_comment(struct sql_text *sql)
{
	int depth = 0;

	do {
		if (starts_with(sql, "/*")) {
			depth++;
			skip(sql, 2);
		} else if (starts_with(sql, "*/")) {
			depth--;
			skip(sql, 2);
		} else {
			skip(sql, 1);
		}
	} while (depth > 0 && left(sql) > 0);
}

/* true when there was one. */
static bool skip_comment(struct sql_text *sql)
{
	if (starts_with(sql, "/*")) {
		skip_block_comment(sql);
		return true;
	}
	if (!starts_with(sql, "--"))
		return false;
	while (left(sql) > 0 && *sql->at != '\n')
		skip(sql, 1);
	return true;
}

/* 'text' or "text"; a doubled quote looks like a second text, which comes to the same. */
static void skip_quoted(struct sql_text *sql, bool backslash)
{
	char quote = *sql->at;

	skip(sql, 1);
	while (left(sql) > 0 && *sql->at != quote)
		skip(sql, backslash && *sql->at == '\\' ? 2 : 1);
	skip(sql, 1);
}

/* Characters of the dollar quote at sql, as "$tag$", or 0 when it is none ("$1"). */
static size_t dollar_quote(const struct sql_text *sql)
{
	size_t n = 1;

	while (n < left(sql) && sql->at[n] != '$') {
		if (!is_word(sql->at[n]) || (n == 1 && !is_word_start(sql->at[n])))
			return 0;
		n++;
	}
	return n < left(sql) ? n + 1 : 0;
}

static void skip_dollar(struct sql_text *sql)
{
	const char *quote = sql->at;
	size_t n = dollar_quote(sql);

	skip(sql, n > 0 ? n : 1);
	if (n == 0)
		return;
	while (left(sql) >= n && memcmp(sql->at, quote, n) != 0)
		skip(sql, 1);
	skip(sql, left(sql) >= n ? n : left(sql));
}

static bool is_word_text(const char *word, size_t len, const char *text)
{
	return strlen(text) == len && strncasecmp(word, text, len) == 0;
}

/* CREATE [OR REPLACE] FUNCTION or PROCEDURE, told by the words' initials as psql does. */
static bool creates_function(const struct nesting *nesting)
{
	const char *c = nesting->initials;
	char what = c[1] == 'o' && c[2] == 'r' ? c[3] : c[1];

	return c[0] == 'c' && (what == 'f' || what == 'p');
}

static void read_word(struct sql_text *sql, struct nesting *nesting)
{
	const char *word = sql->at;
	size_t len = 0;

	while (len < left(sql) && is_word(word[len]))
		len++;
	skip(sql, len);
	if (nesting->words < FIRST_WORDS)
		nesting->initials[nesting->words] = (char)(word[0] | 0x20);
	nesting->words++;
	if (!creates_function(nesting) || nesting->parens > 0)
		return;
	bool inside = nesting->blocks > 0;
	if (is_word_text(word, len, "begin") || (inside && is_word_text(word, len, "case")))
		nesting->blocks++;
	else if (inside && is_word_text(word, len, "end"))
		nesting->blocks--;
}

/* One token that is no comment. */
static void read_token(struct sql_text *sql, struct nesting *nesting)
{
	char c = *sql->at;

	if ((c == 'e' || c == 'E') && left(sql) > 1 && sql->at[1] == '\'') {
		skip(sql, 1);
		skip_quoted(sql, true);
	} else if (is_word_start(c)) {
		read_word(sql, nesting);
	} else if (c == '\'' || c == '"') {
		skip_quoted(sql, false);
	} else if (c == '$') {
		skip_dollar(sql);
	} else {
		nesting->parens += c == '(' ? 1 : c == ')' && nesting->parens > 0 ? -1 : 0;
		skip(sql, 1);
	}
}

static void skip_between(struct sql_text *sql)
{
	while (left(sql) > 0) {
		if (is_space(*sql->at) || *sql->at == ';')
			skip(sql, 1);
		else if (!skip_comment(sql))
			return;
	}
}

bool sql_text_next(struct sql_text *sql, struct sql_statement *statement)
{
	struct nesting nesting = {0};

	skip_between(sql);
	if (left(sql) == 0)
		return false;
	statement->text = sql->at;
	statement->line = sql->line;
	while (left(sql) > 0) {
		if (*sql->at == ';' && nesting.parens == 0 && nesting.blocks == 0)
			break;
		if (!skip_comment(sql))
			read_token(sql, &nesting);
	}
	statement->len = (size_t)(sql->at - statement->text);
	while (is_space(statement->text[statement->len - 1]))
		statement->len--;
	skip(sql, 1);
	return true;
}
