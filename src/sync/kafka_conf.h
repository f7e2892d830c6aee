/*
 * kafka_conf: librdkafka's properties: the administrator's, between our defaults and what
 * durability hangs on. No value of a property is in an error's text: it may be a secret.
 */
#ifndef CSDNS_SYNC_KAFKA_CONF_H
#define CSDNS_SYNC_KAFKA_CONF_H

#include "sync/kafka.h"

#include <librdkafka/rdkafka.h>

/* The caller's, without callbacks; or NULL with why. */
rd_kafka_conf_t *kafka_conf_new(const struct kafka_settings *settings, char *why, size_t size);

#endif
