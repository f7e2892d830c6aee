/*
 * kafka_partition: the partitions of Kafka that this member of the group has, each with its stream
 * of the relay. Private to kafka.c.
 */
#ifndef CSDNS_SYNC_KAFKA_PARTITION_H
#define CSDNS_SYNC_KAFKA_PARTITION_H

#include "sync/relay.h"

#include <librdkafka/rdkafka.h>
#include <stdint.h>

struct kafka_partition {
	struct kafka_partition *next;
	struct relay_stream *stream; /* whose owner it is */
	int32_t number;
	char topic[];
};

struct kafka_partitions {
	struct relay *relay; /* borrowed */
	struct kafka_partition *first;
};

/* NULL: it is not ours. */
struct kafka_partition *kafka_partitions_find(
	const struct kafka_partitions *partitions, const char *topic, int32_t number);
/* Adds those of the list that are not there. -1 when memory is out: some may be. */
int kafka_partitions_open(struct kafka_partitions *partitions,
	const rd_kafka_topic_partition_list_t *list) __attribute__((warn_unused_result));
/* Nobody hears any more of what is on its way. */
void kafka_partitions_close(
	struct kafka_partitions *partitions, const rd_kafka_topic_partition_list_t *list);
void kafka_partitions_close_all(struct kafka_partitions *partitions);

#endif
