/*
 * api: CloudStack's API over HTTP, with libcurl on the event loop.
 *
 * Requests are signed (version 3) and expire. They go to one management server, and to the next
 * when that does not answer; what failed on the way is tried again after a growing pause, as often
 * as the settings say. Bounded: requests in flight (the others wait), time, octets of an answer.
 */
#ifndef CSDNS_SYNC_API_H
#define CSDNS_SYNC_API_H

#include "base/histogram.h"
#include "base/options.h"
#include "sync/signature.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define API_PARAMS_MAX 16
#define API_ANSWER_MAX ((size_t)32 * 1024 * 1024)
#define API_EXPIRES_S  600

/* Borrowed as long as the api lives. */
struct api_settings {
	const struct option_list *urls; /* "https://ms1.example:8443/client/api" */
	const char *key, *secret_key;
	const char *ca_file; /* NULL: the system's */
	bool is_insecure;    /* takes any certificate */
	bool is_post;	     /* the parameters go in the body: for proxies that log URLs */
	unsigned max_in_flight;
	long timeout_ms; /* of one attempt */
	unsigned tries;
};

enum api_result {
	API_OK,
	API_REFUSED, /* CloudStack answered with an error: code and why are its own */
	API_FAILED,  /* no answer, or one that is not CloudStack's */
};

struct api_answer {
	enum api_result result;
	const json_t *body; /* inside of the envelope, borrowed; NULL unless API_OK */
	int code;	    /* HTTP's or CloudStack's */
	const char *why;    /* one line; NULL when API_OK */
	bool is_absent;	    /* refused, because there is no such entity */
};

struct api;
typedef void (*api_fn)(void *arg, const struct api_answer *answer);

/* NULL when memory is out. */
struct api *api_new(struct event_base *base, const struct api_settings *settings);
/* Answers nothing any more. */
void api_free(struct api *api);

/* Asks; params are copied, without command, key and so on. Answers later through fn, never from
 * inside; -1 when memory is out, then it never answers. */
int api_ask(struct api *api, const char *command, const struct api_param *params, size_t n,
	api_fn fn, void *arg) __attribute__((warn_unused_result));

enum api_error {
	API_ERROR_CONNECT, /* nobody is there, or its name is not known */
	API_ERROR_TIMEOUT,
	API_ERROR_TLS,
	API_ERROR_TRANSFER,  /* ended early, too long */
	API_ERROR_MALFORMED, /* not CloudStack's JSON */
	API_ERROR_UNAUTHORIZED,
	API_ERROR_THROTTLED,
	API_ERROR_INTERNAL, /* CloudStack's, or of its maintenance */
	API_ERROR_REFUSED,  /* for another reason than that there is no such entity */
	API_ERROR_MEMORY,
	API_ERRORS,
};
/* A word of lower case. */
const char *api_error_name(enum api_error error);

struct api_status {
	unsigned in_flight, waiting;
	uint64_t requests; /* attempts */
	uint64_t retries;
	uint64_t errors[API_ERRORS]; /* of attempts */
	struct histogram answering;  /* attempts that came to an end, however */
	bool is_failing;      /* the last request that ended was not answered in all its tries */
	bool is_unauthorized; /* it was refused for its key or signature */
	const char *server;   /* in use */
};
void api_get_status(const struct api *api, struct api_status *status);

#endif
