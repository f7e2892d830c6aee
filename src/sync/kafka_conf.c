#include "config.h"

#include "sync/kafka_conf.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATS_MS "2000"

/* What durability hangs on, and what has an option of its own. */
static const char *const reserved[] = {"bootstrap.servers", "metadata.broker.list", "group.id",
	"enable.auto.commit", "enable.auto.offset.store", "auto.commit.enable", "log.queue",
	"statistics.interval.ms", "enable.partition.eof", NULL};

/* These come first: the administrator's may change them. */
static const char *const defaults[][2] = {
	{"client.id", "csdns-sync"},
	/* Events that came while nobody of the group was there, or whose offset is unknown. */
	{"auto.offset.reset", "earliest"},
	/* Read ahead of us at most, of all partitions. */
	{"queued.min.messages", "2000"},
	{"queued.max.messages.kbytes", "16384"},
	{"reconnect.backoff.max.ms", "10000"},
	{"auto.commit.interval.ms", "1000"},
};

static const char *const ours[][2] = {
	{"enable.auto.commit", "true"}, /* of what is stored, by ourselves: */
	{"enable.auto.offset.store", "false"},
	{"enable.partition.eof", "false"},
	{"log.queue", "true"},
	{"statistics.interval.ms", STATS_MS},
};

static bool is_reserved(const char *name)
{
	for (const char *const *at = reserved; *at != NULL; at++)
		if (strcmp(*at, name) == 0)
			return true;
	return false;
}

/* librdkafka's own message would tell the value. */
static int set_property(
	rd_kafka_conf_t *conf, const char *name, const char *value, char *why, size_t size)
{
	char unused[512];

	switch (rd_kafka_conf_set(conf, name, value, unused, sizeof(unused))) {
	case RD_KAFKA_CONF_OK:
		return 0;
	case RD_KAFKA_CONF_UNKNOWN:
		(void)snprintf(why, size,
			"librdkafka has no property \"%.100s\", or not in this build", name);
		return -1;
	default:
		(void)snprintf(why, size,
			"librdkafka does not take the value of the property \"%.100s\"", name);
		return -1;
	}
}

/* "name = value"; blanks around both do not count. */
static int set_line(rd_kafka_conf_t *conf, const char *line, char *why, size_t size)
{
	char name[128];
	size_t len = 0;

	while (isspace((unsigned char)*line))
		line++;
	if (*line == '#' || *line == '\0')
		return 0;
	while (line[len] != '=' && line[len] != '\0' && !isspace((unsigned char)line[len]))
		len++;
	const char *value = line + len + strspn(line + len, " \t");
	if (len == 0 || len >= sizeof(name) || *value != '=') {
		(void)snprintf(
			why, size, "a line of the properties of Kafka is not \"name=value\"");
		return -1;
	}
	(void)snprintf(name, sizeof(name), "%.*s", (int)len, line);
	if (is_reserved(name)) {
		(void)snprintf(why, size,
			"the property \"%s\" of Kafka is not to be set: csdns-sync does", name);
		return -1;
	}
	value += 1;
	char *copy = strdup(value + strspn(value, " \t"));
	if (copy == NULL) {
		(void)snprintf(why, size, "out of memory");
		return -1;
	}
	for (size_t n = strlen(copy); n > 0 && isspace((unsigned char)copy[n - 1]); n--)
		copy[n - 1] = '\0';
	int rc = set_property(conf, name, copy, why, size);
	explicit_bzero(copy, strlen(copy));
	free(copy);
	return rc;
}

static int set_pairs(
	rd_kafka_conf_t *conf, const char *const pairs[][2], size_t n, char *why, size_t size)
{
	for (size_t i = 0; i < n; i++)
		if (set_property(conf, pairs[i][0], pairs[i][1], why, size) < 0)
			return -1;
	return 0;
}

rd_kafka_conf_t *kafka_conf_new(const struct kafka_settings *settings, char *why, size_t size)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	int rc = set_pairs(conf, defaults, sizeof(defaults) / sizeof(defaults[0]), why, size);

	for (size_t i = 0; rc == 0 && i < settings->properties->n; i++)
		rc = set_line(conf, settings->properties->items[i], why, size);
	if (rc == 0)
		rc = set_pairs(conf, ours, sizeof(ours) / sizeof(ours[0]), why, size);
	if (rc == 0)
		rc = set_property(conf, "bootstrap.servers", settings->brokers, why, size);
	if (rc == 0)
		rc = set_property(conf, "group.id", settings->group, why, size);
	if (rc == 0)
		return conf;
	rd_kafka_conf_destroy(conf);
	return NULL;
}
