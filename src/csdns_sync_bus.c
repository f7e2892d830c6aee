#include "config.h"

#include "csdns_sync_bus.h"

#include "sync/kafka.h"

#include <stdio.h>
#include <stdlib.h>

struct buses {
	struct kafka *kafka; /* NULL: not configured */
};

static int complain(struct option_error *error, const char *why)
{
	(void)snprintf(error->text, sizeof(error->text), "%s", why);
	return -1;
}

/* ---- Kafka ---- */

#ifdef HAVE_KAFKA
static struct kafka_settings kafka_settings(const struct sync_settings *settings)
{
	return (struct kafka_settings){
		.brokers = settings->kafka_brokers,
		.topics = &settings->kafka_topics,
		.group = settings->kafka_group,
		.properties = &settings->kafka_properties,
	};
}
#endif

static int check_kafka(const struct sync_settings *settings, struct option_error *error)
{
	if (settings->kafka_brokers == NULL)
		return settings->kafka_properties_file == NULL
			       ? 0
			       : complain(error, "kafka-properties-file needs kafka-brokers");
#ifdef HAVE_KAFKA
	struct kafka_settings kafka = kafka_settings(settings);

	return kafka_check(&kafka, error->text, sizeof(error->text));
#else
	return complain(error, "could not use kafka-brokers: csdns-sync was built without Kafka");
#endif
}

static int make_kafka(struct buses *buses, struct event_base *base,
	const struct sync_settings *settings, struct intake *intake, struct option_error *error)
{
#ifdef HAVE_KAFKA
	if (settings->kafka_brokers != NULL) {
		struct kafka_settings kafka = kafka_settings(settings);
		buses->kafka = kafka_new(base, &kafka, intake, error->text, sizeof(error->text));
		return buses->kafka == NULL ? -1 : 0;
	}
#endif
	return 0;
}

/* ---- all ---- */

int buses_check(const struct sync_settings *settings, struct option_error *error)
{
	return check_kafka(settings, error);
}

struct buses *buses_new(struct event_base *base, const struct sync_settings *settings,
	struct intake *intake, struct option_error *error)
{
	struct buses *buses = calloc(1, sizeof(*buses));

	if (buses == NULL) {
		(void)complain(error, "out of memory");
		return NULL;
	}
	if (make_kafka(buses, base, settings, intake, error) < 0) {
		buses_free(buses);
		return NULL;
	}
	return buses;
}

void buses_free(struct buses *buses)
{
	if (buses == NULL)
		return;
#ifdef HAVE_KAFKA
	kafka_free(buses->kafka);
#endif
	free(buses);
}

void buses_set(struct buses *buses, const struct sync_settings *settings)
{
#ifdef HAVE_KAFKA
	struct kafka_settings kafka = kafka_settings(settings);

	if (buses->kafka != NULL)
		kafka_set(buses->kafka, &kafka);
#endif
}

void buses_drain(struct buses *buses)
{
#ifdef HAVE_KAFKA
	if (buses->kafka != NULL)
		kafka_drain(buses->kafka);
#endif
}

bool buses_are_drained(const struct buses *buses)
{
#ifdef HAVE_KAFKA
	if (buses->kafka != NULL && !kafka_is_drained(buses->kafka))
		return false;
#endif
	return true;
}

const char *buses_get_status(const struct buses *buses, unsigned i, struct bus_status *status)
{
	(void)buses;
	(void)status;
#ifdef HAVE_KAFKA
	if (i == 0 && buses->kafka != NULL) {
		kafka_get_status(buses->kafka, status);
		return "kafka";
	}
#endif
	return NULL;
}
