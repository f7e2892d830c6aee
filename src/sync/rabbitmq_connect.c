#include "config.h"

#include "sync/rabbitmq_connect.h"

#include "base/thread.h"

#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A channel is of no use after an error on it: those that look whether something is there take the
 * next. */
#define CHANNELS_MAX 16

struct rabbitmq_connect {
	atomic_int owners; /* the loop and the thread; the last one frees */
	int fd;
	struct rabbitmq_settings settings; /* copies, but for the lists */
	char *uri;
	char **bindings;
	size_t n_bindings;
	bool is_out_of_memory;
	/* The thread's until fd is readable. */
	amqp_connection_state_t conn; /* NULL: it failed */
	amqp_channel_t channel;
	char why[600];
};

/* ---- errors ---- */

bool rabbitmq_end_of(const amqp_method_t *method, char *why, size_t size)
{
	const amqp_connection_close_t *connection = method->decoded;
	const amqp_channel_close_t *channel = method->decoded;
	amqp_bytes_t text;
	int code;

	if (method->id == AMQP_CONNECTION_CLOSE_METHOD) {
		text = connection->reply_text;
		code = connection->reply_code;
	} else if (method->id == AMQP_CHANNEL_CLOSE_METHOD) {
		text = channel->reply_text;
		code = channel->reply_code;
	} else {
		return false;
	}
	(void)snprintf(why, size, "%.*s (%d)", (int)text.len, (const char *)text.bytes, code);
	return true;
}

void rabbitmq_error(const amqp_rpc_reply_t *reply, char *why, size_t size)
{
	if (reply->reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
		(void)snprintf(why, size, "%s", amqp_error_string2(reply->library_error));
	else if (reply->reply_type != AMQP_RESPONSE_SERVER_EXCEPTION ||
		 !rabbitmq_end_of(&reply->reply, why, size))
		(void)snprintf(why, size, "the server answers something else");
}

static bool is_absent(const amqp_rpc_reply_t *reply)
{
	const amqp_channel_close_t *close = reply->reply.decoded;

	return reply->reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
	       reply->reply.id == AMQP_CHANNEL_CLOSE_METHOD && close->reply_code == AMQP_NOT_FOUND;
}

/* Of the last call. what: "could not …", with a name that goes into it, or NULL. */
static bool succeeded(struct rabbitmq_connect *connect, const char *what, const char *name)
{
	amqp_rpc_reply_t reply = amqp_get_rpc_reply(connect->conn);
	char why[256];

	if (reply.reply_type == AMQP_RESPONSE_NORMAL)
		return true;
	rabbitmq_error(&reply, why, sizeof(why));
	(void)snprintf(connect->why, sizeof(connect->why), "could not %s%s%.100s%s: %s", what,
		name == NULL ? "" : " \"", name == NULL ? "" : name, name == NULL ? "" : "\"", why);
	return false;
}

static bool failed(struct rabbitmq_connect *connect, const char *why)
{
	(void)snprintf(connect->why, sizeof(connect->why), "%s", why);
	return false;
}

/* ---- the steps ---- */

static amqp_bytes_t bytes(const char *text)
{
	return amqp_cstring_bytes(text);
}

static amqp_socket_t *make_tls_socket(struct rabbitmq_connect *connect)
{
	const struct rabbitmq_settings *settings = &connect->settings;
	amqp_socket_t *socket = amqp_ssl_socket_new(connect->conn);
	bool is_good = socket != NULL;

	if (!is_good) {
		(void)failed(connect, "could not start TLS");
		return NULL;
	}
	amqp_ssl_socket_set_verify_peer(socket, !settings->is_insecure);
	amqp_ssl_socket_set_verify_hostname(socket, !settings->is_insecure);
	(void)amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
	if (settings->ca != NULL)
		is_good = amqp_ssl_socket_set_cacert(socket, settings->ca) == AMQP_STATUS_OK;
	else if (!settings->is_insecure)
		is_good =
			SSL_CTX_set_default_verify_paths(amqp_ssl_socket_get_context(socket)) == 1;
	if (!is_good)
		(void)failed(connect, "could not read rabbitmq-ca");
	if (is_good && settings->cert != NULL) {
		is_good = amqp_ssl_socket_set_key(socket, settings->cert, settings->key) ==
			  AMQP_STATUS_OK;
		if (!is_good)
			(void)failed(connect, "could not use rabbitmq-cert with its key");
	}
	return is_good ? socket : NULL;
}

static bool open_socket(struct rabbitmq_connect *connect, const struct amqp_connection_info *info)
{
	struct timeval limit = {.tv_sec = RABBITMQ_STEP_S};
	amqp_socket_t *socket;
	int rc;

	connect->conn = amqp_new_connection();
	if (connect->conn == NULL)
		return failed(connect, "out of memory");
	(void)amqp_set_handshake_timeout(connect->conn, &limit);
	(void)amqp_set_rpc_timeout(connect->conn, &limit);
	if (info->ssl) {
		socket = make_tls_socket(connect);
		if (socket == NULL)
			return false;
	} else {
		socket = amqp_tcp_socket_new(connect->conn);
		if (socket == NULL)
			return failed(connect, "out of memory");
	}
	rc = amqp_socket_open_noblock(socket, info->host, info->port, &limit);
	if (rc == AMQP_STATUS_OK)
		return true;
	(void)snprintf(connect->why, sizeof(connect->why),
		"could not connect to %.100s port %d: %s", info->host, info->port,
		amqp_error_string2(rc));
	return false;
}

/* RabbitMQ tells when the queue is deleted only to those that say that they understand. */
static bool login(struct rabbitmq_connect *connect, const struct amqp_connection_info *info)
{
	amqp_table_entry_t capability = {.key = bytes("consumer_cancel_notify"),
		.value = {.kind = AMQP_FIELD_KIND_BOOLEAN, .value = {.boolean = 1}}};
	amqp_table_entry_t entries[] = {
		{.key = bytes("capabilities"),
			.value = {.kind = AMQP_FIELD_KIND_TABLE,
				.value = {.table = {.num_entries = 1, .entries = &capability}}}},
		{.key = bytes("connection_name"),
			.value = {.kind = AMQP_FIELD_KIND_UTF8,
				.value = {.bytes = bytes("csdns-sync")}}},
	};
	amqp_table_t properties = {.num_entries = 2, .entries = entries};
	amqp_rpc_reply_t reply = amqp_login_with_properties(connect->conn, info->vhost,
		CHANNELS_MAX, AMQP_DEFAULT_FRAME_SIZE, (int)connect->settings.heartbeat_s,
		&properties, AMQP_SASL_METHOD_PLAIN, info->user, connect->settings.password);
	char why[256];

	if (reply.reply_type == AMQP_RESPONSE_NORMAL)
		return true;
	rabbitmq_error(&reply, why, sizeof(why));
	(void)snprintf(connect->why, sizeof(connect->why),
		"could not log in to vhost \"%.100s\" as \"%.100s\": %s", info->vhost, info->user,
		why);
	return false;
}

static bool open_channel(struct rabbitmq_connect *connect)
{
	if (connect->channel > 0) {
		amqp_channel_close_ok_t ok = {0};
		(void)amqp_send_method(
			connect->conn, connect->channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
	}
	connect->channel++;
	(void)amqp_channel_open(connect->conn, connect->channel);
	return succeeded(connect, "open a channel", NULL);
}

/* Whoever made it chose how it is: where it is there, that is what counts. */
static bool find_exchange(struct rabbitmq_connect *connect)
{
	const char *name = connect->settings.exchange;

	(void)amqp_exchange_declare(connect->conn, connect->channel, bytes(name), bytes("topic"), 1,
		0, 0, 0, amqp_empty_table);
	amqp_rpc_reply_t reply = amqp_get_rpc_reply(connect->conn);
	if (!is_absent(&reply) || !connect->settings.is_declaring)
		return succeeded(connect, "find the exchange", name);
	if (!open_channel(connect))
		return false;
	(void)amqp_exchange_declare(connect->conn, connect->channel, bytes(name), bytes("topic"), 0,
		1, 0, 0, amqp_empty_table);
	return succeeded(connect, "declare the exchange", name);
}

static bool find_queue(struct rabbitmq_connect *connect)
{
	const char *name = connect->settings.queue;

	(void)amqp_queue_declare(
		connect->conn, connect->channel, bytes(name), 1, 0, 0, 0, amqp_empty_table);
	amqp_rpc_reply_t reply = amqp_get_rpc_reply(connect->conn);
	if (!is_absent(&reply))
		return succeeded(connect, "find the queue", name);
	if (!open_channel(connect))
		return false;
	(void)amqp_queue_declare(
		connect->conn, connect->channel, bytes(name), 0, 1, 0, 0, amqp_empty_table);
	return succeeded(connect, "declare the queue", name);
}

static bool bind_queue(struct rabbitmq_connect *connect)
{
	const struct rabbitmq_settings *settings = &connect->settings;

	for (size_t i = 0; i < connect->n_bindings; i++) {
		(void)amqp_queue_bind(connect->conn, connect->channel, bytes(settings->queue),
			bytes(settings->exchange), bytes(connect->bindings[i]), amqp_empty_table);
		if (!succeeded(connect, "bind the queue with", connect->bindings[i]))
			return false;
	}
	return true;
}

static bool consume(struct rabbitmq_connect *connect)
{
	const struct rabbitmq_settings *settings = &connect->settings;

	(void)amqp_basic_qos(connect->conn, connect->channel, 0, (uint16_t)settings->prefetch, 0);
	if (!succeeded(connect, "set the prefetch count", NULL))
		return false;
	(void)amqp_basic_consume(connect->conn, connect->channel, bytes(settings->queue),
		amqp_empty_bytes, 0, 0, settings->is_exclusive, amqp_empty_table);
	return succeeded(connect, "consume from the queue", settings->queue);
}

static bool go_through(struct rabbitmq_connect *connect)
{
	struct amqp_connection_info info;

	if (amqp_parse_url(connect->uri, &info) != AMQP_STATUS_OK)
		return failed(connect, "the URI is none");
	return open_socket(connect, &info) && login(connect, &info) && open_channel(connect) &&
	       find_exchange(connect) && find_queue(connect) && bind_queue(connect) &&
	       consume(connect);
}

/* ---- the thread ---- */

static void drop(struct rabbitmq_connect *connect)
{
	if (atomic_fetch_sub(&connect->owners, 1) > 1)
		return;
	if (connect->conn != NULL)
		(void)amqp_destroy_connection(connect->conn);
	if (connect->fd >= 0)
		(void)close(connect->fd);
	if (connect->settings.password != NULL)
		explicit_bzero(
			(char *)connect->settings.password, strlen(connect->settings.password));
	const char *texts[] = {connect->settings.password, connect->settings.exchange,
		connect->settings.queue, connect->settings.ca, connect->settings.cert,
		connect->settings.key, connect->uri};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free((char *)texts[i]);
	for (size_t i = 0; i < connect->n_bindings; i++)
		free(connect->bindings[i]);
	free(connect->bindings);
	free(connect);
}

static void *run(void *arg)
{
	static const uint64_t one = 1;
	struct rabbitmq_connect *connect = arg;

	if (!go_through(connect) && connect->conn != NULL) {
		(void)amqp_destroy_connection(connect->conn);
		connect->conn = NULL;
	}
	/* It cannot be full. */
	ssize_t n = write(connect->fd, &one, sizeof(one));
	(void)n;
	drop(connect);
	return NULL;
}

static char *copy(struct rabbitmq_connect *connect, const char *text)
{
	char *other = text == NULL ? NULL : strdup(text);

	connect->is_out_of_memory = connect->is_out_of_memory || (text != NULL && other == NULL);
	return other;
}

static bool copy_all(
	struct rabbitmq_connect *connect, const struct rabbitmq_settings *settings, const char *uri)
{
	const struct option_list *bindings = settings->bindings;

	connect->settings = *settings;
	connect->settings.password = copy(connect, settings->password);
	connect->settings.exchange = copy(connect, settings->exchange);
	connect->settings.queue = copy(connect, settings->queue);
	connect->settings.ca = copy(connect, settings->ca);
	connect->settings.cert = copy(connect, settings->cert);
	connect->settings.key =
		copy(connect, settings->key == NULL ? settings->cert : settings->key);
	connect->uri = copy(connect, uri);
	connect->bindings = calloc(bindings->n + 1, sizeof(*connect->bindings));
	if (connect->bindings == NULL)
		return false;
	for (size_t i = 0; i < bindings->n; i++)
		connect->bindings[connect->n_bindings++] = copy(connect, bindings->items[i]);
	return !connect->is_out_of_memory;
}

struct rabbitmq_connect *rabbitmq_connect_start(
	const struct rabbitmq_settings *settings, const char *uri)
{
	struct rabbitmq_connect *connect = calloc(1, sizeof(*connect));

	if (connect == NULL)
		return NULL;
	atomic_init(&connect->owners, 1);
	connect->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (copy_all(connect, settings, uri) && connect->fd >= 0) {
		atomic_store(&connect->owners, 2);
		if (thread_start(run, connect) == 0)
			return connect;
		atomic_store(&connect->owners, 1);
	}
	drop(connect);
	return NULL;
}

int rabbitmq_connect_fd(const struct rabbitmq_connect *connect)
{
	return connect->fd;
}

amqp_connection_state_t rabbitmq_connect_take(
	struct rabbitmq_connect *connect, amqp_channel_t *channel, char *why, size_t size)
{
	amqp_connection_state_t conn = connect->conn;

	connect->conn = NULL;
	*channel = connect->channel;
	(void)snprintf(why, size, "%s", connect->why);
	drop(connect);
	return conn;
}

void rabbitmq_connect_abandon(struct rabbitmq_connect *connect)
{
	drop(connect);
}

int rabbitmq_check_uri(const char *uri, char *why, size_t size)
{
	struct amqp_connection_info info;
	char *copied = strdup(uri);
	bool is_good = copied != NULL && amqp_parse_url(copied, &info) == AMQP_STATUS_OK;
	const char *rest = strstr(uri, "://");
	const char *at = rest == NULL ? NULL : strchr(rest + 3, '@');
	bool has_password = at != NULL && memchr(rest + 3, ':', (size_t)(at - rest - 3)) != NULL;

	free(copied);
	if (is_good && !has_password)
		return 0;
	/* What is wrong with it may be the password. */
	(void)snprintf(why, size, "could not use rabbitmq-uri: %s",
		has_password ? "the password belongs into rabbitmq-password-file"
			     : "it is amqp or amqps, a user, a host and a vhost, such as "
			       "amqps://csdns@mq.example/cloud");
	return -1;
}
