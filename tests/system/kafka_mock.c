/*
 * kafka_mock: librdkafka's mock cluster in a process of its own, and a producer that sends as
 * CloudStack does, for tests/system/sync-kafka.t.
 *
 *   kafka_mock PORT BROKERS TOPIC PARTITIONS
 *
 * Prints "ready BOOTSTRAP". Takes commands on PORT of 127.0.0.1, one a line, words divided by tabs,
 * one connection at a time; answers each with "ok …" or "error …":
 *
 *   produce PARTITION KEY BODY   PARTITION -1: as Java's client takes it from the key; ok OFFSET
 *   committed GROUP PARTITION    ok OFFSET, -1001 when there is none
 *   down BROKER, up BROKER       -1: all
 *   leader PARTITION BROKER
 *   fail REQUEST ERROR           the next of these requests, both as numbers of Kafka's protocol
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WORDS 5

static rd_kafka_t *producer;
static rd_kafka_mock_cluster_t *cluster;
static const char *topic;
static char why[512];

static void die(const char *what)
{
	(void)fprintf(stderr, "kafka_mock: %s: %s\n", what, why);
	exit(1);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) != RD_KAFKA_CONF_OK)
		die(name);
}

/* Where the last message went, or that it did not. */
static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *arg)
{
	(void)rk;
	(void)arg;
	*(int64_t *)message->_private =
		message->err == RD_KAFKA_RESP_ERR_NO_ERROR ? message->offset : -1;
}

static void make_cluster(int brokers, int partitions)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", brokers);
	set(conf, "test.mock.num.brokers", number);
	set(conf, "partitioner", "murmur2_random");
	set(conf, "linger.ms", "0");
	set(conf, "message.timeout.ms", "20000");
	set(conf, "log_level", "2");
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
	producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (producer == NULL)
		die("producer");
	cluster = rd_kafka_handle_mock_cluster(producer);
	if (rd_kafka_mock_topic_create(cluster, topic, partitions, 1) != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("topic");
}

static void answer(FILE *peer, rd_kafka_resp_err_t error, int64_t number)
{
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
		(void)fprintf(peer, "error %s\n", rd_kafka_err2name(error));
	else
		(void)fprintf(peer, "ok %" PRId64 "\n", number);
}

static void produce(FILE *peer, char *const *words)
{
	int64_t offset = -1;
	rd_kafka_resp_err_t error = rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic),
		RD_KAFKA_V_PARTITION((int32_t)strtol(words[1], NULL, 10)),
		RD_KAFKA_V_KEY(words[2], strlen(words[2])),
		RD_KAFKA_V_VALUE(words[3], strlen(words[3])),
		RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(&offset),
		RD_KAFKA_V_END);

	if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
		error = rd_kafka_flush(producer, 25000);
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR && offset < 0)
		error = RD_KAFKA_RESP_ERR__FAIL;
	answer(peer, error, offset);
}

static void committed(FILE *peer, char *const *words)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

	set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster));
	set(conf, "group.id", words[1]);
	rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (reader == NULL)
		die("reader");
	(void)rd_kafka_topic_partition_list_add(list, topic, (int32_t)strtol(words[2], NULL, 10));
	rd_kafka_resp_err_t error = rd_kafka_committed(reader, list, 10000);
	answer(peer, error, list->elems[0].offset);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(reader);
}

static void fail(FILE *peer, int16_t request, int error)
{
	rd_kafka_mock_push_request_errors(cluster, request, 1, (rd_kafka_resp_err_t)error);
	answer(peer, RD_KAFKA_RESP_ERR_NO_ERROR, 0);
}

static void command(FILE *peer, char *const *words, size_t n)
{
	int32_t number = n > 1 ? (int32_t)strtol(words[1], NULL, 10) : 0;

	if (n == 4 && strcmp(words[0], "produce") == 0)
		produce(peer, words);
	else if (n == 3 && strcmp(words[0], "committed") == 0)
		committed(peer, words);
	else if (n == 2 && strcmp(words[0], "down") == 0)
		answer(peer, rd_kafka_mock_broker_set_down(cluster, number), 0);
	else if (n == 2 && strcmp(words[0], "up") == 0)
		answer(peer, rd_kafka_mock_broker_set_up(cluster, number), 0);
	else if (n == 3 && strcmp(words[0], "leader") == 0)
		answer(peer,
			rd_kafka_mock_partition_set_leader(
				cluster, topic, number, (int32_t)strtol(words[2], NULL, 10)),
			0);
	else if (n == 3 && strcmp(words[0], "fail") == 0)
		fail(peer, (int16_t)number, (int)strtol(words[2], NULL, 10));
	else
		(void)fprintf(peer, "error no such command\n");
}

static void serve(FILE *peer)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, peer) > 0) {
		char *words[WORDS];
		char *at = line;
		size_t n = 0;
		line[strcspn(line, "\n")] = '\0';
		while (n < WORDS && at != NULL)
			words[n++] = strsep(&at, "\t");
		command(peer, words, n);
		(void)fflush(peer);
	}
	free(line);
}

static int listen_on(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(fd, 8) < 0)
		die("port");
	return fd;
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		(void)fprintf(stderr, "usage: kafka_mock PORT BROKERS TOPIC PARTITIONS\n");
		return 2;
	}
	int fd = listen_on((int)strtol(argv[1], NULL, 10));
	topic = argv[3];
	make_cluster((int)strtol(argv[2], NULL, 10), (int)strtol(argv[4], NULL, 10));
	printf("ready %s\n", rd_kafka_mock_cluster_bootstraps(cluster));
	(void)fflush(stdout);
	for (;;) {
		FILE *peer = fdopen(accept(fd, NULL, NULL), "r+");
		if (peer == NULL)
			continue;
		serve(peer);
		(void)fclose(peer);
	}
}
