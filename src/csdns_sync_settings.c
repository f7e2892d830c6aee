#include "config.h"

#include "csdns_sync_settings.h"

#include "base/option_entries.h"
#include "csdns_sync_options.h"
#include "csdns_sync_secret.h"
#include "http/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- secrets ---- */

/* Where a file is named. */
static int read_one(const char *name, char **secret, struct option_error *error)
{
	return name == NULL ? 0 : secret_read(name, secret, error);
}

static int read_secrets(struct sync_settings *settings, struct option_error *error)
{
	const struct option_list *files = &settings->webhook_secret_files;

	for (size_t i = 0; i < files->n; i++)
		if (secrets_read(files->items[i], &settings->webhook_secrets, error) < 0)
			return -1;
	if (settings->kafka_properties_file != NULL &&
		secrets_read(settings->kafka_properties_file, &settings->kafka_properties, error) <
			0)
		return -1;
	if (read_one(settings->api_key_file, &settings->api_key, error) < 0 ||
		read_one(settings->api_secret_file, &settings->api_secret, error) < 0)
		return -1;
	return read_one(settings->rabbitmq_password_file, &settings->rabbitmq_password, error);
}

/* ---- checks ---- */

static int complain(struct option_error *error, const char *what)
{
	(void)snprintf(error->text, sizeof(error->text), "%s", what);
	return -1;
}

static int check_listen(
	const struct option_list *list, const char *name, struct option_error *error)
{
	struct address address;

	for (size_t i = 0; i < list->n; i++)
		if (!address_parse(list->items[i], &address)) {
			(void)snprintf(error->text, sizeof(error->text),
				"could not use %s \"%.100s\": it is an address and a port, such as "
				"192.0.2.1:8443",
				name, list->items[i]);
			return -1;
		}
	return 0;
}

static int check_webhook(const struct sync_settings *settings, struct option_error *error)
{
	if (check_listen(&settings->listen, "listen", error) < 0 ||
		check_listen(&settings->metrics, "metrics", error) < 0)
		return -1;
	if (settings->listen.n > 0 && settings->webhook_secrets.n == 0 &&
		!settings->webhook_unsigned)
		return complain(error, "listen needs webhook-secret-file, or webhook-unsigned to "
				       "take webhooks from anybody");
	if (settings->webhook_path[0] != '/')
		return complain(error, "could not use webhook-path: it starts with a slash");
	if (settings->tls_key != NULL && settings->tls_cert == NULL)
		return complain(error, "tls-key needs tls-cert");
	return 0;
}

static int check_api(const struct sync_settings *settings, struct option_error *error)
{
	if (settings->api_urls.n == 0)
		return 0;
	if (settings->api_key == NULL || settings->api_secret == NULL)
		return complain(error, "api-url needs api-key-file and api-secret-file");
	for (size_t i = 0; i < settings->api_urls.n; i++) {
		const char *url = settings->api_urls.items[i];
		if ((strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0) &&
			strpbrk(url, "?#@ ") == NULL)
			continue;
		return complain(error, "could not use api-url: it is http or https, a host and a "
				       "path, without a query");
	}
	return 0;
}

static int make_name(struct sync_settings *settings)
{
	char host[64] = "csdns-sync";
	char name[128];

	if (settings->worker_name != NULL)
		return 0;
	(void)gethostname(host, sizeof(host));
	host[sizeof(host) - 1] = '\0';
	(void)snprintf(name, sizeof(name), "%s:%ld", host, (long)getpid());
	settings->worker_name = strdup(name);
	return settings->worker_name == NULL ? -1 : 0;
}

int sync_settings_make(
	struct sync_settings *settings, int argc, char **argv, struct option_error *error)
{
	memset(settings, 0, sizeof(*settings));
	if (sync_options_init(settings) < 0)
		return complain(error, "out of memory");
	if (sync_options_parse(settings, argc, argv, error) < 0)
		return -1;
	if (settings->help || settings->version)
		return 0;
	if (make_name(settings) < 0)
		return complain(error, "out of memory");
	if (option_entry_check_log_level(settings->log_level, error) < 0 ||
		read_secrets(settings, error) < 0 || check_webhook(settings, error) < 0)
		return -1;
	return check_api(settings, error);
}

void sync_settings_fini(struct sync_settings *settings)
{
	secrets_wipe(&settings->webhook_secrets);
	secrets_wipe(&settings->kafka_properties);
	secret_wipe(settings->api_key);
	secret_wipe(settings->api_secret);
	secret_wipe(settings->rabbitmq_password);
	sync_options_fini(settings);
}

static bool rabbitmq_settings_differ(
	const struct sync_settings *old, const struct sync_settings *new)
{
	return !option_list_is_same(&old->rabbitmq_uris, &new->rabbitmq_uris) ||
	       !option_list_is_same(&old->rabbitmq_bindings, &new->rabbitmq_bindings) ||
	       !option_string_is_same(old->rabbitmq_password, new->rabbitmq_password) ||
	       !option_string_is_same(old->rabbitmq_exchange, new->rabbitmq_exchange) ||
	       !option_string_is_same(old->rabbitmq_queue, new->rabbitmq_queue) ||
	       !option_string_is_same(old->rabbitmq_ca, new->rabbitmq_ca) ||
	       !option_string_is_same(old->rabbitmq_cert, new->rabbitmq_cert) ||
	       !option_string_is_same(old->rabbitmq_key, new->rabbitmq_key) ||
	       old->rabbitmq_declare_exchange != new->rabbitmq_declare_exchange ||
	       old->rabbitmq_insecure != new->rabbitmq_insecure ||
	       old->rabbitmq_prefetch != new->rabbitmq_prefetch ||
	       old->rabbitmq_heartbeat_ms != new->rabbitmq_heartbeat_ms;
}

bool sync_settings_differ_in_bus(const struct sync_settings *old, const struct sync_settings *new)
{
	return !option_string_is_same(old->kafka_brokers, new->kafka_brokers) ||
	       !option_list_is_same(&old->kafka_topics, &new->kafka_topics) ||
	       !option_string_is_same(old->kafka_group, new->kafka_group) ||
	       !option_list_is_same(&old->kafka_properties, &new->kafka_properties) ||
	       rabbitmq_settings_differ(old, new);
}

bool sync_settings_need_restart(const struct sync_settings *old, const struct sync_settings *new)
{
	return !option_list_is_same(&old->listen, &new->listen) ||
	       !option_list_is_same(&old->metrics, &new->metrics) ||
	       !option_string_is_same(old->worker_name, new->worker_name) ||
	       old->max_body != new->max_body || old->max_connections != new->max_connections ||
	       (old->tls_cert == NULL) != (new->tls_cert == NULL) ||
	       !option_list_is_same(&old->api_urls, &new->api_urls) ||
	       old->api_in_flight != new->api_in_flight ||
	       old->api_timeout_ms != new->api_timeout_ms || old->api_tries != new->api_tries ||
	       old->api_insecure != new->api_insecure || old->api_post != new->api_post ||
	       !option_string_is_same(old->api_ca, new->api_ca) ||
	       !option_string_is_same(old->api_key, new->api_key) ||
	       !option_string_is_same(old->api_secret, new->api_secret) ||
	       old->poll_ms != new->poll_ms || old->page_size != new->page_size ||
	       old->reconcile_ms != new->reconcile_ms ||
	       old->reconcile_pause_ms != new->reconcile_pause_ms ||
	       old->catch_up_ms != new->catch_up_ms ||
	       old->verify_after_ms != new->verify_after_ms ||
	       old->verify_tries != new->verify_tries;
}
