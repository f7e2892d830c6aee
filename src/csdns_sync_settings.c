#include "config.h"

#include "csdns_sync_settings.h"

#include "base/log.h"
#include "http/address.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_FILE CSDNS_SYSCONF_DIR "/csdns/csdns-sync.conf"
#define SECRET_MAX  4096

#define FIELD(field) offsetof(struct sync_settings, field)

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
			"several hosts; "
			"keep passwords in a service or password file"},
	{.name = "worker-name",
		.type = OPTION_STRING,
		.offset = FIELD(worker_name),
		.value = "NAME",
		.help = "of this csdns-sync among all that share the store; without this option "
			"the host's "
			"name and the process' number. One that keeps its name gets back at once "
			"what it had in "
			"hand before a crash"},
	{.name = "log-level",
		.type = OPTION_STRING,
		.offset = FIELD(log_level),
		.value = "LEVEL",
		.initial = "notice",
		.help = "error, warning, notice, info or debug"},
	{.name = "metrics",
		.type = OPTION_LIST,
		.offset = FIELD(metrics),
		.value = "ADDRESS:PORT",
		.help = "listen here for HTTP of those who watch: /metrics, /healthz, /livez. A "
			"port alone is of the loopback address; may be given several times"},
	{.name = "listen",
		.type = OPTION_LIST,
		.offset = FIELD(listen),
		.value = "ADDRESS:PORT",
		.help = "take CloudStack's webhooks there; may be given several times"},
	{.name = "tls-cert",
		.type = OPTION_STRING,
		.offset = FIELD(tls_cert),
		.value = "FILE",
		.help = "certificate with its chain, PEM: webhooks come over HTTPS"},
	{.name = "tls-key",
		.type = OPTION_STRING,
		.offset = FIELD(tls_key),
		.value = "FILE",
		.help = "its key, PEM; without this option in the same file"},
	{.name = "webhook-path",
		.type = OPTION_STRING,
		.offset = FIELD(webhook_path),
		.value = "PATH",
		.initial = "/webhook",
		.help = "path of the payload URL"},
	{.name = "webhook-secret-file",
		.type = OPTION_LIST,
		.offset = FIELD(webhook_secret_files),
		.value = "FILE",
		.help = "secret keys of the webhooks, one a line, each of them good; a name "
			"without a slash is "
			"one of systemd's credentials; may be given several times"},
	{.name = "webhook-unsigned",
		.type = OPTION_FLAG,
		.offset = FIELD(webhook_unsigned),
		.help = "take webhooks from anybody, without a signature"},
	{.name = "webhook-rate",
		.type = OPTION_INT,
		.offset = FIELD(webhook_rate),
		.value = "N",
		.initial = "5000",
		.max = 1000000,
		.help = "most deliveries a second; more are answered with 429, 0 is no bound"},
	{.name = "max-body",
		.type = OPTION_SIZE,
		.offset = FIELD(max_body),
		.value = "BYTES",
		.initial = "64k",
		.help = "longest webhook that is taken"},
	{.name = "max-connections",
		.type = OPTION_INT,
		.offset = FIELD(max_connections),
		.value = "N",
		.initial = "200",
		.min = 1,
		.max = 100000,
		.help = "most HTTP connections at once"},
	{.name = "api-url",
		.type = OPTION_LIST,
		.offset = FIELD(api_urls),
		.value = "URL",
		.help = "the cloud's API, such as https://cloud.example:8443/client/api; of "
			"several that are "
			"given one is used, and the next when that does not answer"},
	{.name = "api-key-file",
		.type = OPTION_STRING,
		.offset = FIELD(api_key_file),
		.value = "FILE",
		.help = "API key; a name without a slash is one of systemd's credentials"},
	{.name = "api-secret-file",
		.type = OPTION_STRING,
		.offset = FIELD(api_secret_file),
		.value = "FILE",
		.help = "its secret key; likewise"},
	{.name = "api-ca",
		.type = OPTION_STRING,
		.offset = FIELD(api_ca),
		.value = "FILE",
		.help = "certificates that the API's is to be issued by, PEM; without this option "
			"the system's"},
	{.name = "api-insecure",
		.type = OPTION_FLAG,
		.offset = FIELD(api_insecure),
		.help = "do not check the API's certificate"},
	{.name = "api-post",
		.type = OPTION_FLAG,
		.offset = FIELD(api_post),
		.help = "ask with POST instead of GET"},
	{.name = "api-in-flight",
		.type = OPTION_INT,
		.offset = FIELD(api_in_flight),
		.value = "N",
		.initial = "8",
		.min = 1,
		.max = 1000,
		.help = "most requests at once"},
	{.name = "api-timeout",
		.type = OPTION_SECONDS,
		.offset = FIELD(api_timeout_ms),
		.value = "TIME",
		.initial = "30s",
		.min = 100,
		.max = 600000,
		.help = "for one request"},
	{.name = "api-tries",
		.type = OPTION_INT,
		.offset = FIELD(api_tries),
		.value = "N",
		.initial = "4",
		.min = 1,
		.max = 20,
		.help = "how often a request is sent before its entity waits for longer"},
	{.name = "page-size",
		.type = OPTION_INT,
		.offset = FIELD(page_size),
		.value = "N",
		.initial = "500",
		.min = 1,
		.max = 10000,
		.help = "entities on a page; at most CloudStack's default.page.size"},
	{.name = "reconcile-interval",
		.type = OPTION_SECONDS,
		.offset = FIELD(reconcile_ms),
		.value = "TIME",
		.initial = "1h",
		.max = 604800000,
		.help = "between complete listings of the cloud; 0 switches them off, that at the "
			"start too"},
	{.name = "reconcile-pause",
		.type = OPTION_SECONDS,
		.offset = FIELD(reconcile_pause_ms),
		.value = "TIME",
		.initial = "50ms",
		.max = 60000,
		.help = "between two pages, so that listing does not load the management server"},
	{.name = "catch-up-interval",
		.type = OPTION_SECONDS,
		.offset = FIELD(catch_up_ms),
		.value = "TIME",
		.initial = "10m",
		.max = 86400000,
		.help = "between looks into the cloud's own list of events, for those that it "
			"could "
			"not deliver; 0: only at the start, and when the database was away"},
	{.name = "verify-after",
		.type = OPTION_SECONDS,
		.offset = FIELD(verify_after_ms),
		.value = "TIME",
		.initial = "2s",
		.max = 3600000,
		.help = "between an instance's change and asking the DNS servers of "
			"csdns.verify_server, if there are any; further pauses double from there "
			"on; 0: never"},
	{.name = "verify-tries",
		.type = OPTION_INT,
		.offset = FIELD(verify_tries),
		.value = "N",
		.initial = "6",
		.min = 1,
		.max = 1000,
		.help = "answers of theirs that differ, before that is an event"},
	{.name = "poll-interval",
		.type = OPTION_SECONDS,
		.offset = FIELD(poll_ms),
		.value = "TIME",
		.initial = "1s",
		.min = 10,
		.max = 60000,
		.help = "between looks into the queue for what nobody notifies of"},
	{.name = "kafka-brokers",
		.type = OPTION_STRING,
		.offset = FIELD(kafka_brokers),
		.value = "HOST:PORT,...",
		.help = "take CloudStack's events from Kafka; one broker is enough to find the "
			"others, several are for when it is down"},
	{.name = "kafka-topic",
		.type = OPTION_LIST,
		.offset = FIELD(kafka_topics),
		.value = "NAME",
		.initial = "cloudstack",
		.help = "topic that CloudStack writes to; may be given several times"},
	{.name = "kafka-group",
		.type = OPTION_STRING,
		.offset = FIELD(kafka_group),
		.value = "NAME",
		.initial = "csdns-sync",
		.help = "consumer group; Kafka spreads the partitions over all csdns-sync of one "
			"group"},
	{.name = "kafka-properties-file",
		.type = OPTION_STRING,
		.offset = FIELD(kafka_properties_file),
		.value = "FILE",
		.help = "properties of librdkafka, name=value a line, such as those for TLS and "
			"SASL; a name without a slash is one of systemd's credentials"},
	{.name = "rabbitmq-uri",
		.type = OPTION_LIST,
		.offset = FIELD(rabbitmq_uris),
		.value = "URI",
		.help = "take CloudStack's events from RabbitMQ, such as "
			"amqps://csdns@mq.example/cloud with user, host and vhost; of several that "
			"are given one is used, and the next when that does not answer"},
	{.name = "rabbitmq-password-file",
		.type = OPTION_STRING,
		.offset = FIELD(rabbitmq_password_file),
		.value = "FILE",
		.help = "the user's password; a name without a slash is one of systemd's "
			"credentials"},
	{.name = "rabbitmq-exchange",
		.type = OPTION_STRING,
		.offset = FIELD(rabbitmq_exchange),
		.value = "NAME",
		.initial = "cloudstack-events",
		.help = "exchange that CloudStack publishes to"},
	{.name = "rabbitmq-declare-exchange",
		.type = OPTION_FLAG,
		.offset = FIELD(rabbitmq_declare_exchange),
		.help = "declare the exchange as CloudStack does (topic, durable) where it is not "
			"there; without this option csdns-sync waits for it"},
	{.name = "rabbitmq-queue",
		.type = OPTION_STRING,
		.offset = FIELD(rabbitmq_queue),
		.value = "NAME",
		.initial = "csdns-sync",
		.help = "queue; one that is not there is declared, durable. RabbitMQ spreads its "
			"messages over all csdns-sync that use it"},
	{.name = "rabbitmq-binding",
		.type = OPTION_LIST,
		.offset = FIELD(rabbitmq_bindings),
		.value = "PATTERN",
		.help = "routing keys of the events that are wanted; may be given several times; "
			"without this option *.ActionEvent.#, *.ResourceStateEvent.# and "
			"*.AsyncJobEvent.complete.#"},
	{.name = "rabbitmq-prefetch",
		.type = OPTION_INT,
		.offset = FIELD(rabbitmq_prefetch),
		.value = "N",
		.initial = "500",
		.min = 1,
		.max = 1000,
		.help = "most messages that RabbitMQ sends before the first is acknowledged"},
	{.name = "rabbitmq-heartbeat",
		.type = OPTION_SECONDS,
		.offset = FIELD(rabbitmq_heartbeat_ms),
		.value = "TIME",
		.initial = "20s",
		.min = 1000,
		.max = 600000,
		.help = "a connection without a sign of life for twice this time is lost"},
	{.name = "rabbitmq-ca",
		.type = OPTION_STRING,
		.offset = FIELD(rabbitmq_ca),
		.value = "FILE",
		.help = "certificates that RabbitMQ's is to be issued by, PEM; without this option "
			"the system's"},
	{.name = "rabbitmq-cert",
		.type = OPTION_STRING,
		.offset = FIELD(rabbitmq_cert),
		.value = "FILE",
		.help = "certificate to show to RabbitMQ, with its chain, PEM"},
	{.name = "rabbitmq-key",
		.type = OPTION_STRING,
		.offset = FIELD(rabbitmq_key),
		.value = "FILE",
		.help = "its key, PEM; without this option in the same file"},
	{.name = "rabbitmq-insecure",
		.type = OPTION_FLAG,
		.offset = FIELD(rabbitmq_insecure),
		.help = "do not check RabbitMQ's certificate"},
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

static int parse(struct sync_settings *settings, int argc, char **argv, struct option_error *error)
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

/* ---- secrets ---- */

/* A bare name is one of systemd's credentials. */
static void secret_path(const char *name, char *path, size_t size)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	if (strchr(name, '/') == NULL && dir != NULL)
		(void)snprintf(path, size, "%s/%s", dir, name);
	else
		(void)snprintf(path, size, "%s", name);
}

/* Its lines that are not empty. */
static int read_lines(const char *name, struct option_list *lines, struct option_error *error)
{
	char path[4096];
	char line[SECRET_MAX + 2];
	int rc = 0;

	secret_path(name, path, sizeof(path));
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		(void)snprintf(error->text, sizeof(error->text), "could not open \"%.200s\": %s",
			path, strerror(errno));
		return -1;
	}
	while (rc == 0 && fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] == '\0')
			continue;
		char **items = realloc(lines->items, (lines->n + 1) * sizeof(*items));
		if (items != NULL)
			lines->items = items;
		if (items == NULL || (items[lines->n] = strdup(line)) == NULL)
			rc = -1;
		else
			lines->n++;
	}
	OPENSSL_cleanse(line, sizeof(line));
	(void)fclose(file);
	if (rc < 0)
		(void)snprintf(error->text, sizeof(error->text), "out of memory");
	else if (lines->n == 0)
		(void)snprintf(
			error->text, sizeof(error->text), "there is no secret in \"%.200s\"", path);
	return lines->n == 0 ? -1 : rc;
}

static void wipe_list(struct option_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		OPENSSL_cleanse(list->items[i], strlen(list->items[i]));
		free(list->items[i]);
	}
	free(list->items);
	*list = (struct option_list){NULL, 0};
}

/* The one line of a file. */
static int read_secret(const char *name, char **secret, struct option_error *error)
{
	struct option_list lines = {NULL, 0};
	int rc = read_lines(name, &lines, error);

	if (rc == 0 && lines.n != 1) {
		(void)snprintf(error->text, sizeof(error->text),
			"there is more than one line in \"%.200s\"", name);
		rc = -1;
	}
	if (rc == 0) {
		*secret = lines.items[0];
		lines.n = 0;
	}
	wipe_list(&lines);
	return rc;
}

static int read_secrets(struct sync_settings *settings, struct option_error *error)
{
	for (size_t i = 0; i < settings->webhook_secret_files.n; i++) {
		struct option_list lines = {NULL, 0};
		if (read_lines(settings->webhook_secret_files.items[i], &lines, error) < 0) {
			wipe_list(&lines);
			return -1;
		}
		struct option_list *all = &settings->webhook_secrets;
		char **items = realloc(all->items, (all->n + lines.n) * sizeof(*items));
		if (items == NULL) {
			wipe_list(&lines);
			(void)snprintf(error->text, sizeof(error->text), "out of memory");
			return -1;
		}
		memcpy(items + all->n, lines.items, lines.n * sizeof(*items));
		all->items = items;
		all->n += lines.n;
		free(lines.items);
	}
	if (settings->api_key_file != NULL &&
		read_secret(settings->api_key_file, &settings->api_key, error) < 0)
		return -1;
	if (settings->api_secret_file != NULL &&
		read_secret(settings->api_secret_file, &settings->api_secret, error) < 0)
		return -1;
	if (settings->kafka_properties_file != NULL &&
		read_lines(settings->kafka_properties_file, &settings->kafka_properties, error) < 0)
		return -1;
	if (settings->rabbitmq_password_file != NULL &&
		read_secret(settings->rabbitmq_password_file, &settings->rabbitmq_password, error) <
			0)
		return -1;
	return 0;
}

/* ---- checks ---- */

static int complain(struct option_error *error, const char *what)
{
	(void)snprintf(error->text, sizeof(error->text), "%s", what);
	return -1;
}

static int check_listen(
	const struct option_list *list, const char *name, struct option_error *error)
{
	struct address address;

	for (size_t i = 0; i < list->n; i++)
		if (!address_parse(list->items[i], &address)) {
			(void)snprintf(error->text, sizeof(error->text),
				"could not use %s \"%.100s\": it is an address and a port, such as "
				"192.0.2.1:8443",
				name, list->items[i]);
			return -1;
		}
	return 0;
}

static int check_webhook(const struct sync_settings *settings, struct option_error *error)
{
	if (check_listen(&settings->listen, "listen", error) < 0 ||
		check_listen(&settings->metrics, "metrics", error) < 0)
		return -1;
	if (settings->listen.n > 0 && settings->webhook_secrets.n == 0 &&
		!settings->webhook_unsigned)
		return complain(error, "listen needs webhook-secret-file, or webhook-unsigned to "
				       "take webhooks from anybody");
	if (settings->webhook_path[0] != '/')
		return complain(error, "could not use webhook-path: it starts with a slash");
	if (settings->tls_key != NULL && settings->tls_cert == NULL)
		return complain(error, "tls-key needs tls-cert");
	return 0;
}

static int check_api(const struct sync_settings *settings, struct option_error *error)
{
	if (settings->api_urls.n == 0)
		return 0;
	if (settings->api_key == NULL || settings->api_secret == NULL)
		return complain(error, "api-url needs api-key-file and api-secret-file");
	for (size_t i = 0; i < settings->api_urls.n; i++) {
		const char *url = settings->api_urls.items[i];
		if ((strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0) &&
			strpbrk(url, "?#@ ") == NULL)
			continue;
		return complain(error, "could not use api-url: it is http or https, a host and a "
				       "path, without a query");
	}
	return 0;
}

static int make_name(struct sync_settings *settings)
{
	char host[64] = "csdns-sync";
	char name[128];

	if (settings->worker_name != NULL)
		return 0;
	(void)gethostname(host, sizeof(host));
	host[sizeof(host) - 1] = '\0';
	(void)snprintf(name, sizeof(name), "%s:%ld", host, (long)getpid());
	settings->worker_name = strdup(name);
	return settings->worker_name == NULL ? -1 : 0;
}

int sync_settings_make(
	struct sync_settings *settings, int argc, char **argv, struct option_error *error)
{
	enum log_level level;

	memset(settings, 0, sizeof(*settings));
	if (options_init(specs, settings) < 0)
		return complain(error, "out of memory");
	if (parse(settings, argc, argv, error) < 0)
		return -1;
	if (settings->help || settings->version)
		return 0;
	if (make_name(settings) < 0)
		return complain(error, "out of memory");
	if (!log_level_parse(settings->log_level, &level)) {
		(void)snprintf(error->text, sizeof(error->text),
			"could not use log-level \"%s\": it is error, warning, notice, info or "
			"debug",
			settings->log_level);
		return -1;
	}
	if (read_secrets(settings, error) < 0 || check_webhook(settings, error) < 0)
		return -1;
	return check_api(settings, error);
}

void sync_settings_fini(struct sync_settings *settings)
{
	wipe_list(&settings->webhook_secrets);
	wipe_list(&settings->kafka_properties);
	if (settings->api_secret != NULL)
		OPENSSL_cleanse(settings->api_secret, strlen(settings->api_secret));
	free(settings->api_secret);
	if (settings->rabbitmq_password != NULL)
		OPENSSL_cleanse(settings->rabbitmq_password, strlen(settings->rabbitmq_password));
	free(settings->rabbitmq_password);
	free(settings->api_key);
	options_fini(specs, settings);
}

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

static bool rabbitmq_settings_differ(
	const struct sync_settings *old, const struct sync_settings *new)
{
	return !same_list(&old->rabbitmq_uris, &new->rabbitmq_uris) ||
	       !same_list(&old->rabbitmq_bindings, &new->rabbitmq_bindings) ||
	       !same(old->rabbitmq_password, new->rabbitmq_password) ||
	       !same(old->rabbitmq_exchange, new->rabbitmq_exchange) ||
	       !same(old->rabbitmq_queue, new->rabbitmq_queue) ||
	       !same(old->rabbitmq_ca, new->rabbitmq_ca) ||
	       !same(old->rabbitmq_cert, new->rabbitmq_cert) ||
	       !same(old->rabbitmq_key, new->rabbitmq_key) ||
	       old->rabbitmq_declare_exchange != new->rabbitmq_declare_exchange ||
	       old->rabbitmq_insecure != new->rabbitmq_insecure ||
	       old->rabbitmq_prefetch != new->rabbitmq_prefetch ||
	       old->rabbitmq_heartbeat_ms != new->rabbitmq_heartbeat_ms;
}

static bool bus_settings_differ(const struct sync_settings *old, const struct sync_settings *new)
{
	return !same(old->kafka_brokers, new->kafka_brokers) ||
	       !same_list(&old->kafka_topics, &new->kafka_topics) ||
	       !same(old->kafka_group, new->kafka_group) ||
	       !same_list(&old->kafka_properties, &new->kafka_properties) ||
	       rabbitmq_settings_differ(old, new);
}

bool sync_settings_need_restart(const struct sync_settings *old, const struct sync_settings *new)
{
	return !same_list(&old->listen, &new->listen) || !same_list(&old->metrics, &new->metrics) ||
	       !same(old->worker_name, new->worker_name) || old->max_body != new->max_body ||
	       old->max_connections != new->max_connections ||
	       (old->tls_cert == NULL) != (new->tls_cert == NULL) ||
	       !same_list(&old->api_urls, &new->api_urls) ||
	       old->api_in_flight != new->api_in_flight ||
	       old->api_timeout_ms != new->api_timeout_ms || old->api_tries != new->api_tries ||
	       old->api_insecure != new->api_insecure || old->api_post != new->api_post ||
	       !same(old->api_ca, new->api_ca) || !same(old->api_key, new->api_key) ||
	       !same(old->api_secret, new->api_secret) || old->poll_ms != new->poll_ms ||
	       old->page_size != new->page_size || old->reconcile_ms != new->reconcile_ms ||
	       old->reconcile_pause_ms != new->reconcile_pause_ms ||
	       old->catch_up_ms != new->catch_up_ms ||
	       old->verify_after_ms != new->verify_after_ms ||
	       old->verify_tries != new->verify_tries || bus_settings_differ(old, new);
}

void sync_settings_print_help(void)
{
	options_print_help(specs);
}
