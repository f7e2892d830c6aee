#include "pg/hosts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void order_free(struct hosts *hosts)
{
	free(hosts->host);
	free(hosts->hostaddr);
	free(hosts->port);
}

void hosts_forget(struct hosts *hosts)
{
	order_free(hosts);
	free(hosts->db);
	memset(hosts, 0, sizeof(*hosts));
}

void hosts_begin(struct hosts *hosts, const char *db)
{
	if (hosts->db != NULL && strcmp(hosts->db, db) == 0)
		return;
	hosts_forget(hosts);
	hosts->db = strdup(db);
}

/* NULL where it is not set. */
static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
	while (options->keyword != NULL && strcmp(options->keyword, keyword) != 0)
		options++;
	return options->keyword == NULL ? NULL : options->val;
}

/* "a,b,c" as "b,c,a" in *to; true also for NULL. */
static bool rotate(const char *list, char **to)
{
	*to = list == NULL ? NULL : strdup(list);
	if (*to == NULL)
		return list == NULL;
	const char *comma = strchr(list, ',');
	if (comma == NULL)
		return true;
	size_t first = (size_t)(comma - list);
	size_t rest = strlen(comma + 1);
	memcpy(*to, comma + 1, rest);
	(*to)[rest] = ',';
	memcpy(*to + rest + 1, list, first);
	return true;
}

void hosts_rotate(struct hosts *hosts, PGconn *conn)
{
	PQconninfoOption *options = PQconninfo(conn);
	struct hosts next = {.db = hosts->db};

	if (options == NULL)
		return;
	if (rotate(option_value(options, "host"), &next.host) &&
		rotate(option_value(options, "hostaddr"), &next.hostaddr) &&
		rotate(option_value(options, "port"), &next.port)) {
		order_free(hosts);
		*hosts = next;
	} else {
		order_free(&next);
	}
	PQconninfoFree(options);
}

static int add(
	const char **keywords, const char **values, int n, const char *keyword, const char *value)
{
	if (value == NULL)
		return n;
	keywords[n] = keyword;
	values[n] = value;
	return n + 1;
}

int hosts_get(const struct hosts *hosts, const char **keywords, const char **values)
{
	int n = add(keywords, values, 0, "host", hosts->host);

	n = add(keywords, values, n, "hostaddr", hosts->hostaddr);
	return add(keywords, values, n, "port", hosts->port);
}
