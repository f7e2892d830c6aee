/*
 * web: PowerDNS' HTTP connector with post=1, with or without post_json=1. Takes requests from
 * src/http, has them answered by an exchange, and sends the replies; those of listings in chunks,
 * as the peer takes them.
 *
 * Each connection has its exchange, and so its transaction: PowerDNS keeps a connection for as long
 * as it can. Nobody is asked who he is: loopback addresses only. Private to src/serve.
 */
#ifndef CSDNS_SERVE_WEB_H
#define CSDNS_SERVE_WEB_H

#include "base/options.h"
#include "serve/exchange.h"

#include <stdbool.h>
#include <stddef.h>

struct web;

/* NULL, or why one of them is not to be listened on; the text is static. */
const char *web_check_listen(const struct option_list *listen);

/* all is borrowed. NULL with the reason in error. */
struct web *web_new(struct exchanges *all, const struct option_list *listen, size_t max_request,
	char *error, size_t size);
/* Closes all connections. May be NULL. */
void web_free(struct web *web);
/* Takes no more connections, and closes those without a request in hand. */
void web_drain(struct web *web);
bool web_is_drained(const struct web *web);
unsigned web_connections(const struct web *web);

#endif
