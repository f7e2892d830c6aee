/*
 * rabbitmq: takes CloudStack's events from RabbitMQ, with librabbitmq.
 *
 * It has a durable queue of its own, bound to CloudStack's topic exchange: RabbitMQ keeps events
 * while no csdns-sync is there, and spreads them over all that use the queue. A message is
 * acknowledged when it and everything before it is done (see relay.h); what is not acknowledged
 * when the connection ends comes again. RabbitMQ sends no more than the prefetch count ahead, so
 * that nothing grows while the database takes nothing.
 *
 * librabbitmq blocks while it connects: that is done in a thread (rabbitmq_connect.h). Afterwards
 * frames are read on the event loop as they come, and put together here, because the library's
 * own way waits for all frames of a message. Acknowledgements are small and at most as many as are
 * prefetched, so that the socket has room for them.
 */
#ifndef CSDNS_SYNC_RABBITMQ_H
#define CSDNS_SYNC_RABBITMQ_H

#include "base/options.h"
#include "sync/relay.h"

#include <event2/event.h>
#include <stdbool.h>

/* Borrowed as long as the rabbitmq lives. */
struct rabbitmq_settings {
	const struct option_list *uris; /* "amqps://csdns@mq.example/vhost"; one is used */
	const char *password;
	const char *exchange;
	bool is_declaring; /* declares the exchange where it is not there */
	const char *queue;
	const struct option_list *bindings;
	bool is_exclusive;    /* nobody else may consume from the queue */
	unsigned prefetch;    /* at most RELAY_MAX */
	unsigned heartbeat_s; /* 0: none */
	const char *ca;	      /* PEM file; NULL: the system's */
	const char *cert, *key;
	bool is_insecure; /* takes any certificate */
};

/* Is it a URI, without a password? 0, or -1 with why. */
int rabbitmq_check_uri(const char *uri, char *why, size_t size) __attribute__((warn_unused_result));

struct rabbitmq;
/* Connects later, and again and again. NULL when memory is out. */
struct rabbitmq *rabbitmq_new(
	struct event_base *base, const struct rabbitmq_settings *settings, struct intake *intake);
/* After intake_free. */
void rabbitmq_free(struct rabbitmq *rabbitmq);
/* Takes nothing more; when what it has is durable, acknowledges that and closes. It does not wait
 * for a database that is down. */
void rabbitmq_drain(struct rabbitmq *rabbitmq);
bool rabbitmq_is_drained(const struct rabbitmq *rabbitmq);
void rabbitmq_get_status(const struct rabbitmq *rabbitmq, struct bus_status *status);

#endif
