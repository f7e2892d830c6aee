/*
 * webhook: takes CloudStack's webhook deliveries.
 *
 * CloudStack counts nothing but HTTP 200 with a body as delivered, waits ten seconds, and tries
 * three times at once: so 200 is sent when the event is durable, and 503 in time when it cannot be.
 * What is refused for good is logged and counted.
 */
#ifndef CSDNS_SYNC_WEBHOOK_H
#define CSDNS_SYNC_WEBHOOK_H

#include "base/options.h"
#include "sync/intake.h"

#include <event2/http.h>
#include <stdint.h>

#define WEBHOOK_MS 7000 /* then the answer is 503; CloudStack gives up after 10 s */

/* Borrowed as long as the webhook lives. */
struct webhook_settings {
	const struct option_list *secrets; /* any of them; none: nothing is checked */
	const char *path;
	unsigned max_per_s; /* deliveries that are signed as they should, 0: no bound; more are
			     * answered with 429 */
};

enum webhook_outcome {
	WEBHOOK_TAKEN,
	WEBHOOK_REPLAY,
	WEBHOOK_EARLY,
	WEBHOOK_IGNORED,
	WEBHOOK_UNKNOWN,
	WEBHOOK_BAD_SIGNATURE,
	WEBHOOK_BAD_BODY,
	WEBHOOK_TOO_LONG,
	WEBHOOK_TOO_MANY,
	WEBHOOK_FAILED,
	WEBHOOK_OUTCOMES,
};
const char *webhook_outcome_name(enum webhook_outcome outcome);

struct webhook;
struct webhook *webhook_new(
	struct event_base *base, const struct webhook_settings *settings, struct intake *intake);
/* The listeners' requests must be gone already. */
void webhook_free(struct webhook *webhook);
void webhook_set(struct webhook *webhook, const struct webhook_settings *settings);
/* A request for its path. */
void webhook_take(struct webhook *webhook, struct evhttp_request *request);
/* A delivery that the listener has answered with 413. */
void webhook_too_long(struct webhook *webhook, const char *peer);
bool webhook_is_idle(const struct webhook *webhook);

struct webhook_status {
	uint64_t outcomes[WEBHOOK_OUTCOMES];
};
void webhook_get_status(const struct webhook *webhook, struct webhook_status *status);

#endif
