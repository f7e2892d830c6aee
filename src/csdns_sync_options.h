/*
 * csdns_sync_options: the table of csdns-sync's options, and reading it. What values mean together
 * is checked in csdns_sync_settings.
 */
#ifndef CSDNS_CSDNS_SYNC_OPTIONS_H
#define CSDNS_CSDNS_SYNC_OPTIONS_H

#include "csdns_sync_settings.h"

/* As options_init and options_fini. */
int sync_options_init(struct sync_settings *settings) __attribute__((warn_unused_result));
void sync_options_fini(struct sync_settings *settings);
/* From the command line and, unless that wants help or the version, from the file. 0, or -1 with
 * *error filled. */
int sync_options_parse(struct sync_settings *settings, int argc, char **argv,
	struct option_error *error) __attribute__((warn_unused_result));
/* The options' part of --help on standard output. */
void sync_options_print_help(void);

#endif
