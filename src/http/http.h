/*
 * http: HTTP/1.1 listeners on the event loop, over libevent's evhttp. Knows no DNS and no routes.
 *
 * Each complete request goes to the owner as a struct evhttp_request, to be answered at once or
 * later, as a whole or in chunks, with libevent's calls or those of reply.h. What peers can take is
 * bounded: connections, octets of headers and body, the time for a request to arrive in full, the
 * time in which they take nothing of a reply.
 *
 * A request that is answered later:
 * - it stays valid until it is answered, even when its connection goes meanwhile: then
 *   evhttp_request_get_connection() is NULL, and the reply goes nowhere and frees it;
 * - evhttp_connection_set_closecb() is the owner's, to hear of a connection that goes while a
 *   reply is sent in chunks: there it calls http_abandon() and forgets the request. A peer that
 *   goes before the reply begins is noticed with the reply;
 * - evhttp_request_set_on_complete_cb() is taken by this module;
 * - http_free() frees all of them: their owners forget them before.
 */
#ifndef CSDNS_HTTP_HTTP_H
#define CSDNS_HTTP_HTTP_H

#include "base/options.h"

#include <event2/event.h>
#include <event2/http.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEADERS_MAX 16384 /* octets of a request's first line and headers */

struct http;

/* Borrowed while http_new or http_set_tls run. */
struct http_tls {
	const char *cert; /* file: the certificate and those that it was issued with, PEM */
	const char *key;  /* file: its key, PEM without a passphrase; NULL: in the same file */
};

struct http_settings {
	const struct option_list *listen; /* as address_parse takes them; at least one */
	struct http_tls tls;		  /* cert NULL: no TLS. With it, TLS 1.2 and later */
	size_t max_body;		  /* octets; a longer one is answered with 413 */
	unsigned max_connections;	  /* one more is closed as it comes */
	long timeout_ms; /* for a request to arrive in full, TLS' handshake included; and for a
			  * peer to take something of its reply */
	long idle_ms;	 /* of a connection between requests */
	/* A request whose body was too long, after its 413; may be NULL. arg: that of http_new.
	 * peer: its address, borrowed; NULL when it has gone. */
	void (*on_too_long)(void *arg, const char *peer);
};

/* Every method that libevent knows comes here: the routes say what they take. */
typedef void (*http_request_fn)(void *arg, struct evhttp_request *request);

/* Listens. NULL with the reason in error. */
struct http *http_new(struct event_base *base, const struct http_settings *settings,
	http_request_fn fn, void *arg, char *error, size_t size);
/* Closes everything; may be NULL. Not from inside of http_request_fn. */
void http_free(struct http *http);

/* Reads certificate and key (again), for connections from now on. 0, or -1 with the reason in error
 * and everything as before. Only where there was TLS from the start. */
int http_set_tls(struct http *http, const struct http_tls *tls, char *error, size_t size)
	__attribute__((warn_unused_result));

/* Takes no more connections, and closes those without a request in hand, each when it has none.
 * Both may get NULL. */
void http_drain(struct http *http);
bool http_is_drained(const struct http *http);

/* From evhttp_connection_set_closecb: the request, which was not answered in full, is over. */
void http_abandon(struct evhttp_request *request);

struct http_status {
	unsigned connections;
	uint64_t accepted;
	uint64_t refused;   /* connections: there were too many */
	uint64_t timed_out; /* connections: their request did not arrive in time */
	uint64_t requests;  /* complete ones */
};
void http_get_status(const struct http *http, struct http_status *status);

#endif
