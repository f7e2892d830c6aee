/*
 * rabbitmq_connect: connects to RabbitMQ in a thread of its own, up to the consumer: host name,
 * TLS, login, exchange, queue, bindings, prefetch count. Each step has its time.
 *
 * The thread touches nothing but the attempt, which has copies of what it needs; the connection is
 * the loop's only after it has ended.
 */
#ifndef CSDNS_SYNC_RABBITMQ_CONNECT_H
#define CSDNS_SYNC_RABBITMQ_CONNECT_H

#include "sync/rabbitmq.h"

#include <amqp.h>

#define RABBITMQ_STEP_S 5

struct rabbitmq_connect;

/* NULL when memory, descriptors or threads are out. */
struct rabbitmq_connect *rabbitmq_connect_start(
	const struct rabbitmq_settings *settings, const char *uri);
/* Becomes readable when the attempt has ended. */
int rabbitmq_connect_fd(const struct rabbitmq_connect *connect);
/* After that: the connection, the caller's, consuming on *channel; or NULL with why. The attempt is
 * gone. */
amqp_connection_state_t rabbitmq_connect_take(
	struct rabbitmq_connect *connect, amqp_channel_t *channel, char *why, size_t size);
/* No longer wanted: the thread cleans up when it ends. */
void rabbitmq_connect_abandon(struct rabbitmq_connect *connect);

/* The server's or the library's words. */
void rabbitmq_error(const amqp_rpc_reply_t *reply, char *why, size_t size);
/* The same for a method that ends a channel or a connection; false for any other. */
bool rabbitmq_end_of(const amqp_method_t *method, char *why, size_t size);

#endif
