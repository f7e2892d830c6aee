/*
 * records_api: GET /api/v1/dns/records: records of the mirror as JSON, for programs that want to
 * see what is served. Reads only.
 *
 * A long answer is made in parts, as the peer takes them; each zone is shown as it was when its
 * first record was written. Only so many long answers at once, and each for only so long.
 */
#ifndef CSDNS_SERVE_RECORDS_API_H
#define CSDNS_SERVE_RECORDS_API_H

#include "serve/server.h"

#include <event2/event.h>
#include <event2/http.h>

struct records_api;

/* server is borrowed. NULL when memory is out. */
struct records_api *records_api_new(struct event_base *base, struct server *server);
/* Forgets answers under way, which then end with their connections; may be NULL. The mirrors that
 * they hold are still there. */
void records_api_free(struct records_api *api);
void records_api_get(struct records_api *api, struct evhttp_request *request);

#endif
