/*
 * csdnsd: answers PowerDNS' remote backend from a mirror of the store. Options, wiring, signals.
 */
#include "config.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/options.h"
#include "feed/feed.h"
#include "serve/listener.h"
#include "serve/notify.h"
#include "serve/server.h"
#include "serve/status.h"
#include "write/writer.h"

#include <event2/event.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#define CONFIG_FILE CSDNS_SYSCONF_DIR "/csdns/csdnsd.conf"
/* For requests in hand after SIGTERM. */
#define DRAIN_MS 5000

struct settings {
	char *config;
	char *db;
	char *socket;
	unsigned socket_mode;
	char *socket_owner;
	char *socket_group;
	struct option_list allow_users;
	char *log_level;
	long poll_ms;
	long default_ttl;
	size_t max_request;
	long max_connections;
	long max_transactions;
	long transaction_timeout_ms;
	bool check;
	bool help;
	bool version;
};

#define FIELD(field) offsetof(struct settings, field)

static const struct option_spec specs[] = {
	{.name = "config",
		.letter = 'c',
		.type = OPTION_STRING,
		.offset = FIELD(config),
		.value = "FILE",
		.command_line_only = true,
		.help = "configuration file; without this option " CONFIG_FILE " where it exists"},
	{.name = "db",
		.type = OPTION_STRING,
		.offset = FIELD(db),
		.value = "CONNINFO",
		.initial = "dbname=pdns",
		.help = "the store: a libpq connection string or URI, also with a service or "
			"several "
			"hosts; keep passwords in a service or password file"},
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
	{.name = "log-level",
		.type = OPTION_STRING,
		.offset = FIELD(log_level),
		.value = "LEVEL",
		.initial = "notice",
		.help = "error, warning, notice, info or debug"},
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
	{.name = "check",
		.type = OPTION_FLAG,
		.offset = FIELD(check),
		.command_line_only = true,
		.help = "check the configuration and leave"},
	{.name = "help",
		.letter = 'h',
		.type = OPTION_FLAG,
		.offset = FIELD(help),
		.command_line_only = true,
		.help = "this text"},
	{.name = "version",
		.letter = 'V',
		.type = OPTION_FLAG,
		.offset = FIELD(version),
		.command_line_only = true,
		.help = "the version of csdns"},
	{.name = NULL},
};

#define SPECS (sizeof(specs) / sizeof(specs[0]))

struct daemon {
	int argc;
	char **argv;
	struct settings settings;
	uid_t *allowed;
	struct event_base *base;
	struct feed *feed;
	struct writer *writer;
	struct transactions *transactions;
	struct server *server;
	int listen_fd;
	char *socket;  /* that was made; NULL where it is systemd's */
	bool is_ready; /* systemd was told */
	struct event *draining;
	int64_t drain_until_ms;
};

/* ---- settings ---- */

static int parse(struct settings *settings, int argc, char **argv, struct option_error *error)
{
	bool seen[SPECS] = {false};
	int operand;

	if (options_parse_args(specs, settings, seen, argc, argv, &operand, error) < 0)
		return -1;
	if (operand < argc) {
		(void)snprintf(error->text, sizeof(error->text), "unexpected argument \"%s\"",
			argv[operand]);
		return -1;
	}
	if (settings->help || settings->version)
		return 0;
	const char *file = settings->config;
	if (file == NULL && access(CONFIG_FILE, F_OK) == 0)
		file = CONFIG_FILE;
	return file == NULL ? 0 : options_parse_file(specs, settings, seen, file, error);
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
	for (size_t i = 0; i < users->n; i++) {
		if (!user_find(users->items[i], &(*allowed)[i])) {
			(void)snprintf(error->text, sizeof(error->text),
				"could not use allow-user \"%s\": no such user", users->items[i]);
			return -1;
		}
	}
	return 0;
}

/* Fresh settings, checked. 0, or -1 with *error filled; settings are to be freed in both cases. */
static int settings_make(struct settings *settings, uid_t **allowed, int argc, char **argv,
	struct option_error *error)
{
	enum log_level level;

	*allowed = NULL;
	memset(settings, 0, sizeof(*settings));
	if (options_init(specs, settings) < 0) {
		(void)snprintf(error->text, sizeof(error->text), "out of memory");
		return -1;
	}
	if (parse(settings, argc, argv, error) < 0)
		return -1;
	if (!log_level_parse(settings->log_level, &level)) {
		(void)snprintf(error->text, sizeof(error->text),
			"could not use log-level \"%s\": it is error, warning, notice, info or "
			"debug",
			settings->log_level);
		return -1;
	}
	if (check_db(settings->db, error) < 0)
		return -1;
	return find_allowed(settings, allowed, error);
}

static void apply_log_level(const struct settings *settings)
{
	enum log_level level;

	if (log_level_parse(settings->log_level, &level))
		log_set_level(level);
}

static struct feed_settings feed_settings(const struct settings *settings)
{
	return (struct feed_settings){
		.db = settings->db,
		.poll_ms = settings->poll_ms,
		.default_ttl = (uint32_t)settings->default_ttl,
	};
}

static struct transactions_settings transactions_settings(const struct settings *settings)
{
	return (struct transactions_settings){
		.db = settings->db,
		.max = (unsigned)settings->max_transactions,
		.idle_ms = settings->transaction_timeout_ms,
	};
}

/* ---- signals ---- */

static bool same(const char *a, const char *b)
{
	return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static bool same_list(const struct option_list *a, const struct option_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!same(a->items[i], b->items[i]))
			return false;
	return true;
}

/* What a reload does not change. */
static bool needs_restart(const struct settings *old, const struct settings *new)
{
	return !same(old->socket, new->socket) || !same(old->socket_owner, new->socket_owner) ||
	       !same(old->socket_group, new->socket_group) ||
	       old->socket_mode != new->socket_mode || old->max_request != new->max_request ||
	       old->max_connections != new->max_connections ||
	       old->max_transactions != new->max_transactions ||
	       !same_list(&old->allow_users, &new->allow_users);
}

static void on_reload(evutil_socket_t signal, short what, void *arg)
{
	struct daemon *daemon = arg;
	struct settings fresh;
	struct option_error error;
	uid_t *allowed;
	const char *outcome = "reloaded";

	(void)signal;
	(void)what;
	notify_reloading();
	if (settings_make(&fresh, &allowed, daemon->argc, daemon->argv, &error) < 0) {
		log_error("reload refused, the settings stay as they are: %s", error.text);
		options_fini(specs, &fresh);
		outcome = "reload refused";
	} else {
		struct settings old = daemon->settings;
		struct feed_settings feed = feed_settings(&fresh);
		if (needs_restart(&old, &fresh))
			log_warning("the socket, its users and limits change only with a restart");
		daemon->settings = fresh;
		apply_log_level(&fresh);
		log_notice("reloading");
		struct transactions_settings transactions = transactions_settings(&fresh);
		writer_set_db(daemon->writer, fresh.db);
		transactions_set(daemon->transactions, &transactions);
		feed_reload(daemon->feed, &feed);
		options_fini(specs, &old);
	}
	free(allowed);
	notify_ready(outcome);
}

static void on_draining(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *daemon = arg;

	(void)fd;
	(void)what;
	if (server_is_drained(daemon->server) || clock_ms() > daemon->drain_until_ms)
		(void)event_base_loopbreak(daemon->base);
}

static void close_socket(struct daemon *daemon)
{
	if (daemon->listen_fd >= 0)
		listener_close(daemon->listen_fd, daemon->socket);
	daemon->listen_fd = -1;
}

static void on_stop(evutil_socket_t signal, short what, void *arg)
{
	struct daemon *daemon = arg;
	struct timeval often = clock_timeval(5);

	(void)what;
	if (daemon->drain_until_ms != 0) { /* the second time */
		(void)event_base_loopbreak(daemon->base);
		return;
	}
	log_notice("stopping on signal %d", (int)signal);
	notify_stopping();
	daemon->drain_until_ms = clock_ms() + DRAIN_MS;
	server_drain(daemon->server);
	/* Who comes now shall not wait for us, and the next csdnsd may start. */
	close_socket(daemon);
	(void)event_add(daemon->draining, &often);
}

/* ---- the feed's news ---- */

static void on_mirror(void *arg, struct mirror *mirror)
{
	struct daemon *daemon = arg;

	server_set_mirror(daemon->server, mirror);
	notify_ready("answering");
	daemon->is_ready = true;
}

/* With the database down systemd shall not wait: the socket is there, and answers false. */
static void on_lost(void *arg, const char *why)
{
	struct daemon *daemon = arg;

	if (!daemon->is_ready)
		notify_ready("no data yet: the database is not there");
	daemon->is_ready = true;
	(void)why;
}

static void on_version(void *arg, struct store_version version)
{
	struct daemon *daemon = arg;

	server_reached(daemon->server, version.number);
}

static const struct feed_handlers feed_handlers = {
	.on_mirror = on_mirror,
	.on_version = on_version,
	.on_lost = on_lost,
};

static void write_status(void *arg, struct buf *text)
{
	struct daemon *daemon = arg;

	status_text(text, daemon->feed, daemon->server);
}

static void load_again(void *arg)
{
	struct daemon *daemon = arg;
	struct feed_settings feed = feed_settings(&daemon->settings);

	log_notice("loading the store again, as PowerDNS was asked to");
	feed_reload(daemon->feed, &feed);
}

/* ---- wiring ---- */

static int open_socket(struct daemon *daemon)
{
	const struct settings *settings = &daemon->settings;
	struct listener_settings listener = {
		.path = settings->socket,
		.mode = settings->socket_mode,
		.owner = settings->socket_owner,
		.group = settings->socket_group,
	};
	char error[512];

	daemon->listen_fd = listener_inherited(error, sizeof(error));
	if (daemon->listen_fd == -1) {
		daemon->listen_fd = listener_open(&listener, error, sizeof(error));
		if (daemon->listen_fd >= 0) /* a reload may name another one */
			daemon->socket = strdup(settings->socket);
	}
	if (daemon->listen_fd < 0) {
		log_error("%s", error);
		return -1;
	}
	return 0;
}

/* A descriptor for each connection, and some for the rest. */
static void raise_descriptor_limit(const struct settings *settings)
{
	rlim_t wanted = (rlim_t)settings->max_connections + 64;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < wanted)
		log_warning("only %llu descriptors are allowed for %ld connections",
			(unsigned long long)limit.rlim_cur, settings->max_connections);
}

static bool add_signal(struct daemon *daemon, int signal, event_callback_fn fn)
{
	struct event *event = evsignal_new(daemon->base, signal, fn, daemon);

	/* The events live as long as the process. */
	return event != NULL && event_add(event, NULL) == 0;
}

static bool make_parts(struct daemon *daemon)
{
	const struct settings *settings = &daemon->settings;
	struct feed_settings feed = feed_settings(settings);
	struct transactions_settings transactions = transactions_settings(settings);
	struct server_settings server = {
		.max_request = settings->max_request,
		.max_connections = (unsigned)settings->max_connections,
		.allowed = daemon->allowed,
		.n_allowed = settings->allow_users.n,
	};

	daemon->base = event_base_new();
	if (daemon->base == NULL)
		return false;
	daemon->draining = event_new(daemon->base, -1, EV_PERSIST, on_draining, daemon);
	daemon->writer = writer_new(daemon->base, settings->db);
	daemon->transactions = transactions_new(daemon->base, &transactions);
	if (daemon->draining == NULL || daemon->writer == NULL || daemon->transactions == NULL)
		return false;
	struct server_writers writers = {daemon->writer, daemon->transactions};
	daemon->server = server_new(daemon->base, &server, daemon->listen_fd, &writers);
	if (daemon->server == NULL)
		return false;
	server_protocol(daemon->server)->status = write_status;
	server_protocol(daemon->server)->reload = load_again;
	server_protocol(daemon->server)->arg = daemon;
	daemon->feed = feed_new(daemon->base, &feed, &feed_handlers, daemon);
	return daemon->feed != NULL && add_signal(daemon, SIGHUP, on_reload) &&
	       add_signal(daemon, SIGTERM, on_stop) && add_signal(daemon, SIGINT, on_stop);
}

static void free_parts(struct daemon *daemon)
{
	server_free(daemon->server);
	writer_free(daemon->writer);
	transactions_free(daemon->transactions);
	feed_free(daemon->feed);
	close_socket(daemon);
	free(daemon->socket);
}

static int serve(struct daemon *daemon)
{
	uint64_t seed = 0;
	int status = EXIT_FAILURE;

	(void)getrandom(&seed, sizeof(seed), 0);
	table_seed(seed);
	raise_descriptor_limit(&daemon->settings);
	if (open_socket(daemon) < 0)
		return EXIT_FAILURE;
	if (!make_parts(daemon)) {
		log_error("could not start: out of memory");
	} else {
		log_notice("csdnsd %s listens on %s", PACKAGE_VERSION,
			daemon->socket == NULL ? "systemd's socket" : daemon->socket);
		if (event_base_dispatch(daemon->base) == 0)
			status = EXIT_SUCCESS;
		log_notice("stopped");
	}
	free_parts(daemon);
	return status;
}

static void print_help(void)
{
	printf("Usage: csdnsd [OPTION]...\n"
	       "Answers PowerDNS' remote backend from a mirror of the store in PostgreSQL.\n\n"
	       "Options; in the configuration file the same names without dashes:\n");
	options_print_help(specs);
	printf("\nSIGHUP reads the configuration and loads the store again; SIGTERM answers the\n"
	       "requests in hand and stops. Manual: csdnsd(8), csdnsd.conf(5).\n");
}

int main(int argc, char **argv)
{
	struct daemon daemon = {.argc = argc, .argv = argv, .listen_fd = -1};
	struct option_error error;
	int status = EXIT_SUCCESS;

	log_init("csdnsd");
	(void)signal(SIGPIPE, SIG_IGN);
	if (settings_make(&daemon.settings, &daemon.allowed, argc, argv, &error) < 0) {
		(void)fprintf(stderr, "csdnsd: %s\n", error.text);
		status = 2;
	} else if (daemon.settings.help) {
		print_help();
	} else if (daemon.settings.version) {
		printf("csdnsd %s\n", PACKAGE_VERSION);
	} else if (daemon.settings.check) {
		printf("the configuration is valid\n");
	} else {
		apply_log_level(&daemon.settings);
		status = serve(&daemon);
	}
	options_fini(specs, &daemon.settings);
	free(daemon.allowed);
	return status;
}
