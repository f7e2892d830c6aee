#include "config.h"

#include "sync/kafka_partition.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kafka_partition *kafka_partitions_find(
	const struct kafka_partitions *partitions, const char *topic, int32_t number)
{
	for (struct kafka_partition *p = partitions->first; p != NULL; p = p->next)
		if (p->number == number && strcmp(p->topic, topic) == 0)
			return p;
	return NULL;
}

static int open_one(struct kafka_partitions *partitions, const char *topic, int32_t number)
{
	size_t size = strlen(topic) + 1;
	struct kafka_partition *partition = malloc(sizeof(*partition) + size);
	char name[300];

	(void)snprintf(name, sizeof(name), "%s, partition %" PRId32, topic, number);
	log_info("kafka: has %s", name);
	if (partition == NULL)
		return -1;
	partition->stream = relay_open(partitions->relay, name, partition);
	if (partition->stream == NULL) {
		free(partition);
		return -1;
	}
	partition->number = number;
	memcpy(partition->topic, topic, size);
	partition->next = partitions->first;
	partitions->first = partition;
	return 0;
}

static void close_one(struct kafka_partitions *partitions, struct kafka_partition *partition)
{
	struct kafka_partition **at = &partitions->first;

	while (*at != partition)
		at = &(*at)->next;
	*at = partition->next;
	relay_close(partition->stream);
	free(partition);
}

int kafka_partitions_open(
	struct kafka_partitions *partitions, const rd_kafka_topic_partition_list_t *list)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < list->cnt; i++) {
		const rd_kafka_topic_partition_t *one = &list->elems[i];
		if (kafka_partitions_find(partitions, one->topic, one->partition) == NULL)
			rc = open_one(partitions, one->topic, one->partition);
	}
	return rc;
}

void kafka_partitions_close(
	struct kafka_partitions *partitions, const rd_kafka_topic_partition_list_t *list)
{
	for (int i = 0; i < list->cnt; i++) {
		struct kafka_partition *partition = kafka_partitions_find(
			partitions, list->elems[i].topic, list->elems[i].partition);
		if (partition != NULL)
			close_one(partitions, partition);
	}
}

void kafka_partitions_close_all(struct kafka_partitions *partitions)
{
	while (partitions->first != NULL)
		close_one(partitions, partitions->first);
}
