/*
 * signature: CloudStack's two signatures. Webhooks: HMAC-SHA256 of the body, base64. API requests:
 * HMAC-SHA1 of the sorted, lower-cased parameters, base64.
 */
#ifndef CSDNS_SYNC_SIGNATURE_H
#define CSDNS_SYNC_SIGNATURE_H

#include "base/buf.h"
#include "base/options.h"

#include <stdbool.h>
#include <stddef.h>

/* Is it the body's signature under one of the secrets? given may be NULL. Takes the same time
 * wherever it differs. */
bool signature_check(
	const struct option_list *secrets, const char *body, size_t len, const char *given);

struct api_param {
	const char *name; /* in lower case: the server sorts as they were sent */
	const char *value;
};

/* "a=1&b=2&signature=…", ready for a query or a form, to be freed. Sorts params. NULL when memory
 * is out. */
char *signature_query(struct api_param *params, size_t n, const char *secret_key);

#endif
