/*
 * csdns_sync_settings: csdns-sync's settings: from its options and the secrets that these name,
 * with what can be checked without working.
 */
#ifndef CSDNS_CSDNS_SYNC_SETTINGS_H
#define CSDNS_CSDNS_SYNC_SETTINGS_H

#include "base/options.h"

#include <stdbool.h>
#include <stddef.h>

struct sync_settings {
	char *config;
	char *db;
	char *worker_name;
	char *log_level;
	struct option_list metrics;
	struct option_list listen;
	char *tls_cert, *tls_key;
	char *webhook_path;
	struct option_list webhook_secret_files;
	bool webhook_unsigned;
	long webhook_rate;
	size_t max_body;
	long max_connections;
	struct option_list api_urls;
	char *api_key_file, *api_secret_file, *api_ca;
	bool api_insecure, api_post;
	long api_in_flight, api_timeout_ms, api_tries;
	long page_size, reconcile_ms, reconcile_pause_ms, catch_up_ms, poll_ms;
	long verify_after_ms, verify_tries;
	char *kafka_brokers, *kafka_group, *kafka_properties_file;
	struct option_list kafka_topics;
	struct option_list rabbitmq_uris, rabbitmq_bindings;
	char *rabbitmq_password_file, *rabbitmq_exchange, *rabbitmq_queue;
	char *rabbitmq_ca, *rabbitmq_cert, *rabbitmq_key;
	bool rabbitmq_declare_exchange, rabbitmq_insecure;
	long rabbitmq_prefetch, rabbitmq_heartbeat_ms;
	bool check, help, version;
	/* Read from files; wiped when they are freed. */
	struct option_list webhook_secrets;
	char *api_key, *api_secret;
	struct option_list kafka_properties; /* lines of the file */
	char *rabbitmq_password;
};

/* Fresh settings from the command line, the file and the secrets' files, checked. 0, or -1 with
 * *error filled; to be freed in both cases. */
int sync_settings_make(struct sync_settings *settings, int argc, char **argv,
	struct option_error *error) __attribute__((warn_unused_result));
void sync_settings_fini(struct sync_settings *settings);
/* Does new differ in what a reload does not change, apart from the event buses? */
bool sync_settings_need_restart(const struct sync_settings *old, const struct sync_settings *new);
/* In the event buses? */
bool sync_settings_differ_in_bus(const struct sync_settings *old, const struct sync_settings *new);

#endif
