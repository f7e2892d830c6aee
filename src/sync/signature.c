#include "config.h"

#include "sync/signature.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

/* Of 32 octets, and of 20; with the zero. */
#define BASE64_SIZE 48

static bool hmac_base64(
	const EVP_MD *md, const char *key, const char *data, size_t len, char out[BASE64_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (HMAC(md, key, (int)strlen(key), (const unsigned char *)data, len, digest, &n) == NULL ||
		n > 32)
		return false;
	(void)EVP_EncodeBlock((unsigned char *)out, digest, (int)n);
	return true;
}

bool signature_check(
	const struct option_list *secrets, const char *body, size_t len, const char *given)
{
	char wanted[BASE64_SIZE];
	bool is_good = false;

	if (given == NULL)
		return false;
	size_t given_len = strlen(given);
	for (size_t i = 0; i < secrets->n; i++) {
		if (!hmac_base64(EVP_sha256(), secrets->items[i], body, len, wanted))
			continue;
		if (strlen(wanted) == given_len && CRYPTO_memcmp(wanted, given, given_len) == 0)
			is_good = true;
	}
	OPENSSL_cleanse(wanted, sizeof(wanted));
	return is_good;
}

/* As Java's URLEncoder, but a space is %20. */
static void add_encoded(struct buf *buf, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (isalnum(c) || strchr("-_.*", c) != NULL)
			buf_add_char(buf, (char)c);
		else
			buf_printf(buf, "%%%02X", c);
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct api_param *)a)->name, ((const struct api_param *)b)->name);
}

/* The same in lower case, to be freed. */
static char *lower(const struct buf *query)
{
	char *text = malloc(query->len + 1);

	for (size_t i = 0; text != NULL && i < query->len; i++)
		text[i] = (char)tolower((unsigned char)query->data[i]);
	if (text != NULL)
		text[query->len] = '\0';
	return text;
}

char *signature_query(struct api_param *params, size_t n, const char *secret_key)
{
	char signature[BASE64_SIZE];
	struct buf query;
	char *text;

	buf_init(&query);
	qsort(params, n, sizeof(*params), compare);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_add_char(&query, '&');
		buf_add_str(&query, params[i].name);
		buf_add_char(&query, '=');
		add_encoded(&query, params[i].value);
	}
	text = buf_failed(&query) ? NULL : lower(&query);
	bool is_signed =
		text != NULL && hmac_base64(EVP_sha1(), secret_key, text, query.len, signature);
	free(text);
	BUF_ADD_LIT(&query, "&signature=");
	if (is_signed)
		add_encoded(&query, signature);
	buf_add_char(&query, '\0');
	if (is_signed && !buf_failed(&query))
		return query.data;
	buf_fini(&query);
	return NULL;
}
