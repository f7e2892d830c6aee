/*
 * tsig_check: are the messages of a transfer signed as they have to be (RFC 8945 section 5.3.1)?
 * The first and the last are, and at least each hundredth between them; a signature is over all
 * messages since the one before. So what the unsigned ones say is not to be believed before the
 * last one was found good.
 */
#ifndef CSDNS_TOOL_TSIG_CHECK_H
#define CSDNS_TOOL_TSIG_CHECK_H

#include "tool/server.h"

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tsig_check;

/* For the answer to a question that was signed with this key; question: with its signature. NULL
 * when memory is out, or libcrypto does not have what the key needs. */
struct tsig_check *tsig_check_new(const struct server_key *key, const ldns_pkt *question);
void tsig_check_free(struct tsig_check *check);
/* The next message, as ldns has read it and as it came. NULL where nothing is wrong so far, else
 * why it is refused; no further message may be given then. */
const char *tsig_check_next(
	struct tsig_check *check, const ldns_pkt *message, const uint8_t *wire, size_t size);
/* NULL where this may have been the last message, else why not. */
const char *tsig_check_end(const struct tsig_check *check);

#endif
