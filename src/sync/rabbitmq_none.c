/*
 * rabbitmq_none: csdns-sync without librabbitmq refuses RabbitMQ's options, so that nothing else
 * here is ever called with a rabbitmq.
 */
#include "sync/rabbitmq.h"

#include <stdio.h>

#pragma GCC diagnostic ignored "-Wunused-parameter"

int rabbitmq_check_uri(const char *uri, char *why, size_t size)
{
	(void)snprintf(
		why, size, "could not use rabbitmq-uri: csdns-sync was built without RabbitMQ");
	return -1;
}

struct rabbitmq *rabbitmq_new(
	struct event_base *base, const struct rabbitmq_settings *settings, struct intake *intake)
{
	return NULL;
}

void rabbitmq_free(struct rabbitmq *rabbitmq)
{
}

void rabbitmq_drain(struct rabbitmq *rabbitmq)
{
}

bool rabbitmq_is_drained(const struct rabbitmq *rabbitmq)
{
	return true;
}

void rabbitmq_get_status(const struct rabbitmq *rabbitmq, struct bus_status *status)
{
}
