#include "http/tls.h"

#include <openssl/err.h>
#include <stdio.h>

static void fail(const char *what, const char *file, char *error, size_t size)
{
	char reason[200];

	ERR_error_string_n(ERR_peek_error(), reason, sizeof(reason));
	(void)snprintf(error, size, "could not use \"%s\" as %s: %s", file, what, reason);
	ERR_clear_error();
}

/* Asking for a passphrase on a terminal would stop everything. */
static int no_passphrase(char *out, int size, int is_writing, void *arg)
{
	(void)out;
	(void)size;
	(void)is_writing;
	(void)arg;
	return -1;
}

static bool load_files(SSL_CTX *ctx, const struct http_tls *tls, char *error, size_t size)
{
	const char *key = tls->key == NULL ? tls->cert : tls->key;

	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, tls->cert) != 1)
		fail("TLS certificate", tls->cert, error, size);
	else if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
		 SSL_CTX_check_private_key(ctx) != 1)
		fail("key of the TLS certificate", key, error, size);
	else
		return true;
	return false;
}

SSL_CTX *tls_load(const struct http_tls *tls, char *error, size_t size)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
		fail("TLS certificate", tls->cert, error, size);
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	/* An idle connection keeps no buffers of its own. */
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	if (load_files(ctx, tls, error, size))
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}
