/*
 * kafka_none: csdns-sync without librdkafka refuses Kafka's options, so that nothing else here is
 * ever called with a kafka.
 */
#include "sync/kafka.h"

#include <stdio.h>

#pragma GCC diagnostic ignored "-Wunused-parameter"

static void complain(char *why, size_t size)
{
	(void)snprintf(
		why, size, "could not use kafka-brokers: csdns-sync was built without Kafka");
}

int kafka_check(const struct kafka_settings *settings, char *why, size_t size)
{
	complain(why, size);
	return -1;
}

struct kafka *kafka_new(struct event_base *base, const struct kafka_settings *settings,
	struct intake *intake, char *why, size_t size)
{
	complain(why, size);
	return NULL;
}

void kafka_free(struct kafka *kafka)
{
}

void kafka_drain(struct kafka *kafka)
{
}

bool kafka_is_drained(const struct kafka *kafka)
{
	return true;
}

void kafka_get_status(const struct kafka *kafka, struct bus_status *status)
{
}
