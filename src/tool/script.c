#include "tool/script.h"

#include "base/buf.h"
#include "tool/db.h"
#include "tool/sql_text.h"
#include "tool/tool.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX  (16U << 20)
#define PATH_SIZE 4096

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool starts_with_number(const char *name)
{
	return is_digit(name[0]) && is_digit(name[1]) && is_digit(name[2]);
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name);
	size_t end_n = strlen(end);

	return n >= end_n && strcmp(name + n - end_n, end) == 0;
}

static int is_file(const struct dirent *entry)
{
	return starts_with_number(entry->d_name) && entry->d_name[3] == '-' &&
	       ends_with(entry->d_name, ".sql");
}

static int is_upgrade(const struct dirent *entry)
{
	return starts_with_number(entry->d_name) && strcmp(entry->d_name + 3, ".sql") == 0;
}

/* Three digits in front: the order of the octets is that of the numbers. */
static int compare_entries(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int upgrade_version(const struct dirent *entry)
{
	return (int)strtol(entry->d_name, NULL, 10);
}

int script_folder_open(struct script_folder *folder, const char *path)
{
	char upgrades[PATH_SIZE];

	memset(folder, 0, sizeof(*folder));
	folder->path = path;
	folder->version = 1;
	folder->n_files = scandir(path, &folder->files, is_file, compare_entries);
	if (folder->n_files <= 0) {
		tool_error("could not read the schema's files in \"%s\": %s; --schema-dir tells "
			   "where they are",
			path, folder->n_files < 0 ? strerror(errno) : "there are none");
		script_folder_close(folder);
		return -1;
	}
	(void)snprintf(upgrades, sizeof(upgrades), "%s/upgrade", path);
	folder->n_upgrades = scandir(upgrades, &folder->upgrades, is_upgrade, compare_entries);
	if (folder->n_upgrades < 0 && errno != ENOENT) {
		tool_error("could not read \"%s\": %s", upgrades, strerror(errno));
		script_folder_close(folder);
		return -1;
	}
	if (folder->n_upgrades > 0)
		folder->version = upgrade_version(folder->upgrades[folder->n_upgrades - 1]);
	return 0;
}

static void free_entries(struct dirent **entries, int n)
{
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
}

void script_folder_close(struct script_folder *folder)
{
	free_entries(folder->files, folder->n_files);
	free_entries(folder->upgrades, folder->n_upgrades);
	memset(folder, 0, sizeof(*folder));
}

static int read_file(const char *path, struct buf *text)
{
	FILE *file = fopen(path, "re");
	char *to;
	size_t n = 1;

	if (file == NULL) {
		tool_error("could not open \"%s\": %s", path, strerror(errno));
		return -1;
	}
	while (n > 0 && text->len <= FILE_MAX && (to = buf_reserve(text, BUFSIZ)) != NULL) {
		n = fread(to, 1, BUFSIZ, file);
		buf_added(text, n);
	}
	const char *fault = ferror(file)	   ? strerror(errno)
			    : buf_failed(text)	   ? "out of memory"
			    : text->len > FILE_MAX ? "too large"
			    : text->len > 0 && memchr(text->data, '\0', text->len) != NULL
				    ? "binary zero"
				    : NULL;
	if (fault != NULL)
		tool_error("could not read \"%s\": %s", path, fault);
	(void)fclose(file);
	return fault == NULL ? 0 : -1;
}

/* The line of the file where the error is: PostgreSQL tells the place for errors in the text only.
 */
static int error_line(
	const PGresult *result, const struct sql_statement *statement, const char *text)
{
	int line = statement->line;

	for (long left = db_error_position(result); left > 0 && *text != '\0'; text++) {
		if (*text == '\n')
			line++;
		if (((unsigned char)text[1] & 0xc0) != 0x80)
			left--;
	}
	return line;
}

/* text: the statement with a terminating zero. */
static int run_statement(
	PGconn *conn, const char *path, const struct sql_statement *statement, const char *text)
{
	PGresult *result = PQexec(conn, text);
	int rc = db_is_ok(result) ? 0 : -1;

	if (rc != 0 && PQresultStatus(result) == PGRES_FATAL_ERROR) {
		char where[PATH_SIZE + 16];
		(void)snprintf(
			where, sizeof(where), "%s:%d", path, error_line(result, statement, text));
		db_tell_error(result, where, text);
	} else if (rc != 0) {
		tool_error("%s:%d: COPY from or to the client is not for a schema's file", path,
			statement->line);
	}
	PQclear(result);
	if (rc == 0 && PQtransactionStatus(conn) != PQTRANS_INTRANS) {
		tool_error("%s:%d: a schema's file must not end the transaction", path,
			statement->line);
		rc = -1;
	}
	return rc;
}

static int run_text(PGconn *conn, const char *path, const struct buf *text)
{
	struct sql_text sql;
	struct sql_statement statement;
	struct buf copy;
	int rc = 0;

	buf_init(&copy);
	sql_text_init(&sql, text->data, text->len);
	while (rc == 0 && sql_text_next(&sql, &statement)) {
		copy.len = 0;
		buf_add(&copy, statement.text, statement.len);
		buf_add_char(&copy, '\0');
		if (buf_failed(&copy)) {
			tool_error("out of memory");
			rc = -1;
		} else {
			rc = run_statement(conn, path, &statement, copy.data);
		}
	}
	buf_fini(&copy);
	return rc;
}

int script_run(PGconn *conn, const char *folder, const char *file)
{
	char path[PATH_SIZE];
	struct buf text;

	buf_init(&text);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	int rc = read_file(path, &text);
	if (rc == 0 && text.len > 0)
		rc = run_text(conn, path, &text);
	buf_fini(&text);
	return rc;
}

int script_run_upgrades(PGconn *conn, const struct script_folder *folder, int from)
{
	char path[PATH_SIZE];
	int rc = 0;

	(void)snprintf(path, sizeof(path), "%s/upgrade", folder->path);
	for (int i = 0; i < folder->n_upgrades && rc == 0; i++) {
		if (upgrade_version(folder->upgrades[i]) > from)
			rc = script_run(conn, path, folder->upgrades[i]->d_name);
	}
	return rc;
}

int script_run_files(PGconn *conn, const struct script_folder *folder)
{
	int rc = 0;

	for (int i = 0; i < folder->n_files && rc == 0; i++)
		rc = script_run(conn, folder->path, folder->files[i]->d_name);
	return rc;
}
