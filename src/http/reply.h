/*
 * reply: answers that more than one route gives, and reading what was asked.
 */
#ifndef CSDNS_HTTP_REPLY_H
#define CSDNS_HTTP_REPLY_H

#include "base/buf.h"

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdbool.h>

/* A whole answer. body's bytes are copied; where memory ran out for it the answer is 500. */
void reply_send(struct evhttp_request *request, int status, const char *content_type,
	const struct buf *body);
/* {"success":false,"error":"…"}. why: UTF-8. */
void reply_error(struct evhttp_request *request, int status, const char *why);
/* 405 with the methods that there are: "GET, HEAD". */
void reply_not_allowed(struct evhttp_request *request, const char *methods);

/* The path, as it came; "/" where there is none. */
const char *request_path(const struct evhttp_request *request);
/* The parameters of the query, decoded; the caller's to evhttp_clear_headers. false when they are
 * not name=value pairs, or have a zero octet; then there is nothing to clear. */
bool request_query(const struct evhttp_request *request, struct evkeyvalq *query);

#endif
