#include "config.h"

#include "csdns_sync_bus.h"

#include "sync/kafka.h"
#include "sync/rabbitmq.h"

#include <stdio.h>
#include <stdlib.h>

struct buses {
	struct kafka *kafka; /* NULL: not configured */
	struct rabbitmq *rabbitmq;
};

static int complain(struct option_error *error, const char *why)
{
	(void)snprintf(error->text, sizeof(error->text), "%s", why);
	return -1;
}

/* ---- Kafka ---- */

static struct kafka_settings kafka_settings(const struct sync_settings *settings)
{
	return (struct kafka_settings){
		.brokers = settings->kafka_brokers,
		.topics = &settings->kafka_topics,
		.group = settings->kafka_group,
		.properties = &settings->kafka_properties,
	};
}

static int check_kafka(const struct sync_settings *settings, struct option_error *error)
{
	struct kafka_settings kafka = kafka_settings(settings);

	if (kafka.brokers != NULL)
		return kafka_check(&kafka, error->text, sizeof(error->text));
	return settings->kafka_properties_file == NULL
		       ? 0
		       : complain(error, "kafka-properties-file needs kafka-brokers");
}

static int make_kafka(struct buses *buses, struct event_base *base,
	const struct sync_settings *settings, struct intake *intake, struct option_error *error)
{
	struct kafka_settings kafka = kafka_settings(settings);

	if (kafka.brokers == NULL)
		return 0;
	buses->kafka = kafka_new(base, &kafka, intake, error->text, sizeof(error->text));
	return buses->kafka == NULL ? -1 : 0;
}

/* ---- RabbitMQ ---- */

/* "source.category.type.resource type.uuid"; CloudStack's source is the management server. */
static char *const default_patterns[] = {
	"*.ActionEvent.#", "*.ResourceStateEvent.#", "*.AsyncJobEvent.complete.#"};
static const struct option_list default_bindings = {(char **)default_patterns, 3};

static struct rabbitmq_settings rabbitmq_settings(const struct sync_settings *settings)
{
	return (struct rabbitmq_settings){
		.uris = &settings->rabbitmq_uris,
		.password = settings->rabbitmq_password,
		.exchange = settings->rabbitmq_exchange,
		.is_declaring = settings->rabbitmq_declare_exchange,
		.queue = settings->rabbitmq_queue,
		.bindings = settings->rabbitmq_bindings.n > 0 ? &settings->rabbitmq_bindings
							      : &default_bindings,
		/* What events tell is stored then, so that their order counts. */
		.is_exclusive = settings->api_urls.n == 0,
		.prefetch = (unsigned)settings->rabbitmq_prefetch,
		.heartbeat_s = (unsigned)((settings->rabbitmq_heartbeat_ms + 999) / 1000),
		.ca = settings->rabbitmq_ca,
		.cert = settings->rabbitmq_cert,
		.key = settings->rabbitmq_key,
		.is_insecure = settings->rabbitmq_insecure,
	};
}

static int check_rabbitmq(const struct sync_settings *settings, struct option_error *error)
{
	const struct option_list *uris = &settings->rabbitmq_uris;

	if (uris->n == 0)
		return settings->rabbitmq_password_file == NULL
			       ? 0
			       : complain(error, "rabbitmq-password-file needs rabbitmq-uri");
	for (size_t i = 0; i < uris->n; i++)
		if (rabbitmq_check_uri(uris->items[i], error->text, sizeof(error->text)) < 0)
			return -1;
	if (settings->rabbitmq_password == NULL)
		return complain(error, "rabbitmq-uri needs rabbitmq-password-file");
	if (settings->rabbitmq_key != NULL && settings->rabbitmq_cert == NULL)
		return complain(error, "rabbitmq-key needs rabbitmq-cert");
	return 0;
}

static int make_rabbitmq(struct buses *buses, struct event_base *base,
	const struct sync_settings *settings, struct intake *intake, struct option_error *error)
{
	struct rabbitmq_settings rabbitmq = rabbitmq_settings(settings);

	if (rabbitmq.uris->n == 0)
		return 0;
	buses->rabbitmq = rabbitmq_new(base, &rabbitmq, intake);
	return buses->rabbitmq == NULL ? complain(error, "out of memory") : 0;
}

/* ---- all ---- */

int buses_check(const struct sync_settings *settings, struct option_error *error)
{
	return check_kafka(settings, error) < 0 ? -1 : check_rabbitmq(settings, error);
}

struct buses *buses_new(struct event_base *base, const struct sync_settings *settings,
	struct intake *intake, struct option_error *error)
{
	struct buses *buses = calloc(1, sizeof(*buses));

	if (buses == NULL) {
		(void)complain(error, "out of memory");
		return NULL;
	}
	if (make_kafka(buses, base, settings, intake, error) < 0 ||
		make_rabbitmq(buses, base, settings, intake, error) < 0) {
		buses_free(buses);
		return NULL;
	}
	return buses;
}

void buses_free(struct buses *buses)
{
	if (buses == NULL)
		return;
	kafka_free(buses->kafka);
	rabbitmq_free(buses->rabbitmq);
	free(buses);
}

void buses_drain(struct buses *buses)
{
	if (buses->kafka != NULL)
		kafka_drain(buses->kafka);
	if (buses->rabbitmq != NULL)
		rabbitmq_drain(buses->rabbitmq);
}

bool buses_are_drained(const struct buses *buses)
{
	return (buses->kafka == NULL || kafka_is_drained(buses->kafka)) &&
	       (buses->rabbitmq == NULL || rabbitmq_is_drained(buses->rabbitmq));
}

const char *buses_get_status(const void *arg, unsigned i, struct bus_status *status)
{
	const struct buses *buses = arg;

	if (i == 0 && buses->kafka != NULL) {
		kafka_get_status(buses->kafka, status);
		return "kafka";
	}
	if (i == 1 && buses->rabbitmq != NULL) {
		rabbitmq_get_status(buses->rabbitmq, status);
		return "rabbitmq";
	}
	return NULL;
}
