#include "serve/zone_flush.h"

#include "base/clock.h"
#include "dns/name.h"
#include "pg/events.h"

#include <ctype.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PORT_DEFAULT 8081
#define FLUSH_PATH   "/api/v1/servers/localhost/cache/flush?domain="
/* For an answer. */
#define TIMEOUT_MS 3000
/* Of an answer; PowerDNS' has some 50 octets. */
#define BODY_MAX    4096
#define HEADERS_MAX 8192

struct zone_flush {
	struct event_base *base;
	struct zone_flush_handlers handlers;
	void *arg;
	struct evhttp_uri *uri;
	char *key;
	struct evhttp_connection *connection;
	struct purge_set waiting;
	struct purge_set zones; /* up to `at` of them have had their turn */
	size_t at;
	uint32_t done;		/* of these, PowerDNS has looked at */
	struct purge_name zone; /* that is being looked at, in zones */
	bool is_busy;		/* a request is under way */
	bool is_failed;		/* it was not answered as it should be */
	char problem[128];
	struct event *next; /* the next request, outside of evhttp's callbacks */
};

/* ---- settings ---- */

static bool is_this_machine(const char *host)
{
	return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "localhost") == 0 ||
	       strcmp(host, "[::1]") == 0;
}

static const char *check_uri(const struct evhttp_uri *uri)
{
	const char *scheme = evhttp_uri_get_scheme(uri);
	const char *host = evhttp_uri_get_host(uri);
	const char *path = evhttp_uri_get_path(uri);

	if (scheme == NULL || strcmp(scheme, "http") != 0)
		return "it does not begin with http://";
	if (host == NULL || !is_this_machine(host))
		return "its host is not 127.0.0.1, [::1] or localhost";
	if (evhttp_uri_get_userinfo(uri) != NULL)
		return "the key belongs into the file of pdns-api-key-file";
	if ((path != NULL && path[0] != '\0' && strcmp(path, "/") != 0) ||
		evhttp_uri_get_query(uri) != NULL || evhttp_uri_get_fragment(uri) != NULL)
		return "nothing may stand behind the port";
	return NULL;
}

const char *zone_flush_check(const char *url)
{
	struct evhttp_uri *uri = evhttp_uri_parse(url);
	const char *problem = uri == NULL ? "it is no URL" : check_uri(uri);

	if (uri != NULL)
		evhttp_uri_free(uri);
	return problem;
}

static const char *check_key(char *key, size_t len)
{
	while (len > 0 && (key[len - 1] == '\n' || key[len - 1] == '\r'))
		len--;
	key[len] = '\0';
	if (len == 0)
		return "it is empty";
	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)key[i]))
			return "the key has a character that does not print";
	return NULL;
}

const char *zone_flush_read_key(const char *path, char key[ZONE_FLUSH_KEY_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *problem;
	ssize_t n;

	if (fd < 0)
		return strerror(errno);
	n = read(fd, key, ZONE_FLUSH_KEY_MAX);
	problem = n < 0			    ? strerror(errno)
		  : n == ZONE_FLUSH_KEY_MAX ? "it is too long"
					    : check_key(key, (size_t)n);
	(void)close(fd);
	return problem;
}

/* ---- requests ---- */

static void go_on(struct zone_flush *flush)
{
	event_active(flush->next, EV_TIMEOUT, 0);
}

static void set_problem(struct zone_flush *flush, const char *what, int status)
{
	flush->is_failed = true;
	if (status > 0)
		(void)snprintf(flush->problem, sizeof(flush->problem), "%s %d", what, status);
	else
		(void)snprintf(flush->problem, sizeof(flush->problem), "%s", what);
}

static void on_answer(struct evhttp_request *request, void *arg)
{
	struct zone_flush *flush = arg;
	int status = request == NULL ? 0 : evhttp_request_get_response_code(request);

	if (status == 0)
		set_problem(flush, "it does not answer", 0);
	else if (status != HTTP_OK)
		set_problem(flush, "it answers with status", status);
	flush->is_busy = false;
	go_on(flush);
}

static bool make_connection(struct zone_flush *flush)
{
	const char *host = evhttp_uri_get_host(flush->uri);
	int port = evhttp_uri_get_port(flush->uri);
	struct timeval timeout = clock_timeval(TIMEOUT_MS);

	if (flush->connection != NULL)
		return true;
	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1"; /* nobody is to be asked for it */
	flush->connection = evhttp_connection_base_new(flush->base, NULL,
		host[0] == '[' ? "::1" : host, (ev_uint16_t)(port > 0 ? port : PORT_DEFAULT));
	if (flush->connection == NULL)
		return false;
	evhttp_connection_set_timeout_tv(flush->connection, &timeout);
	evhttp_connection_set_max_body_size(flush->connection, BODY_MAX);
	evhttp_connection_set_max_headers_size(flush->connection, HEADERS_MAX);
	return true;
}

static bool add_headers(struct zone_flush *flush, struct evhttp_request *request)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

	return evhttp_add_header(headers, "Host", evhttp_uri_get_host(flush->uri)) == 0 &&
	       evhttp_add_header(headers, "X-API-Key", flush->key) == 0 &&
	       evhttp_add_header(headers, "Content-Length", "0") == 0;
}

/* The path with the zone's name, absolute; the caller's. */
static char *make_path(const struct purge_name *zone)
{
	char text[NAME_TEXT_MAX + 2];
	size_t len = name_print(text, zone->wire, zone->len);
	struct buf path;
	char *encoded;

	text[len++] = '.';
	encoded = evhttp_uriencode(text, (ev_ssize_t)len, 0);
	buf_init(&path);
	BUF_ADD_LIT(&path, FLUSH_PATH);
	if (encoded != NULL)
		buf_add_str(&path, encoded);
	buf_add_char(&path, '\0');
	if (encoded == NULL || buf_failed(&path))
		buf_fini(&path);
	free(encoded);
	return path.data;
}

static bool send_request(struct zone_flush *flush)
{
	char *path = make_path(&flush->zone);
	struct evhttp_request *request = NULL;

	if (path != NULL && make_connection(flush))
		request = evhttp_request_new(on_answer, flush);
	if (request != NULL && !add_headers(flush, request)) {
		evhttp_request_free(request);
		request = NULL;
	}
	/* It takes the request, also when it fails. */
	flush->is_busy = request != NULL &&
			 evhttp_make_request(flush->connection, request, EVHTTP_REQ_PUT, path) == 0;
	free(path);
	return flush->is_busy;
}

void zone_flush_take(const struct zone_flush *flush, struct purge_set *zones)
{
	struct purge_name name;
	size_t at = flush->at;

	if (flush->zone.wire != NULL)
		purge_set_add(zones, flush->zone.wire, flush->zone.len, false);
	while (purge_set_next(&flush->zones, &at, &name))
		purge_set_add(zones, name.wire, name.len, false);
	purge_set_merge(zones, &flush->waiting);
}

/* All that is left goes back to the owner. */
static void give_up(struct zone_flush *flush)
{
	struct purge_set left;

	purge_set_init(&left);
	zone_flush_take(flush, &left);
	purge_set_reset(&flush->zones);
	purge_set_reset(&flush->waiting);
	flush->done = 0;
	flush->is_failed = false;
	flush->zone.wire = NULL;
	if (flush->connection != NULL)
		evhttp_connection_free(flush->connection);
	flush->connection = NULL;
	flush->handlers.on_failed(flush->arg, &left, flush->problem);
	purge_set_fini(&left);
}

static bool next_zone(struct zone_flush *flush)
{
	struct purge_set spare = flush->zones;

	if (purge_set_next(&flush->zones, &flush->at, &flush->zone))
		return true;
	purge_set_reset(&spare);
	flush->zones = flush->waiting;
	flush->waiting = spare;
	flush->at = 0;
	flush->done = 0;
	return purge_set_next(&flush->zones, &flush->at, &flush->zone);
}

static void on_next(evutil_socket_t fd, short what, void *arg)
{
	struct zone_flush *flush = arg;

	(void)fd;
	(void)what;
	if (flush->is_busy)
		return;
	if (flush->zone.wire != NULL && flush->is_failed) {
		give_up(flush);
		return;
	}
	if (flush->zone.wire != NULL) {
		struct purge_name zone = flush->zone;
		flush->zone.wire = NULL;
		flush->done++;
		flush->handlers.on_flushed(flush->arg, zone.wire, zone.len);
	}
	if (flush->waiting.is_all) {
		set_problem(flush, "there are too many zones", 0);
		give_up(flush);
	} else if (next_zone(flush) && !send_request(flush)) {
		set_problem(flush, "it could not be asked", 0);
		give_up(flush);
	}
}

/* ---- for the owner ---- */

struct zone_flush *zone_flush_new(struct event_base *base, const char *url, const char *key,
	const struct zone_flush_handlers *handlers, void *arg)
{
	struct zone_flush *flush = calloc(1, sizeof(*flush));

	if (flush == NULL)
		return NULL;
	flush->base = base;
	flush->handlers = *handlers;
	flush->arg = arg;
	purge_set_init(&flush->waiting);
	purge_set_init(&flush->zones);
	flush->uri = evhttp_uri_parse(url);
	flush->key = strdup(key);
	flush->next = event_new(base, -1, 0, on_next, flush);
	if (flush->uri == NULL || flush->key == NULL || flush->next == NULL) {
		zone_flush_free(flush);
		return NULL;
	}
	return flush;
}

void zone_flush_free(struct zone_flush *flush)
{
	if (flush == NULL)
		return;
	if (flush->connection != NULL)
		evhttp_connection_free(flush->connection);
	if (flush->uri != NULL)
		evhttp_uri_free(flush->uri);
	if (flush->key != NULL)
		explicit_bzero(flush->key, strlen(flush->key));
	free(flush->key);
	event_drop(flush->next);
	purge_set_fini(&flush->waiting);
	purge_set_fini(&flush->zones);
	free(flush);
}

void zone_flush_add(struct zone_flush *flush, const struct purge_set *zones)
{
	purge_set_merge(&flush->waiting, zones);
	if (!flush->is_busy && flush->zone.wire == NULL)
		go_on(flush);
}

size_t zone_flush_pending(const struct zone_flush *flush)
{
	return (size_t)flush->waiting.n + flush->waiting.is_all + flush->zones.n - flush->done;
}
