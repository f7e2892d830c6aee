/*
 * import: what the files of "csdns import" share.
 */
#ifndef CSDNS_TOOL_IMPORT_H
#define CSDNS_TOOL_IMPORT_H

#include "tool/progress.h"
#include "tool/rr.h"
#include "tool/tool.h"

#include <libpq-fe.h>

struct import_settings {
	struct tool_settings common;
	char *file;	/* "-": standard input; NULL: not given */
	char *axfr;	/* server */
	char *tsig_key; /* file */
	char *api;	/* URL */
	char *api_key;	/* file */
	char *kind;	/* of a new zone */
	bool merge;
	bool replace;
	bool skip_bad;
	bool yes;
	bool quiet;
};

/* Where a zone comes from: each adds its records to the list, those that cannot be read with a
 * fault. 0, or -1 after telling why there is none. zone: lower case, no final dot. */
int import_file(const char *zone, const char *path, struct rr_list *list, struct progress *progress)
	__attribute__((warn_unused_result));
int import_axfr(const char *zone, const char *server, const char *key_file, struct rr_list *list,
	struct progress *progress) __attribute__((warn_unused_result));
int import_api(const char *zone, const char *url, const char *key_file, struct rr_list *list)
	__attribute__((warn_unused_result));

/* One import. */
struct import {
	const struct import_settings *settings;
	const char *zone;
	PGconn *conn;
	struct progress progress;
	int zone_id;	       /* 0: a new zone */
	struct rr_list wanted; /* from elsewhere, sorted; those with a fault are not stored */
	struct rr_list stored; /* sorted */
	struct rr **add;       /* of wanted, n_add */
	size_t n_add;
	struct rr **drop; /* of stored, n_drop */
	size_t n_drop;
	size_t same;	/* there already */
	size_t signing; /* left out: made by signing */
	size_t kept;	/* of rules, that stay */
};

/* Compares wanted with stored, as merge and replace have it; again after faults were found. 0, or
 * -1 when memory is out. */
int import_plan(struct import *import) __attribute__((warn_unused_result));

/* Opens the transaction and finds the zone and its records. 0, or -1 after telling. */
int import_begin(struct import *import) __attribute__((warn_unused_result));
/* Has the database judge each record that is wanted. 0, or -1 after telling. */
int import_judge(struct import *import) __attribute__((warn_unused_result));
/* Writes the plan within the transaction. *faults: how many records more have one now; where there
 * are any, nothing is written. 0, or -1 after telling. */
int import_write(struct import *import, size_t *faults) __attribute__((warn_unused_result));

#endif
