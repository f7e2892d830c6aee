/*
 * statement: a write as SQL: what to send for each kind, and what its results say.
 */
#ifndef CSDNS_WRITE_STATEMENT_H
#define CSDNS_WRITE_STATEMENT_H

#include "base/buf.h"
#include "pg/pg.h"
#include "protocol/write.h"

/* One that is under way. */
struct statement {
	enum write_kind kind;
	char problem[512]; /* "" while there is none */
	struct buf result; /* JSON text; empty where true is all there is to say */
	bool has_rows;
};

/* What the statements before left behind is forgotten. */
void statement_init(struct statement *statement);
void statement_fini(struct statement *statement);
/* Wipes its result. */
void statement_forget(struct statement *statement);

/* Sends it; not for WRITE_BEGIN, WRITE_COMMIT, WRITE_ABORT. For WRITE_FEED it begins a COPY whose
 * rows are statement_copy_row()'s. What reads is sent as a pipeline. */
void statement_send(struct statement *statement, struct pg *pg, const struct write *write);
void statement_take(struct statement *statement, const PGresult *result);
/* Once all results have come. */
void statement_end(struct statement *statement);

void statement_copy_row(struct buf *rows, const struct write *write);

#endif
