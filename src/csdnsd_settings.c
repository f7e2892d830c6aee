#include "config.h"

#include "csdnsd_settings.h"

#include "base/option_entries.h"
#include "http/address.h"
#include "serve/listener.h"
#include "serve/web.h"

#include <libpq-fe.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_FILE CSDNS_SYSCONF_DIR "/csdns/csdnsd.conf"

#define FIELD(field) offsetof(struct settings, field)

static const struct option_spec specs[] = {
	OPTION_ENTRY_CONFIG(FIELD(config), CONFIG_FILE),
	OPTION_ENTRY_DB(FIELD(db)),
	{.name = "socket",
		.type = OPTION_STRING,
		.offset = FIELD(socket),
		.value = "PATH",
		.initial = "/run/csdns/csdnsd.sock",
		.help = "Unix socket to listen on; not used when systemd passes one"},
	{.name = "socket-mode",
		.type = OPTION_MODE,
		.offset = FIELD(socket_mode),
		.value = "MODE",
		.initial = "0660",
		.help = "the socket's mode, octal"},
	{.name = "socket-owner",
		.type = OPTION_STRING,
		.offset = FIELD(socket_owner),
		.value = "USER",
		.help = "the socket's owner; without this option the user that csdnsd runs as"},
	{.name = "socket-group",
		.type = OPTION_STRING,
		.offset = FIELD(socket_group),
		.value = "GROUP",
		.help = "the socket's group; without this option the group that csdnsd runs as"},
	{.name = "allow-user",
		.type = OPTION_LIST,
		.offset = FIELD(allow_users),
		.value = "USER",
		.help = "take connections only from processes of this user; may be given several "
			"times; without it anyone may connect who may open the socket"},
	{.name = "http",
		.type = OPTION_LIST,
		.offset = FIELD(http),
		.value = "ADDRESS:PORT",
		.help = "take PowerDNS' HTTP connector here, on a loopback address; may be given "
			"several times; everybody on the host can then read keys and write zones"},
	{.name = "pdns-control",
		.type = OPTION_LIST,
		.offset = FIELD(pdns_controls),
		.value = "PATH",
		.help = "control socket of a PowerDNS that caches what it gets from csdnsd: it is "
			"told "
			"at once what to forget; may be given several times"},
	{.name = "pdns-api",
		.type = OPTION_LIST,
		.offset = FIELD(pdns_apis),
		.value = "URL",
		.help = "web server of the PowerDNS whose pdns-control has the same place in "
			"order, "
			"such as http://127.0.0.1:8081: it looks at zones that come or go one by "
			"one, instead of reading the list of all"},
	{.name = "pdns-api-key-file",
		.type = OPTION_STRING,
		.offset = FIELD(pdns_api_key_file),
		.value = "FILE",
		.help = "file with the api-key of these web servers"},
	{.name = "pdns-purge-repeat",
		.type = OPTION_STRING,
		.offset = FIELD(pdns_purge_repeat),
		.value = "TIMES",
		.initial = "15ms,1s",
		.help = "how long after that PowerDNS is told once more, for answers that were "
			"under "
			"way; none switches it off"},
	{.name = "metrics",
		.type = OPTION_LIST,
		.offset = FIELD(metrics),
		.value = "ADDRESS",
		.help = "listen here for HTTP of those who watch: /metrics, /healthz, "
			"/livez, /api/v1/dns/records. A port alone is of the loopback address; "
			"may be given several times"},
	{.name = "healthz-max-age",
		.type = OPTION_SECONDS,
		.offset = FIELD(healthz_max_age_ms),
		.value = "TIME",
		.initial = "0",
		.help = "/healthz says that csdnsd is not ready when its data is older; 0: any age "
			"will do"},
	OPTION_ENTRY_LOG_LEVEL(FIELD(log_level)),
	{.name = "poll-interval",
		.type = OPTION_SECONDS,
		.offset = FIELD(poll_ms),
		.value = "TIME",
		.initial = "100ms",
		.help = "between looks for a new version where LISTEN does not work (hot standby)"},
	{.name = "default-ttl",
		.type = OPTION_INT,
		.offset = FIELD(default_ttl),
		.value = "SECONDS",
		.initial = "3600",
		.max = INT32_MAX,
		.help = "TTL of records whose TTL is NULL"},
	{.name = "max-request",
		.type = OPTION_SIZE,
		.offset = FIELD(max_request),
		.value = "BYTES",
		.initial = "1M",
		.min = 1L << 12,
		.max = 1L << 30,
		.help = "longest request that is taken"},
	{.name = "max-connections",
		.type = OPTION_INT,
		.offset = FIELD(max_connections),
		.value = "N",
		.initial = "1100",
		.min = 1,
		.max = 100000,
		.help = "most connections at once"},
	{.name = "max-transactions",
		.type = OPTION_INT,
		.offset = FIELD(max_transactions),
		.value = "N",
		.initial = "8",
		.min = 1,
		.max = 1000,
		.help = "most transactions of PowerDNS at once, each with a connection to the "
			"database; one more waits for a moment and then fails"},
	{.name = "transaction-timeout",
		.type = OPTION_SECONDS,
		.offset = FIELD(transaction_timeout_ms),
		.value = "TIME",
		.initial = "60s",
		.min = 100,
		.max = 86400000,
		.help = "a transaction of PowerDNS without a request for so long is rolled back"},
	OPTION_ENTRY_CHECK(FIELD(check)),
	OPTION_ENTRY_HELP(FIELD(help)),
	OPTION_ENTRY_VERSION(FIELD(version)),
	{.name = NULL},
};

#define SPECS (sizeof(specs) / sizeof(specs[0]))

static int parse(struct settings *settings, int argc, char **argv, struct option_error *error)
{
	bool seen[SPECS] = {false};

	if (options_parse_without_operands(specs, settings, seen, argc, argv, error) < 0)
		return -1;
	if (settings->help || settings->version)
		return 0;
	return options_parse_config(specs, settings, seen, settings->config, CONFIG_FILE, error);
}

/* A URI has its password in front of the "@". libpq's message may repeat any part of the text. */
static bool may_hold_secret(const char *db)
{
	return strstr(db, "password") != NULL || strchr(db, '@') != NULL;
}

static int check_db(const char *db, struct option_error *error)
{
	char *message = NULL;
	PQconninfoOption *options;

	/* A bare word is the name of a database. */
	if (strchr(db, '=') == NULL && strstr(db, "://") == NULL)
		return 0;
	options = PQconninfoParse(db, &message);
	if (options == NULL)
		(void)snprintf(error->text, sizeof(error->text),
			"could not use db \"%.200s\": %.200s", may_hold_secret(db) ? "…" : db,
			message == NULL ? "out of memory"
			: may_hold_secret(db)
				? "libpq does not understand it (not shown: a password)"
				: message);
	PQfreemem(message);
	if (options == NULL)
		return -1;
	PQconninfoFree(options);
	return 0;
}

static int refuse(
	struct option_error *error, const char *name, const char *value, const char *problem)
{
	(void)snprintf(error->text, sizeof(error->text), "could not use %s \"%.200s\": %s", name,
		value, problem);
	return -1;
}

/* "a, b, c" of a list that is refused as a whole. */
static const char *joined(const struct option_list *list, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < list->n && len < size; i++)
		len += (size_t)snprintf(
			text + len, size - len, "%s%s", i == 0 ? "" : ", ", list->items[i]);
	return text;
}

static int check_api(struct settings *settings, struct option_error *error)
{
	const char *file = settings->pdns_api_key_file;
	char text[200];
	const char *problem = purge_check_apis(&settings->pdns_apis, settings->pdns_controls.n);

	if (problem != NULL)
		return refuse(error, "pdns-api", joined(&settings->pdns_apis, text, sizeof(text)),
			problem);
	if (settings->pdns_apis.n == 0)
		return 0;
	if (file == NULL)
		return refuse(error, "pdns-api", settings->pdns_apis.items[0],
			"pdns-api-key-file is not given");
	problem = zone_flush_read_key(file, settings->pdns_api_key);
	return problem == NULL ? 0 : refuse(error, "pdns-api-key-file", file, problem);
}

static int check_http(const struct settings *settings, struct option_error *error)
{
	const char *problem = web_check_listen(&settings->http);
	char text[200];

	if (problem == NULL)
		return 0;
	return refuse(error, "http", joined(&settings->http, text, sizeof(text)), problem);
}

static int check_purge(struct settings *settings, struct option_error *error)
{
	struct purge_settings purge;
	char text[200];
	const char *problem = purge_check_controls(&settings->pdns_controls);

	if (problem != NULL)
		return refuse(error, "pdns-control",
			joined(&settings->pdns_controls, text, sizeof(text)), problem);
	problem = purge_parse_repeats(settings->pdns_purge_repeat, &purge);
	if (problem != NULL)
		return refuse(error, "pdns-purge-repeat", settings->pdns_purge_repeat, problem);
	return check_api(settings, error);
}

struct purge_settings settings_purge(const struct settings *settings)
{
	struct purge_settings purge = {
		.controls = &settings->pdns_controls,
		.apis = &settings->pdns_apis,
		.api_key = settings->pdns_api_key,
	};

	if (purge_parse_repeats(settings->pdns_purge_repeat, &purge) != NULL)
		purge.n_repeats = 0; /* they have been checked */
	return purge;
}

static int check_listen(
	const char *option, const struct option_list *listen, struct option_error *error)
{
	struct address address;

	for (size_t i = 0; i < listen->n; i++)
		if (!address_parse(listen->items[i], &address))
			return refuse(error, option, listen->items[i], "it is no address and port");
	return 0;
}

/* The users of --allow-user; *allowed is the caller's. */
static int find_allowed(
	const struct settings *settings, uid_t **allowed, struct option_error *error)
{
	const struct option_list *users = &settings->allow_users;

	*allowed = calloc(users->n + 1, sizeof(**allowed));
	if (*allowed == NULL) {
		(void)snprintf(error->text, sizeof(error->text), "out of memory");
		return -1;
	}
	for (size_t i = 0; i < users->n; i++)
		if (!user_find(users->items[i], &(*allowed)[i]))
			return refuse(error, "allow-user", users->items[i], "no such user");
	return 0;
}

int settings_make(struct settings *settings, uid_t **allowed, int argc, char **argv,
	struct option_error *error)
{
	*allowed = NULL;
	memset(settings, 0, sizeof(*settings));
	if (options_init(specs, settings) < 0) {
		(void)snprintf(error->text, sizeof(error->text), "out of memory");
		return -1;
	}
	if (parse(settings, argc, argv, error) < 0)
		return -1;
	if (option_entry_check_log_level(settings->log_level, error) < 0 ||
		check_db(settings->db, error) < 0 || check_http(settings, error) < 0 ||
		check_purge(settings, error) < 0 ||
		check_listen("metrics", &settings->metrics, error) < 0)
		return -1;
	return find_allowed(settings, allowed, error);
}

void settings_fini(struct settings *settings)
{
	options_fini(specs, settings);
	explicit_bzero(settings->pdns_api_key, sizeof(settings->pdns_api_key));
}

bool settings_need_restart(const struct settings *old, const struct settings *new)
{
	return !option_string_is_same(old->socket, new->socket) ||
	       !option_string_is_same(old->socket_owner, new->socket_owner) ||
	       !option_string_is_same(old->socket_group, new->socket_group) ||
	       old->socket_mode != new->socket_mode || old->max_request != new->max_request ||
	       old->max_connections != new->max_connections ||
	       old->max_transactions != new->max_transactions ||
	       !option_list_is_same(&old->allow_users, &new->allow_users) ||
	       !option_list_is_same(&old->metrics, &new->metrics) ||
	       !option_list_is_same(&old->http, &new->http);
}

void settings_print_help(void)
{
	options_print_help(specs);
}
