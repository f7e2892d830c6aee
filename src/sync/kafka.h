/*
 * kafka: takes CloudStack's events from Kafka, with librdkafka.
 *
 * A member of a consumer group: Kafka spreads the partitions over all csdns-sync of the group.
 * librdkafka's own threads talk to the brokers; whatever they have for us is taken on the event
 * loop, when they write to a descriptor. The offset of a partition is stored, and then committed by
 * librdkafka once a second, only as far as everything before it is done (see relay.h): what is not
 * committed when csdns-sync dies comes again. While the database takes nothing the partitions are
 * paused; the membership of the group is kept.
 */
#ifndef CSDNS_SYNC_KAFKA_H
#define CSDNS_SYNC_KAFKA_H

#include "base/options.h"
#include "sync/relay.h"

#include <event2/event.h>

/* Borrowed as long as the kafka lives. */
struct kafka_settings {
	const char *brokers; /* "kafka1.example:9092,kafka2.example:9092" */
	const struct option_list *topics;
	const char *group;
	/* librdkafka's own properties, "name=value", "#" begins a comment; they may be secret. */
	const struct option_list *properties;
};

/* Are these settings that librdkafka takes? 0, or -1 with why, one line that tells no value. */
int kafka_check(const struct kafka_settings *settings, char *why, size_t size)
	__attribute__((warn_unused_result));

struct kafka;
/* NULL with why. Connects later, and again and again. */
struct kafka *kafka_new(struct event_base *base, const struct kafka_settings *settings,
	struct intake *intake, char *why, size_t size);
/* After intake_free. Commits nothing any more; waits for librdkafka's threads. */
void kafka_free(struct kafka *kafka);
/* Takes nothing more; when what it has is durable, commits and leaves the group. It does not wait
 * for a database that is down. */
void kafka_drain(struct kafka *kafka);
bool kafka_is_drained(const struct kafka *kafka);
void kafka_get_status(const struct kafka *kafka, struct bus_status *status);

#endif
