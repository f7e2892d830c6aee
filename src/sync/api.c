#include "config.h"

#include "sync/api.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "pg/events.h"
#include "sync/curl_loop.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define PAUSE_FIRST_MS 200
#define PAUSE_MAX_MS   5000
#define CONNECT_MS     5000L

struct call {
	struct call *next;
	struct api *api;
	api_fn fn;
	void *arg;
	char *command;
	struct api_param params[API_PARAMS_MAX]; /* owned texts */
	size_t n_params;
	unsigned tries;
	CURL *curl; /* while it is in flight */
	char *query;
	struct buf body;
	bool is_too_long;
	uint64_t began_ns;
	size_t server;
	struct event *timer; /* the pause before the next try */
	char error[CURL_ERROR_SIZE];
};

struct api {
	struct event_base *base;
	struct api_settings settings;
	struct curl_loop *loop;
	struct call *calls;   /* in flight or pausing */
	struct call *waiting; /* for a place */
	struct call **last;
	size_t server; /* of urls, the one that answered last */
	struct api_status status;
};

static void fly(struct api *api);

/* ---- calls ---- */

static void call_free(struct call *call)
{
	if (call->curl != NULL) {
		curl_loop_remove(call->api->loop, call->curl);
		curl_easy_cleanup(call->curl);
	}
	for (size_t i = 0; i < call->n_params; i++) {
		free((char *)call->params[i].name);
		free((char *)call->params[i].value);
	}
	free(call->command);
	free(call->query);
	buf_fini(&call->body);
	event_drop(call->timer);
	free(call);
}

static void unlink_call(struct call *call)
{
	struct call **at = &call->api->calls;

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
}

static bool add_param(struct call *call, const char *name, const char *value)
{
	struct api_param *param = &call->params[call->n_params];

	if (call->n_params == API_PARAMS_MAX)
		return false;
	param->name = strdup(name);
	param->value = strdup(value);
	call->n_params++;
	return param->name != NULL && param->value != NULL;
}

/* Half of it up to all of it, so that what failed together does not come back together. */
static long jitter(long ms)
{
	uint32_t random = 0;

	(void)getrandom(&random, sizeof(random), 0);
	return ms / 2 + (long)(random % (uint32_t)(ms / 2 + 1));
}

/* ---- answers ---- */

const char *api_error_name(enum api_error error)
{
	static const char *const names[] = {"connect", "timeout", "tls", "transfer", "malformed",
		"unauthorized", "throttled", "internal", "refused", "memory"};

	return names[error];
}

/* HTTP's or CloudStack's. */
static enum api_error error_of_status(int code)
{
	/* 432 is said of a command that the role does not have, 531 of what belongs to others. */
	if (code == 401 || code == 403 || code == 432 || code == 531)
		return API_ERROR_UNAUTHORIZED;
	if (code == 429)
		return API_ERROR_THROTTLED;
	return code >= 500 ? API_ERROR_INTERNAL : API_ERROR_REFUSED;
}

static void finish(struct call *call, const struct api_answer *answer)
{
	struct api *api = call->api;

	unlink_call(call);
	api->status.is_failing = answer->result == API_FAILED;
	api->status.is_unauthorized = answer->result == API_REFUSED &&
				      error_of_status(answer->code) == API_ERROR_UNAUTHORIZED;
	call->fn(call->arg, answer);
	call_free(call);
	fly(api);
}

/* Out of memory or patience is told like any failure. */
static void try_again(struct call *call, enum api_error error, const char *why, int code)
{
	struct api *api = call->api;
	struct api_answer failed = {.result = API_FAILED, .code = code, .why = why};
	long pause = PAUSE_FIRST_MS << (call->tries > 5 ? 5 : call->tries - 1);
	struct timeval wait = clock_timeval(jitter(pause > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause));

	api->status.errors[error]++;
	/* Only the first of those that fail together moves on. */
	if (call->server == api->server)
		api->server = (api->server + 1) % api->settings.urls->n;
	log_debug(
		"%s at %s failed: %s", call->command, api->settings.urls->items[call->server], why);
	if (call->tries >= api->settings.tries || evtimer_add(call->timer, &wait) < 0)
		finish(call, &failed);
	else
		api->status.retries++;
}

/* "…entity does not exist…": 431 alone may be any wrong parameter. */
static bool says_absent(int code, const char *text)
{
	return code == 431 && text != NULL && strcasestr(text, "does not exist") != NULL;
}

/* {"errorresponse": {"errorcode": 431, "errortext": …}}, or the same in the command's envelope. */
static void take_error(struct call *call, const json_t *inner)
{
	int code = (int)json_integer_value(json_object_get(inner, "errorcode"));
	const char *text = json_string_value(json_object_get(inner, "errortext"));
	struct api_answer refused = {.result = API_REFUSED,
		.code = code,
		.why = text == NULL ? "CloudStack does not say why" : text,
		.is_absent = says_absent(code, text)};

	/* Internal errors, maintenance and too many requests pass. */
	if (code == 530 || code == 429 || code == 503 || code == 534) {
		try_again(call, error_of_status(code), refused.why, code);
		return;
	}
	if (!refused.is_absent)
		call->api->status.errors[error_of_status(code)]++;
	finish(call, &refused);
}

/* What is in the envelope of an answer to this command, {"listdomainsresponse": {…}}, or of an
 * error; NULL: it is somebody else's. */
static const json_t *open_envelope(const struct call *call, json_t *json)
{
	void *only = json_object_size(json) == 1 ? json_object_iter(json) : NULL;
	const json_t *inner = only == NULL ? NULL : json_object_iter_value(only);
	size_t len = strlen(call->command);

	if (!json_is_object(inner))
		return NULL;
	const char *name = json_object_iter_key(only);
	bool is_ours = strncasecmp(name, call->command, len) == 0 &&
		       strcasecmp(name + len, "response") == 0;
	return is_ours || json_object_get(inner, "errorcode") != NULL ? inner : NULL;
}

static void take_body(struct call *call, int status)
{
	struct api *api = call->api;
	char why[256];
	json_error_t error;
	json_t *json =
		json_loadb(call->body.len == 0 ? "" : call->body.data, call->body.len, 0, &error);
	const json_t *inner = open_envelope(call, json);

	if (inner == NULL) {
		(void)snprintf(why, sizeof(why),
			"HTTP %d, and the answer is not CloudStack's JSON for this command%s%s",
			status, json == NULL ? ": " : "", json == NULL ? error.text : "");
		try_again(call, status >= 500 ? API_ERROR_INTERNAL : API_ERROR_MALFORMED, why,
			status);
	} else if (json_object_get(inner, "errorcode") != NULL) {
		take_error(call, inner);
	} else if (status != 200) {
		(void)snprintf(why, sizeof(why), "HTTP %d", status);
		try_again(call, error_of_status(status), why, status);
	} else {
		struct api_answer ok = {.result = API_OK, .body = inner, .code = status};
		api->server = call->server;
		finish(call, &ok);
	}
	json_decref(json);
}

static enum api_error error_of(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
		return API_ERROR_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return API_ERROR_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
		return API_ERROR_TLS;
	default:
		return API_ERROR_TRANSFER;
	}
}

static void take_transfer(struct call *call, CURLcode code)
{
	struct api *api = call->api;
	long status = 0;

	(void)curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_loop_remove(api->loop, call->curl);
	curl_easy_cleanup(call->curl);
	call->curl = NULL;
	api->status.in_flight--;
	histogram_add(&api->status.answering, clock_ns() - call->began_ns, 1);
	if (call->is_too_long)
		try_again(call, API_ERROR_TRANSFER, "the answer is too long", (int)status);
	else if (code != CURLE_OK)
		try_again(call, error_of(code),
			call->error[0] != '\0' ? call->error : curl_easy_strerror(code),
			(int)status);
	else if (buf_failed(&call->body))
		try_again(call, API_ERROR_MEMORY, "out of memory", 0);
	else
		take_body(call, (int)status);
}

static void on_transfer(void *arg, CURL *curl, CURLcode code)
{
	struct call *call = NULL;

	(void)curl_easy_getinfo(curl, CURLINFO_PRIVATE, (char **)&call);
	take_transfer(call, code);
	fly(arg);
}

/* ---- requests ---- */

static size_t on_octets(char *octets, size_t size, size_t n, void *arg)
{
	struct call *call = arg;

	if (call->body.len + size * n > API_ANSWER_MAX) {
		call->is_too_long = true;
		return 0;
	}
	buf_add(&call->body, octets, size * n);
	return size * n;
}

/* The form that every CloudStack takes: 2026-11-21T00:00:00+0000. */
static void expires(char text[32])
{
	time_t at = (time_t)(clock_real_us() / 1000000) + API_EXPIRES_S;
	struct tm tm;

	(void)gmtime_r(&at, &tm);
	(void)strftime(text, 32, "%Y-%m-%dT%H:%M:%S+0000", &tm);
}

static char *make_query(const struct call *call)
{
	const struct api_settings *settings = &call->api->settings;
	struct api_param params[API_PARAMS_MAX + 5];
	size_t n = call->n_params;
	char until[32];

	memcpy(params, call->params, n * sizeof(params[0]));
	expires(until);
	params[n++] = (struct api_param){"command", call->command};
	params[n++] = (struct api_param){"response", "json"};
	params[n++] = (struct api_param){"apikey", settings->key};
	params[n++] = (struct api_param){"signatureversion", "3"};
	params[n++] = (struct api_param){"expires", until};
	return signature_query(params, n, settings->secret_key);
}

static bool set_url(struct call *call)
{
	const struct api_settings *settings = &call->api->settings;
	const char *url = settings->urls->items[call->server];
	struct buf full;
	bool done;

	if (settings->is_post)
		return curl_easy_setopt(call->curl, CURLOPT_URL, url) == CURLE_OK &&
		       curl_easy_setopt(call->curl, CURLOPT_POSTFIELDS, call->query) == CURLE_OK;
	buf_init(&full);
	buf_printf(&full, "%s?%s", url, call->query);
	buf_add_char(&full, '\0');
	done = !buf_failed(&full) &&
	       curl_easy_setopt(call->curl, CURLOPT_URL, full.data) == CURLE_OK;
	buf_fini(&full);
	return done;
}

static void set_options(struct call *call)
{
	const struct api_settings *settings = &call->api->settings;
	CURL *curl = call->curl;

	(void)curl_easy_setopt(curl, CURLOPT_PRIVATE, call);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_octets);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, call->error);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Host names are looked up in a thread: nobody waits for it when the time is up. */
	(void)curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
#endif
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, settings->timeout_ms);
	(void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
		settings->timeout_ms < CONNECT_MS ? settings->timeout_ms : CONNECT_MS);
	(void)curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
	(void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "csdns-sync/" PACKAGE_VERSION);
	if (settings->ca_file != NULL)
		(void)curl_easy_setopt(curl, CURLOPT_CAINFO, settings->ca_file);
	if (settings->is_insecure) {
		(void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

/* Signs anew each time: signatures expire. */
static void send_call(struct call *call)
{
	struct api *api = call->api;

	call->tries++;
	call->server = api->server;
	call->error[0] = '\0';
	call->is_too_long = false;
	buf_reset(&call->body, 0);
	free(call->query);
	call->query = make_query(call);
	call->curl = call->query == NULL ? NULL : curl_easy_init();
	call->began_ns = clock_ns();
	api->status.requests++;
	if (call->curl != NULL) {
		set_options(call);
		if (set_url(call) && curl_loop_add(api->loop, call->curl)) {
			api->status.in_flight++;
			return;
		}
		curl_easy_cleanup(call->curl);
		call->curl = NULL;
	}
	/* The pause's event tells, so that nobody is answered from inside. */
	api->status.errors[API_ERROR_MEMORY]++;
	call->tries = api->settings.tries;
	event_active(call->timer, EV_TIMEOUT, 0);
}

/* Waits for a place again, before those that were never sent. */
static void wait_again(struct call *call)
{
	struct api *api = call->api;

	unlink_call(call);
	call->next = api->waiting;
	if (api->waiting == NULL)
		api->last = &call->next;
	api->waiting = call;
	api->status.waiting++;
	fly(api);
}

static void on_pause(evutil_socket_t fd, short what, void *arg)
{
	struct call *call = arg;

	(void)fd;
	(void)what;
	if (call->tries >= call->api->settings.tries)
		finish(call, &(struct api_answer){.result = API_FAILED, .why = "out of memory"});
	else
		wait_again(call);
}

static void fly(struct api *api)
{
	while (api->waiting != NULL && api->status.in_flight < api->settings.max_in_flight) {
		struct call *call = api->waiting;
		api->waiting = call->next;
		if (api->waiting == NULL)
			api->last = &api->waiting;
		api->status.waiting--;
		call->next = api->calls;
		api->calls = call;
		send_call(call);
	}
}

int api_ask(struct api *api, const char *command, const struct api_param *params, size_t n,
	api_fn fn, void *arg)
{
	struct call *call = calloc(1, sizeof(*call));
	bool is_good;

	if (call == NULL)
		return -1;
	*call = (struct call){.api = api, .fn = fn, .arg = arg};
	buf_init(&call->body);
	call->command = strdup(command);
	call->timer = evtimer_new(api->base, on_pause, call);
	is_good = call->command != NULL && call->timer != NULL;
	for (size_t i = 0; i < n && is_good; i++)
		is_good = add_param(call, params[i].name, params[i].value);
	if (!is_good) {
		call_free(call);
		return -1;
	}
	*api->last = call;
	api->last = &call->next;
	api->status.waiting++;
	fly(api);
	return 0;
}

/* ---- the whole ---- */

struct api *api_new(struct event_base *base, const struct api_settings *settings)
{
	struct api *api = calloc(1, sizeof(*api));

	if (api == NULL)
		return NULL;
	api->base = base;
	api->settings = *settings;
	api->last = &api->waiting;
	api->loop = curl_loop_new(base, on_transfer, api);
	if (api->loop == NULL) {
		api_free(api);
		return NULL;
	}
	return api;
}

static void free_calls(struct call *calls)
{
	while (calls != NULL) {
		struct call *call = calls;
		calls = call->next;
		call_free(call);
	}
}

void api_free(struct api *api)
{
	if (api == NULL)
		return;
	free_calls(api->calls);
	free_calls(api->waiting);
	curl_loop_free(api->loop);
	free(api);
}

void api_get_status(const struct api *api, struct api_status *status)
{
	*status = api->status;
	status->server = api->settings.urls->items[api->server];
}
