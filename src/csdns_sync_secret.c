#include "csdns_sync_secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_OCTETS 65536

static int complain(struct option_error *error, const char *path, const char *what)
{
	(void)snprintf(
		error->text, sizeof(error->text), "could not use \"%.200s\": %s", path, what);
	return -1;
}

static void make_path(const char *name, char *path, size_t size)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	if (strchr(name, '/') == NULL && dir != NULL)
		(void)snprintf(path, size, "%s/%s", dir, name);
	else
		(void)snprintf(path, size, "%s", name);
}

void secret_wipe(char *secret)
{
	if (secret != NULL)
		OPENSSL_cleanse(secret, strlen(secret));
	free(secret);
}

/* Down to the first n. */
static void cut_list(struct option_list *list, size_t n)
{
	while (list->n > n)
		secret_wipe(list->items[--list->n]);
}

void secrets_wipe(struct option_list *list)
{
	cut_list(list, 0);
	free(list->items);
	*list = (struct option_list){NULL, 0};
}

/* NULL, or what is wrong with the line. */
static const char *add_line(struct option_list *lines, const char *line, size_t len)
{
	if (len > LINE_MAX_OCTETS)
		return "a line is longer than a secret can be";
	if (strlen(line) != len)
		return "a line has a binary zero";
	size_t n = strcspn(line, "\r\n");
	if (n == 0)
		return NULL;
	char **items = realloc(lines->items, (lines->n + 1) * sizeof(*items));
	if (items == NULL)
		return "out of memory";
	lines->items = items;
	items[lines->n] = strndup(line, n);
	if (items[lines->n] == NULL)
		return "out of memory";
	lines->n++;
	return NULL;
}

/* NULL, or what went wrong. */
static const char *add_lines(FILE *file, struct option_list *lines)
{
	const char *wrong = NULL;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	errno = 0;
	while (wrong == NULL && (len = getline(&line, &size, file)) >= 0)
		wrong = add_line(lines, line, (size_t)len);
	if (wrong == NULL && !feof(file))
		wrong = strerror(errno);
	if (line != NULL)
		OPENSSL_cleanse(line, size);
	free(line);
	return wrong;
}

int secrets_read(const char *name, struct option_list *lines, struct option_error *error)
{
	char path[4096];
	size_t before = lines->n;
	const char *wrong;

	make_path(name, path, sizeof(path));
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		(void)snprintf(error->text, sizeof(error->text), "could not open \"%.200s\": %s",
			path, strerror(errno));
		return -1;
	}
	wrong = add_lines(file, lines);
	(void)fclose(file);
	if (wrong == NULL && lines->n == before)
		wrong = "there is no secret in it";
	if (wrong == NULL)
		return 0;
	cut_list(lines, before);
	return complain(error, path, wrong);
}

int secret_read(const char *name, char **secret, struct option_error *error)
{
	struct option_list lines = {NULL, 0};

	if (secrets_read(name, &lines, error) < 0) {
		secrets_wipe(&lines);
		return -1;
	}
	if (lines.n != 1) {
		secrets_wipe(&lines);
		return complain(error, name, "there is more than one line in it");
	}
	*secret = lines.items[0];
	free(lines.items);
	return 0;
}
