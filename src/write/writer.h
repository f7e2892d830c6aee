/*
 * writer: has PowerDNS' writes done in PostgreSQL, one after the other, on a connection of its own
 * to a server that takes writes. Connects when there is something to write.
 */
#ifndef CSDNS_WRITE_WRITER_H
#define CSDNS_WRITE_WRITER_H

#include "protocol/protocol.h"

#include <event2/event.h>
#include <stdint.h>

struct writer;
struct write_job;

/* What became of a write; borrowed for the call. */
struct write_done {
	const char *problem; /* NULL: it is done, and committed unless its transaction is open */
	uint64_t version;    /* from which on the mirror shows it; 0 where it need not */
	const char *result;  /* JSON text, where it is not just true; else NULL */
	size_t result_len;
};
typedef void (*write_done_fn)(void *arg, const struct write_done *done);

/* db is borrowed. NULL when memory is out. */
struct writer *writer_new(struct event_base *base, const char *db);
/* Jobs that are not done are forgotten without a call. */
void writer_free(struct writer *writer);
/* Another database for the jobs to come; borrowed. Those that are not done fail. */
void writer_set_db(struct writer *writer, const char *db);

/* Starts a write, which it takes; fn is called later, never from inside. NULL when memory is out.
 */
struct write_job *writer_start(
	struct writer *writer, struct write *write, write_done_fn fn, void *arg);
/* The caller is no longer interested; what was sent still happens. */
void write_job_forget(struct write_job *job);

#endif
