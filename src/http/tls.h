/*
 * tls: a server's certificate and key from files. Private to src/http.
 */
#ifndef CSDNS_HTTP_TLS_H
#define CSDNS_HTTP_TLS_H

#include "http/http.h"

#include <openssl/ssl.h>

/* TLS 1.2 and later. NULL with the reason in error; the caller's to SSL_CTX_free. */
SSL_CTX *tls_load(const struct http_tls *tls, char *error, size_t size);

#endif
