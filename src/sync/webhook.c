#include "config.h"

#include "sync/webhook.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/reply.h"
#include "pg/events.h"
#include "sync/signature.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Refusals that anybody can cause are logged so often a second at most. */
#define LOG_PER_S 10

/* A request that waits for the database. */
struct delivery {
	struct webhook *webhook;
	struct evhttp_request *request; /* NULL once it is answered */
	struct event *timer;
	struct delivery *next, **at;
};

struct webhook {
	struct event_base *base;
	struct webhook_settings settings;
	struct intake *intake;
	struct delivery *deliveries;
	int64_t second; /* the rates are of this one */
	unsigned n, n_logged;
	struct webhook_status status;
};

static const char *const names[] = {"taken", "replay", "early", "ignored", "unknown",
	"bad_signature", "bad_body", "too_long", "too_many", "failed"};

const char *webhook_outcome_name(enum webhook_outcome outcome)
{
	return names[outcome];
}

static void reply(struct webhook *webhook, struct evhttp_request *request,
	enum webhook_outcome outcome, int status)
{
	struct buf body;

	webhook->status.outcomes[outcome]++;
	buf_init(&body);
	buf_printf(&body, "{\"outcome\":\"%s\"}\n", names[outcome]);
	reply_send(request, status, "application/json", &body);
	buf_fini(&body);
}

static void log_refusal(struct webhook *webhook, const char *peer, const char *why)
{
	if (webhook->n_logged++ < LOG_PER_S)
		log_line(LOG_LEVEL_WARNING, &(struct log_about){.peer = peer},
			"refused a webhook delivery: %s", why);
}

static void refuse(struct webhook *webhook, struct evhttp_request *request,
	enum webhook_outcome outcome, int status, const char *why)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	char *peer = NULL;
	ev_uint16_t port = 0;

	if (connection != NULL)
		evhttp_connection_get_peer(connection, &peer, &port);
	log_refusal(webhook, peer, why);
	reply(webhook, request, outcome, status);
}

/* ---- waiting for the database ---- */

static void delivery_free(struct delivery *delivery)
{
	*delivery->at = delivery->next;
	if (delivery->next != NULL)
		delivery->next->at = delivery->at;
	event_drop(delivery->timer);
	free(delivery);
}

static void on_durable(void *arg, enum intake_outcome outcome, const char *why)
{
	struct delivery *delivery = arg;
	struct webhook *webhook = delivery->webhook;

	if (delivery->request == NULL) {
		delivery_free(delivery);
		return;
	}
	if (outcome == INTAKE_FAILED)
		refuse(webhook, delivery->request, WEBHOOK_FAILED, HTTP_SERVUNAVAIL, why);
	else if (outcome == INTAKE_REFUSED)
		refuse(webhook, delivery->request, WEBHOOK_BAD_BODY, HTTP_BADREQUEST, why);
	else
		reply(webhook, delivery->request,
			outcome == INTAKE_TAKEN ? WEBHOOK_TAKEN : WEBHOOK_REPLAY, HTTP_OK);
	delivery_free(delivery);
}

/* It may become durable later; then the next try is a replay. */
static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct delivery *delivery = arg;

	(void)fd;
	(void)what;
	refuse(delivery->webhook, delivery->request, WEBHOOK_FAILED, HTTP_SERVUNAVAIL,
		"the database does not answer in time");
	delivery->request = NULL;
}

static void put(struct webhook *webhook, struct evhttp_request *request, const char *id,
	const struct cloud_event *event)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));
	struct timeval patience = clock_timeval(WEBHOOK_MS);
	const char *why = "out of memory";

	if (delivery != NULL) {
		*delivery = (struct delivery){.webhook = webhook,
			.request = request,
			.next = webhook->deliveries,
			.at = &webhook->deliveries};
		if (delivery->next != NULL)
			delivery->next->at = &delivery->next;
		webhook->deliveries = delivery;
		delivery->timer = evtimer_new(webhook->base, on_late, delivery);
		if (delivery->timer != NULL && evtimer_add(delivery->timer, &patience) == 0 &&
			intake_put(webhook->intake, "webhook", id, event, on_durable, delivery,
				&why) == 0)
			return;
		delivery_free(delivery);
	}
	refuse(webhook, request, WEBHOOK_FAILED, HTTP_SERVUNAVAIL, why);
}

/* ---- deliveries ---- */

static void count_second(struct webhook *webhook)
{
	int64_t second = clock_ms() / 1000;

	if (second == webhook->second)
		return;
	webhook->second = second;
	webhook->n = 0;
	webhook->n_logged = 0;
}

static bool is_too_fast(struct webhook *webhook)
{
	return webhook->n++ >= webhook->settings.max_per_s && webhook->settings.max_per_s > 0;
}

static void take_body(
	struct webhook *webhook, struct evhttp_request *request, const char *body, size_t len)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
	static const enum webhook_outcome outcomes[] = {[EVENT_EARLY] = WEBHOOK_EARLY,
		[EVENT_IGNORED] = WEBHOOK_IGNORED,
		[EVENT_UNKNOWN] = WEBHOOK_UNKNOWN};
	struct tally *tally = intake_tally(webhook->intake);
	struct cloud_event event;
	char why[256];

	if (webhook->settings.secrets->n > 0 &&
		!signature_check(webhook->settings.secrets, body, len,
			evhttp_find_header(headers, "X-CS-Signature"))) {
		refuse(webhook, request, WEBHOOK_BAD_SIGNATURE, 401,
			evhttp_find_header(headers, "X-CS-Signature") == NULL
				? "it has no signature"
				: "its signature is wrong");
		return;
	}
	/* Behind the signature: what anybody may send is in nobody's way. */
	if (is_too_fast(webhook)) {
		refuse(webhook, request, WEBHOOK_TOO_MANY, 429, "too many in one second");
		return;
	}
	if (event_decode(body, len, &event, why, sizeof(why)) < 0) {
		tally_add(tally, "webhook", event.type, TALLY_MALFORMED);
		refuse(webhook, request, WEBHOOK_BAD_BODY, HTTP_BADREQUEST, why);
		return;
	}
	if (intake_is_believing(webhook->intake))
		event_keep_told(&event);
	log_debug("webhook: %s %s: %s", event_form_name(event.form), event.type,
		event_use_name(event.use));
	if (event.use == EVENT_HINTS) {
		put(webhook, request, evhttp_find_header(headers, "X-CS-Event-ID"), &event);
	} else {
		tally_pass(tally, "webhook", &event);
		reply(webhook, request, outcomes[event.use], HTTP_OK);
	}
	event_fini(&event);
}

void webhook_take(struct webhook *webhook, struct evhttp_request *request)
{
	struct evbuffer *input = evhttp_request_get_input_buffer(request);
	size_t len = evbuffer_get_length(input);
	const char *body = len == 0 ? "" : (const char *)evbuffer_pullup(input, -1);

	count_second(webhook);
	if (evhttp_request_get_command(request) != EVHTTP_REQ_POST)
		reply_not_allowed(request, "POST");
	else if (body == NULL)
		refuse(webhook, request, WEBHOOK_FAILED, HTTP_SERVUNAVAIL, "out of memory");
	else
		take_body(webhook, request, body, len);
}

void webhook_too_long(struct webhook *webhook, const char *peer)
{
	count_second(webhook);
	webhook->status.outcomes[WEBHOOK_TOO_LONG]++;
	log_refusal(webhook, peer, "it is longer than max-body");
}

struct webhook *webhook_new(
	struct event_base *base, const struct webhook_settings *settings, struct intake *intake)
{
	struct webhook *webhook = calloc(1, sizeof(*webhook));

	if (webhook == NULL)
		return NULL;
	webhook->base = base;
	webhook->settings = *settings;
	webhook->intake = intake;
	return webhook;
}

void webhook_free(struct webhook *webhook)
{
	if (webhook == NULL)
		return;
	struct delivery *next;
	for (struct delivery *d = webhook->deliveries; d != NULL; d = next) {
		next = d->next;
		event_drop(d->timer);
		free(d);
	}
	free(webhook);
}

void webhook_set(struct webhook *webhook, const struct webhook_settings *settings)
{
	webhook->settings = *settings;
}

bool webhook_is_idle(const struct webhook *webhook)
{
	return webhook->deliveries == NULL;
}

void webhook_get_status(const struct webhook *webhook, struct webhook_status *status)
{
	*status = webhook->status;
}
