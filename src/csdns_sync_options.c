#include "config.h"

#include "csdns_sync_options.h"

#include "base/option_entries.h"

#define CONFIG_FILE CSDNS_SYSCONF_DIR "/csdns/csdns-sync.conf"

#define FIELD(field) offsetof(struct sync_settings, field)

static const struct option_spec specs[] = {
	OPTION_ENTRY_CONFIG(FIELD(config), CONFIG_FILE),
	OPTION_ENTRY_DB(FIELD(db)),
	{.name = "worker-name",
		.type = OPTION_STRING,
		.offset = FIELD(worker_name),
		.value = "NAME",
		.help = "of this csdns-sync among all that share the store; without this option "
			"the host's "
			"name and the process' number. One that keeps its name gets back at once "
			"what it had in "
			"hand before a crash"},
	OPTION_ENTRY_LOG_LEVEL(FIELD(log_level)),
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
		.help = "most deliveries a second of those that are signed as they should; more "
			"are answered with 429, 0 is no bound"},
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
		.help = "between looks into the queue for what nobody notifies of; at most 10s"},
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
	OPTION_ENTRY_CHECK(FIELD(check)),
	OPTION_ENTRY_HELP(FIELD(help)),
	OPTION_ENTRY_VERSION(FIELD(version)),
	{.name = NULL},
};

#define SPECS (sizeof(specs) / sizeof(specs[0]))

int sync_options_init(struct sync_settings *settings)
{
	return options_init(specs, settings);
}

void sync_options_fini(struct sync_settings *settings)
{
	options_fini(specs, settings);
}

void sync_options_print_help(void)
{
	options_print_help(specs);
}

int sync_options_parse(
	struct sync_settings *settings, int argc, char **argv, struct option_error *error)
{
	bool seen[SPECS] = {false};

	if (options_parse_without_operands(specs, settings, seen, argc, argv, error) < 0)
		return -1;
	if (settings->help || settings->version)
		return 0;
	return options_parse_config(specs, settings, seen, settings->config, CONFIG_FILE, error);
}
