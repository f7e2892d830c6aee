/*
 * verify: asking a DNS server for one record set, and comparing it with what the store says.
 */
#ifndef CSDNS_TOOL_VERIFY_H
#define CSDNS_TOOL_VERIFY_H

#include "tool/rr.h"
#include "tool/server.h"

#include <stdbool.h>
#include <stddef.h>

struct verify_server {
	struct server server;
	char *name;	     /* for people; owned */
	const char *problem; /* why it is not asked any more, NULL: it is; literal */
};

/* A record set of the store: n records of one name and type, sorted. */
struct rrset {
	const struct rr *records;
	size_t n;
	bool is_cut; /* NS of a delegation: a server that has the zone below answers for that */
};

/* Asks, over UDP and where that is too small over TCP, three times if need be. 0: as the store
 * says; 1: not, and what differs is added to got; -1: no answer, server->problem is set, or memory
 * is out.
 */
int verify_ask(struct verify_server *server, const struct rrset *rrset, struct buf *got)
	__attribute__((warn_unused_result));
/* Adds TTLs and contents, "300 192.0.2.1, 300 192.0.2.2". */
void verify_add_records(struct buf *out, const struct rr *records, size_t n);

#endif
