/*
 * csdns_sync_secret: secrets from files, or from systemd's credentials. What is in them is in no
 * error's text.
 */
#ifndef CSDNS_CSDNS_SYNC_SECRET_H
#define CSDNS_CSDNS_SYNC_SECRET_H

#include "base/options.h"

/* Adds a file's lines that are not empty, at least one, to a list; the caller's to secrets_wipe. A
 * name without a slash is one of systemd's credentials. 0, or -1 with *error filled and the list as
 * before. */
int secrets_read(const char *name, struct option_list *lines, struct option_error *error)
	__attribute__((warn_unused_result));
/* The one line of a file, the caller's to secret_wipe. The same. */
int secret_read(const char *name, char **secret, struct option_error *error)
	__attribute__((warn_unused_result));
/* Overwrites and frees; may be NULL, or empty. */
void secret_wipe(char *secret);
void secrets_wipe(struct option_list *list);

#endif
