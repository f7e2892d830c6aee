/*
 * schema: what the files of "csdns schema" share.
 */
#ifndef CSDNS_TOOL_SCHEMA_H
#define CSDNS_TOOL_SCHEMA_H

#include "tool/tool.h"

#include <libpq-fe.h>

struct schema_settings {
	struct tool_settings common;
	char *dir; /* NULL: not given */
	bool yes;
};

/* The folder of the SQL files: the option's, the environment's or the build's. Borrowed. */
const char *schema_dir(const struct schema_settings *settings);
/* The version that is installed; 0: none; -1: failed and told. */
int schema_installed_version(PGconn *conn);

/* "csdns schema status". */
int schema_status(const void *settings, char **operands);

#endif
