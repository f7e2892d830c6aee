#include "tool/server.h"

#include "tool/tool.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FILE_MAX 4096

/* Cuts text into host and port, in place; the port is "53" where there is none. */
static const char *cut_port(char **host)
{
	char *text = *host;
	char *colon = strrchr(text, ':');

	if (*text == '[') {
		char *end = strchr(text, ']');
		if (end == NULL)
			return "53";
		*end = '\0';
		*host = text + 1;
		return end[1] == ':' ? end + 2 : "53";
	}
	if (colon == NULL || strchr(text, ':') != colon)
		return "53";
	*colon = '\0';
	return colon + 1;
}

int server_find(const char *text, struct server *server)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char *copy = strdup(text);

	if (copy == NULL) {
		tool_error("out of memory");
		return -1;
	}
	char *host = copy;
	const char *port = cut_port(&host);
	int rc = getaddrinfo(host, port, &hints, &found);
	if (rc != 0) {
		tool_error("server \"%s\": %s", text, gai_strerror(rc));
	} else {
		memcpy(&server->address, found->ai_addr, found->ai_addrlen);
		server->len = found->ai_addrlen;
		freeaddrinfo(found);
	}
	free(copy);
	return rc == 0 ? 0 : -1;
}

/* At most max - 1 octets of a file, with a zero behind; owned. NULL after telling. */
static char *read_file(const char *path, size_t max)
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, max);

	if (file == NULL)
		tool_error("could not open \"%s\": %s", path, strerror(errno));
	else if (text == NULL)
		tool_error("out of memory");
	else if (fread(text, 1, max - 1, file) == max - 1)
		tool_error("\"%s\" is longer than a key can be", path);
	else if (ferror(file))
		tool_error("could not read \"%s\": %s", path, strerror(errno));
	else
		goto done;
	free(text);
	text = NULL;
done:
	if (file != NULL)
		(void)fclose(file);
	return text;
}

char *server_secret_read(const char *path)
{
	char *text = read_file(path, KEY_FILE_MAX);

	if (text == NULL)
		return NULL;
	text[strcspn(text, "\r\n")] = '\0';
	if (*text != '\0')
		return text;
	tool_error("there is no key in \"%s\"", path);
	free(text);
	return NULL;
}

void server_key_fini(struct server_key *key)
{
	if (key->secret != NULL)
		explicit_bzero(key->secret, strlen(key->secret));
	free(key->name);
	free(key->algorithm);
	free(key->secret);
	*key = (struct server_key){.name = NULL};
}

/* The word behind another one: of 'secret "x";' that is x. Owned; NULL: not there. */
static char *word_after(const char *text, const char *word)
{
	const char *at = strstr(text, word);

	if (at == NULL)
		return NULL;
	at += strlen(word);
	at += strspn(at, " \t\r\n\"");
	size_t len = strcspn(at, " \t\r\n\";{");
	return len > 0 ? strndup(at, len) : NULL;
}

/* "hmac-sha256." from its name with or without the dot; takes over the text. */
static char *with_dot(char *name)
{
	char *dotted = NULL;
	size_t len = name != NULL ? strlen(name) : 0;

	if (len == 0 || name[len - 1] == '.')
		return name;
	/* RFC 8945 section 6: the one that has another name */
	if (strcasecmp(name, "hmac-md5") == 0)
		dotted = strdup("hmac-md5.sig-alg.reg.int.");
	else if (asprintf(&dotted, "%s.", name) < 0)
		dotted = NULL;
	free(name);
	return dotted;
}

static void parse_line(char *text, struct server_key *key)
{
	text[strcspn(text, " \t\r\n")] = '\0';
	char *first = strchr(text, ':');
	char *last = strrchr(text, ':');

	if (first == NULL)
		return;
	key->secret = strdup(last + 1);
	*last = '\0';
	if (first != last) {
		*first = '\0';
		key->algorithm = strdup(text);
		key->name = strdup(first + 1);
	} else {
		key->algorithm = strdup("hmac-sha256");
		key->name = strdup(text);
	}
}

int server_key_read(const char *path, struct server_key *key)
{
	char *text = read_file(path, KEY_FILE_MAX);

	*key = (struct server_key){.name = NULL};
	if (text == NULL)
		return -1;
	if (strstr(text, "secret") != NULL && strchr(text, '{') != NULL) {
		key->name = word_after(text, "key");
		key->algorithm = word_after(text, "algorithm");
		key->secret = word_after(text, "secret");
	} else {
		parse_line(text, key);
	}
	explicit_bzero(text, strlen(text));
	free(text);
	key->algorithm = with_dot(key->algorithm);
	if (key->name != NULL && key->algorithm != NULL && key->secret != NULL)
		return 0;
	tool_error("\"%s\" holds no key: it should have \"ALGORITHM:NAME:SECRET\", or a key of "
		   "named",
		path);
	server_key_fini(key);
	return -1;
}
