/*
 * csdnsd_settings: csdnsd's options: their table, reading them, and checking what can be checked
 * without serving.
 */
#ifndef CSDNS_CSDNSD_SETTINGS_H
#define CSDNS_CSDNSD_SETTINGS_H

#include "base/options.h"
#include "serve/purge.h"
#include "serve/zone_flush.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct settings {
	char *config;
	char *db;
	char *socket;
	unsigned socket_mode;
	char *socket_owner;
	char *socket_group;
	struct option_list allow_users;
	struct option_list http;
	struct option_list pdns_controls;
	struct option_list pdns_apis;
	char *pdns_api_key_file;
	char pdns_api_key[ZONE_FLUSH_KEY_MAX]; /* what is in that file */
	char *pdns_purge_repeat;
	struct option_list metrics;
	long healthz_max_age_ms;
	char *log_level;
	long poll_ms;
	long default_ttl;
	size_t max_request;
	long max_connections;
	long max_transactions;
	long transaction_timeout_ms;
	bool check;
	bool help;
	bool version;
};

/* Fresh settings from the command line and the file, checked. *allowed: the users of --allow-user,
 * the caller's. 0, or -1 with *error filled; both are to be freed in both cases. */
int settings_make(struct settings *settings, uid_t **allowed, int argc, char **argv,
	struct option_error *error) __attribute__((warn_unused_result));
/* What they say of purging. They have been checked; borrows from them. */
struct purge_settings settings_purge(const struct settings *settings);
void settings_fini(struct settings *settings);
/* Does new differ in what a reload does not change? */
bool settings_need_restart(const struct settings *old, const struct settings *new);
/* The options' part of --help on standard output. */
void settings_print_help(void);

#endif
