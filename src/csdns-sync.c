#include "config.h"

/*
 * csdns-sync: CloudStack's events, and what its API says, into the facts. Reads options, wires the
 * parts, runs the loop.
 */
#include "base/log.h"
#include "base/notify.h"
#include "csdns_sync_bus.h"
#include "csdns_sync_options.h"
#include "csdns_sync_settings.h"
#include "daemon_stop.h"
#include "http/http.h"
#include "http/reply.h"
#include "pg/events.h"
#include "sync/api.h"
#include "sync/catch_up.h"
#include "sync/intake.h"
#include "sync/monitor.h"
#include "sync/reconcile.h"
#include "sync/verify.h"
#include "sync/webhook.h"
#include "sync/worker.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HTTP_MS 10000
#define IDLE_MS 60000
/* Tasks in hand at once: what waits for the database is stored together. */
#define TASKS_AHEAD 200

struct daemon {
	int argc;
	char **argv;
	struct sync_settings started;  /* as at the start: what a reload does not change */
	struct sync_settings settings; /* as read last; started itself until then */
	bool is_reloaded;
	struct event_base *base;
	struct intake *intake;
	struct api *api;
	struct worker *worker;
	struct reconcile *reconcile; /* NULL without an API */
	struct catch_up *catch_up;   /* likewise */
	struct verify *verify;	     /* NULL: servers are not asked */
	struct webhook *webhook;
	struct buses *buses;
	struct http *http;
	struct monitor *monitor; /* NULL: nobody watches */
	struct watch_reloads reloads;
	struct daemon_stop stop;
};

static struct webhook_settings webhook_settings(const struct sync_settings *settings)
{
	return (struct webhook_settings){
		.secrets = &settings->webhook_secrets,
		.path = settings->webhook_path,
		.max_per_s = (unsigned)settings->webhook_rate,
	};
}

/* ---- HTTP ---- */

static void on_request(void *arg, struct evhttp_request *request)
{
	struct daemon *daemon = arg;

	if (strcmp(request_path(request), daemon->settings.webhook_path) == 0)
		webhook_take(daemon->webhook, request);
	else
		reply_error(request, HTTP_NOTFOUND, "there is nothing here");
}

static void on_too_long(void *arg, const char *peer)
{
	struct daemon *daemon = arg;

	webhook_too_long(daemon->webhook, peer);
}

static int listen_for_webhooks(struct daemon *daemon)
{
	const struct sync_settings *settings = &daemon->started;
	struct http_settings http = {
		.listen = &settings->listen,
		.tls = {.cert = settings->tls_cert, .key = settings->tls_key},
		.max_body = settings->max_body,
		.max_connections = (unsigned)settings->max_connections,
		.timeout_ms = HTTP_MS,
		.idle_ms = IDLE_MS,
		.on_too_long = on_too_long,
	};
	char error[512];

	if (settings->listen.n == 0)
		return 0;
	daemon->http = http_new(daemon->base, &http, on_request, daemon, error, sizeof(error));
	if (daemon->http == NULL) {
		log_error("%s", error);
		return -1;
	}
	return 0;
}

static int listen_for_watchers(struct daemon *daemon)
{
	const struct sync_settings *settings = &daemon->started;
	struct monitor_parts parts = {
		.intake = daemon->intake,
		.worker = daemon->worker,
		.webhook = daemon->webhook,
		.http = daemon->http,
		.api = daemon->api,
		.reconcile = daemon->reconcile,
		.catch_up = daemon->catch_up,
		.verify = daemon->verify,
		.reloads = &daemon->reloads,
		.get_bus = buses_get_status,
		.bus_arg = daemon->buses,
		.n_buses = BUSES,
	};
	char error[512];

	if (settings->metrics.n == 0)
		return 0;
	daemon->monitor = monitor_new(
		daemon->base, &settings->metrics, settings->db, &parts, error, sizeof(error));
	if (daemon->monitor == NULL) {
		log_error("%s", error);
		return -1;
	}
	return 0;
}

/* ---- signals ---- */

static void reload_tls(struct daemon *daemon, const struct sync_settings *fresh)
{
	struct http_tls tls = {.cert = fresh->tls_cert, .key = fresh->tls_key};
	char error[512];

	if (daemon->http != NULL && fresh->tls_cert != NULL && daemon->settings.tls_cert != NULL &&
		http_set_tls(daemon->http, &tls, error, sizeof(error)) < 0)
		log_error("the certificate stays as it is: %s", error);
}

static void take_settings(struct daemon *daemon, const struct sync_settings *fresh)
{
	struct sync_settings old = daemon->settings;

	reload_tls(daemon, fresh);
	daemon->settings = *fresh;
	log_set_level_named(daemon->settings.log_level);
	struct webhook_settings webhook = webhook_settings(&daemon->settings);
	webhook_set(daemon->webhook, &webhook);
	intake_set_db(daemon->intake, daemon->settings.db);
	verify_set_db(daemon->verify, daemon->settings.db);
	worker_set_db(daemon->worker, daemon->settings.db);
	if (daemon->reconcile != NULL)
		reconcile_set_db(daemon->reconcile, daemon->settings.db);
	if (daemon->catch_up != NULL)
		catch_up_set_db(daemon->catch_up, daemon->settings.db);
	if (daemon->monitor != NULL)
		monitor_set_db(daemon->monitor, daemon->settings.db);
	if (daemon->is_reloaded)
		sync_settings_fini(&old);
	daemon->is_reloaded = true;
}

/* 0, or -1 after a line in the log; then the caller's to free. */
static int read_settings_again(struct daemon *daemon, struct sync_settings *fresh)
{
	struct option_error error;

	if (sync_settings_make(fresh, daemon->argc, daemon->argv, &error) < 0 ||
		buses_check(fresh, &error) < 0) {
		log_error("reload refused, the settings stay as they are: %s", error.text);
		return -1;
	}
	if (sync_settings_need_restart(&daemon->started, fresh)) {
		log_warning("reload refused: only db, log-level, the certificate, webhook-rate, "
			    "webhook-path and "
			    "the secrets of webhooks change without a restart");
		return -1;
	}
	if (sync_settings_differ_in_bus(&daemon->started, fresh))
		log_warning("changed settings of Kafka and RabbitMQ take effect at the next start");
	return 0;
}

static void on_reload(evutil_socket_t signal, short what, void *arg)
{
	struct daemon *daemon = arg;
	struct sync_settings fresh;

	(void)signal;
	(void)what;
	notify_reloading();
	if (read_settings_again(daemon, &fresh) == 0) {
		take_settings(daemon, &fresh);
		daemon->reloads.done++;
		log_notice("reloaded");
		notify_ready("working");
	} else {
		sync_settings_fini(&fresh);
		daemon->reloads.refused++;
		notify_ready("working, with the settings from before a refused reload");
	}
}

static void on_reconcile(evutil_socket_t signal, short what, void *arg)
{
	struct daemon *daemon = arg;

	(void)signal;
	(void)what;
	if (daemon->reconcile != NULL)
		reconcile_now(daemon->reconcile);
	else
		log_warning("there is no api-url: nothing can be listed");
}

static void on_wish(void *arg)
{
	struct daemon *daemon = arg;

	if (daemon->reconcile != NULL)
		reconcile_look(daemon->reconcile);
}

static void drain(void *arg)
{
	struct daemon *daemon = arg;

	worker_drain(daemon->worker);
	buses_drain(daemon->buses);
	http_drain(daemon->http);
	monitor_drain(daemon->monitor);
}

static bool is_drained(void *arg)
{
	const struct daemon *daemon = arg;

	return worker_is_drained(daemon->worker) && webhook_is_idle(daemon->webhook) &&
	       buses_are_drained(daemon->buses) && http_is_drained(daemon->http) &&
	       monitor_is_drained(daemon->monitor);
}

static const struct daemon_stop_handlers stop_handlers = {drain, is_drained};
static const struct event_signal signals[] = {
	{SIGUSR1, on_reconcile}, {SIGHUP, on_reload}, {0, NULL}};

/* ---- wiring ---- */

static bool make_api(struct daemon *daemon)
{
	const struct sync_settings *settings = &daemon->started;
	struct api_settings api = {
		.urls = &settings->api_urls,
		.key = settings->api_key,
		.secret_key = settings->api_secret,
		.ca_file = settings->api_ca,
		.is_insecure = settings->api_insecure,
		.is_post = settings->api_post,
		.max_in_flight = (unsigned)settings->api_in_flight,
		.timeout_ms = settings->api_timeout_ms,
		.tries = (unsigned)settings->api_tries,
	};

	if (settings->api_urls.n == 0) {
		log_warning("there is no api-url: only AsyncJobEvents tell anything");
		return true;
	}
	daemon->api = api_new(daemon->base, &api);
	return daemon->api != NULL;
}

static void on_unsure(void *arg)
{
	struct daemon *daemon = arg;

	reconcile_ensure(daemon->reconcile);
}

/* What reads the cloud by itself, through its API. */
static bool make_readers(struct daemon *daemon)
{
	const struct sync_settings *settings = &daemon->started;
	struct reconcile_settings reconcile = {
		.db = settings->db,
		.worker = settings->worker_name,
		.api = daemon->api,
		.every_ms = settings->reconcile_ms,
		.pause_ms = settings->reconcile_pause_ms,
		.page_size = settings->page_size,
	};
	struct catch_up_settings catch_up = {
		.db = settings->db,
		.api = daemon->api,
		.intake = daemon->intake,
		.every_ms = settings->catch_up_ms,
		.pause_ms = settings->reconcile_pause_ms,
		.page_size = settings->page_size,
		.on_unsure = on_unsure,
		.arg = daemon,
	};

	if (daemon->api == NULL)
		return true;
	daemon->reconcile = reconcile_new(daemon->base, &reconcile);
	daemon->catch_up = catch_up_new(daemon->base, &catch_up);
	return daemon->reconcile != NULL && daemon->catch_up != NULL;
}

static void on_done(void *arg, const char *kind, const char *uuid)
{
	struct daemon *daemon = arg;

	if (strcmp(kind, "instance") == 0)
		verify_instance(daemon->verify, uuid);
}

static void make_verify(struct daemon *daemon)
{
	const struct verify_settings verify = {
		.db = daemon->started.db,
		.after_ms = daemon->started.verify_after_ms,
		.tries = daemon->started.verify_tries,
	};

	if (verify.after_ms > 0)
		daemon->verify = verify_new(daemon->base, &verify);
}

static bool make_parts(struct daemon *daemon)
{
	const struct sync_settings *settings = &daemon->started;
	struct webhook_settings webhook = webhook_settings(&daemon->settings);

	daemon->base = event_base_new();
	if (daemon->base == NULL || !make_api(daemon))
		return false;
	struct worker_settings worker = {
		.db = settings->db,
		.name = settings->worker_name,
		.max_tasks = (unsigned)settings->api_in_flight + TASKS_AHEAD,
		.poll_ms = settings->poll_ms,
		.api = daemon->api,
		.on_wish = on_wish,
		.on_done = on_done,
		.arg = daemon,
	};
	make_verify(daemon);
	daemon->intake = intake_new(daemon->base, settings->db);
	if (daemon->intake != NULL && daemon->api == NULL)
		intake_set_believing(daemon->intake);
	daemon->worker = worker_new(daemon->base, &worker);
	daemon->webhook =
		daemon->intake == NULL ? NULL : webhook_new(daemon->base, &webhook, daemon->intake);
	return daemon->worker != NULL && daemon->webhook != NULL && make_readers(daemon) &&
	       daemon_stop_init(&daemon->stop, daemon->base, &stop_handlers, daemon) &&
	       event_on_signals(daemon->base, signals, daemon);
}

static int make_buses(struct daemon *daemon)
{
	struct option_error error;

	daemon->buses = buses_new(daemon->base, &daemon->started, daemon->intake, &error);
	if (daemon->buses == NULL)
		log_error("could not start: %s", error.text);
	return daemon->buses == NULL ? -1 : 0;
}

static void free_parts(struct daemon *daemon)
{
	monitor_free(daemon->monitor);
	http_free(daemon->http);
	webhook_free(daemon->webhook);
	intake_free(daemon->intake);
	buses_free(daemon->buses);
	api_free(daemon->api);
	worker_free(daemon->worker);
	verify_free(daemon->verify);
	reconcile_free(daemon->reconcile);
	catch_up_free(daemon->catch_up);
	daemon_stop_fini(&daemon->stop);
}

static int work(struct daemon *daemon)
{
	int status = EXIT_FAILURE;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !make_parts(daemon)) {
		log_error("could not start: out of memory");
	} else if (make_buses(daemon) == 0 && listen_for_webhooks(daemon) == 0 &&
		   listen_for_watchers(daemon) == 0) {
		log_notice(
			"csdns-sync %s works as %s", PACKAGE_VERSION, daemon->started.worker_name);
		notify_ready("working");
		if (event_base_dispatch(daemon->base) == 0)
			status = EXIT_SUCCESS;
		log_notice("stopped");
	}
	free_parts(daemon);
	curl_global_cleanup();
	return status;
}

static void print_help(void)
{
	printf("Usage: csdns-sync [OPTION]...\n"
	       "Keeps csdns' facts about a CloudStack cloud true: takes its events, asks its "
	       "API.\n\n"
	       "Options; in the configuration file the same names without dashes:\n");
	sync_options_print_help();
	printf("\nSIGHUP reads the configuration again; SIGUSR1 lists the whole cloud now; SIGTERM "
	       "finishes what is in hand and stops.\n");
}

static int make_settings(struct daemon *daemon, struct option_error *error)
{
	struct sync_settings *settings = &daemon->started;

	if (sync_settings_make(settings, daemon->argc, daemon->argv, error) < 0)
		return -1;
	return settings->help || settings->version ? 0 : buses_check(settings, error);
}

int main(int argc, char **argv)
{
	struct daemon daemon = {.argc = argc, .argv = argv};
	struct option_error error;
	int status = EXIT_SUCCESS;

	log_init("csdns-sync");
	(void)signal(SIGPIPE, SIG_IGN);
	if (make_settings(&daemon, &error) < 0) {
		(void)fprintf(stderr, "csdns-sync: %s\n", error.text);
		status = 2;
	} else if (daemon.started.help) {
		print_help();
	} else if (daemon.started.version) {
		printf("csdns-sync %s\n", PACKAGE_VERSION);
	} else if (daemon.started.check) {
		printf("the configuration is valid\n");
	} else {
		daemon.settings = daemon.started;
		log_set_level_named(daemon.settings.log_level);
		status = work(&daemon);
	}
	if (daemon.is_reloaded)
		sync_settings_fini(&daemon.settings);
	sync_settings_fini(&daemon.started);
	return status;
}
