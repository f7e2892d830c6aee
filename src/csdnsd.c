/*
 * csdnsd: answers PowerDNS' remote backend from a mirror of the store. Options, wiring, signals.
 */
#include "config.h"

#include "base/log.h"
#include "base/notify.h"
#include "csdnsd_settings.h"
#include "daemon_stop.h"
#include "feed/feed.h"
#include "pg/events.h"
#include "serve/listener.h"
#include "serve/monitor.h"
#include "serve/purge.h"
#include "serve/server.h"
#include "serve/status.h"
#include "write/writer.h"

#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

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
	struct purge *purge;
	struct monitor *monitor; /* NULL: nobody watches */
	struct watch_reloads reloads;
	int listen_fd;
	char *socket;  /* that was made; NULL where it is systemd's */
	bool is_ready; /* systemd was told */
	struct daemon_stop stop;
};

/* ---- settings ---- */

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
		settings_fini(&fresh);
		outcome = "reload refused";
		daemon->reloads.refused++;
	} else {
		struct settings old = daemon->settings;
		struct feed_settings feed = feed_settings(&fresh);
		if (settings_need_restart(&old, &fresh))
			log_warning(
				"sockets, addresses, users and limits change only with a restart");
		daemon->settings = fresh;
		daemon->reloads.done++;
		log_set_level_named(fresh.log_level);
		log_notice("reloading");
		struct transactions_settings transactions = transactions_settings(&fresh);
		writer_set_db(daemon->writer, fresh.db);
		transactions_set(daemon->transactions, &transactions);
		struct purge_settings purge = settings_purge(&fresh);
		if (purge_reload(daemon->purge, &purge) < 0)
			log_error("could not change how PowerDNS is purged: out of memory");
		if (daemon->monitor != NULL)
			monitor_set_max_age(daemon->monitor, fresh.healthz_max_age_ms);
		feed_reload(daemon->feed, &feed);
		settings_fini(&old);
	}
	free(allowed);
	notify_ready(outcome);
}

static void close_socket(struct daemon *daemon)
{
	if (daemon->listen_fd >= 0)
		listener_close(daemon->listen_fd, daemon->socket);
	daemon->listen_fd = -1;
}

static void drain(void *arg)
{
	struct daemon *daemon = arg;

	server_drain(daemon->server);
	monitor_drain(daemon->monitor);
	/* Who comes now shall not wait for us, and the next csdnsd may start. */
	close_socket(daemon);
}

static bool is_drained(void *arg)
{
	const struct daemon *daemon = arg;

	return server_is_drained(daemon->server) && monitor_is_drained(daemon->monitor);
}

static const struct daemon_stop_handlers stop_handlers = {drain, is_drained};
static const struct event_signal signals[] = {{SIGHUP, on_reload}, {0, NULL}};

/* ---- the feed's news ---- */

static void on_mirror(void *arg, struct mirror *mirror)
{
	struct daemon *daemon = arg;

	server_set_mirror(daemon->server, mirror);
	notify_ready("answering");
	daemon->is_ready = true;
}

/* With the database down systemd shall not wait: the socket is there, and answers with an error. */
static void on_lost(void *arg, const char *why)
{
	struct daemon *daemon = arg;

	if (!daemon->is_ready)
		notify_ready("no data yet: the database is not there");
	daemon->is_ready = true;
	(void)why;
}

static void on_affected(void *arg, const struct affected *affected)
{
	struct daemon *daemon = arg;

	purge_affected(daemon->purge, affected);
}

static void on_version(void *arg, struct store_version version)
{
	struct daemon *daemon = arg;

	server_reached(daemon->server, version.number);
}

static const struct feed_handlers feed_handlers = {
	.on_mirror = on_mirror,
	.on_affected = on_affected,
	.on_version = on_version,
	.on_lost = on_lost,
};

static void write_status(void *arg, struct buf *text)
{
	struct daemon *daemon = arg;

	status_text(text, daemon->feed, daemon->server, daemon->purge);
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

/* For each transaction its connection to the database, and the one that is being made. */
#define TRANSACTION_DESCRIPTORS 2
/* HTTP and those who watch, whose connections have limits of their own; sockets, the feed. */
#define OTHER_DESCRIPTORS 512

/* So that peers cannot take the descriptors that the database is reached with. */
static void raise_descriptor_limit(const struct settings *settings)
{
	rlim_t wanted = (rlim_t)settings->max_connections +
			TRANSACTION_DESCRIPTORS * (rlim_t)settings->max_transactions +
			OTHER_DESCRIPTORS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < wanted)
		log_warning("only %llu descriptors are allowed for %ld connections",
			(unsigned long long)limit.rlim_cur, settings->max_connections);
}

/* 0, or -1 after a line in the log. */
static int open_monitor(struct daemon *daemon)
{
	const struct settings *settings = &daemon->settings;
	struct monitor_parts parts = {
		daemon->feed, daemon->server, daemon->purge, &daemon->reloads};
	char error[512];

	if (settings->metrics.n == 0)
		return 0;
	daemon->monitor = monitor_new(daemon->base, &settings->metrics,
		settings->healthz_max_age_ms, &parts, error, sizeof(error));
	if (daemon->monitor != NULL)
		return 0;
	log_error("%s", error);
	return -1;
}

/* The same. */
static int open_http(struct daemon *daemon)
{
	char error[512];

	if (daemon->settings.http.n == 0)
		return 0;
	if (server_listen_http(daemon->server, &daemon->settings.http, error, sizeof(error)) == 0)
		return 0;
	log_error("%s", error);
	return -1;
}

static bool make_parts(struct daemon *daemon)
{
	const struct settings *settings = &daemon->settings;
	struct feed_settings feed = feed_settings(settings);
	struct transactions_settings transactions = transactions_settings(settings);
	struct purge_settings purge = settings_purge(settings);
	struct server_settings server = {
		.max_request = settings->max_request,
		.max_connections = (unsigned)settings->max_connections,
		.allowed = daemon->allowed,
		.n_allowed = settings->allow_users.n,
	};

	daemon->base = event_base_new();
	if (daemon->base == NULL)
		return false;
	daemon->writer = writer_new(daemon->base, settings->db);
	daemon->transactions = transactions_new(daemon->base, &transactions);
	daemon->purge = purge_new(daemon->base, &purge);
	if (daemon->writer == NULL || daemon->transactions == NULL || daemon->purge == NULL)
		return false;
	struct server_writers writers = {daemon->writer, daemon->transactions};
	daemon->server = server_new(daemon->base, &server, daemon->listen_fd, &writers);
	if (daemon->server == NULL)
		return false;
	server_protocol(daemon->server)->status = write_status;
	server_protocol(daemon->server)->reload = load_again;
	server_protocol(daemon->server)->arg = daemon;
	daemon->feed = feed_new(daemon->base, &feed, &feed_handlers, daemon);
	return daemon->feed != NULL &&
	       daemon_stop_init(&daemon->stop, daemon->base, &stop_handlers, daemon) &&
	       event_on_signals(daemon->base, signals, daemon);
}

static void free_parts(struct daemon *daemon)
{
	monitor_free(daemon->monitor);
	server_free(daemon->server);
	writer_free(daemon->writer);
	transactions_free(daemon->transactions);
	feed_free(daemon->feed);
	purge_free(daemon->purge);
	daemon_stop_fini(&daemon->stop);
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
	} else if (open_monitor(daemon) == 0 && open_http(daemon) == 0) {
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
	settings_print_help();
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
		log_set_level_named(daemon.settings.log_level);
		status = serve(&daemon);
	}
	settings_fini(&daemon.settings);
	free(daemon.allowed);
	return status;
}
