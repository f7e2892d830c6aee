#include "dns/nsec3.h"

#include "dns/name.h"

#include <openssl/evp.h>
#include <string.h>

/* ---- parameters ---- */

/* The next word; empty at the end. */
static const char *next_word(const char **text, const char *end, size_t *len)
{
	while (*text < end && **text == ' ')
		++*text;
	const char *word = *text;
	while (*text < end && **text != ' ')
		++*text;
	*len = (size_t)(*text - word);
	return word;
}

static bool parse_number(const char **text, const char *end, unsigned max, unsigned *number)
{
	size_t len;
	const char *word = next_word(text, end, &len);

	*number = 0;
	for (size_t i = 0; i < len; i++) {
		if (word[i] < '0' || word[i] > '9')
			return false;
		*number = *number * 10 + (unsigned)(word[i] - '0');
		if (*number > max)
			return false;
	}
	return len > 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse_salt(struct nsec3_params *params, const char *text, size_t len)
{
	params->salt_len = 0;
	if (len == 1 && text[0] == '-')
		return true;
	if (len == 0 || len % 2 != 0 || len / 2 > NSEC3_SALT_MAX)
		return false;
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_digit(text[i]);
		int low = hex_digit(text[i + 1]);
		if (high < 0 || low < 0)
			return false;
		params->salt[i / 2] = (uint8_t)(high << 4 | low);
	}
	params->salt_len = (uint8_t)(len / 2);
	return true;
}

bool nsec3_params_parse(struct nsec3_params *params, const char *text, size_t len)
{
	const char *end = text + len;
	unsigned algorithm;
	unsigned flags;
	unsigned iterations;

	if (!parse_number(&text, end, 255, &algorithm) || !parse_number(&text, end, 255, &flags) ||
		!parse_number(&text, end, 65535, &iterations))
		return false;
	params->is_opt_out = flags != 0;
	params->iterations =
		iterations > NSEC3_ITERATIONS_MAX ? NSEC3_ITERATIONS_MAX : (uint16_t)iterations;
	const char *salt = next_word(&text, end, &len);
	if (!parse_salt(params, salt, len))
		return false;
	(void)next_word(&text, end, &len);
	return len == 0;
}

/* ---- the hash ---- */

/* Made once: finding the algorithm takes longer than a hash. NULL when memory is out. */
static EVP_MD_CTX *hash_context(void)
{
	static EVP_MD_CTX *context;

	if (context != NULL)
		return context;
	EVP_MD_CTX *made = EVP_MD_CTX_new();
	if (made != NULL && EVP_DigestInit_ex(made, EVP_sha1(), NULL) != 1) {
		EVP_MD_CTX_free(made);
		made = NULL;
	}
	context = made;
	return context;
}

/* One round: of octets and the salt. in may be hash. */
static bool hash_round(EVP_MD_CTX *context, uint8_t hash[NSEC3_HASH_SIZE],
	const struct nsec3_params *params, const uint8_t *in, size_t len)
{
	return EVP_DigestInit_ex(context, NULL, NULL) == 1 &&
	       EVP_DigestUpdate(context, in, len) == 1 &&
	       EVP_DigestUpdate(context, params->salt, params->salt_len) == 1 &&
	       EVP_DigestFinal_ex(context, hash, NULL) == 1;
}

int nsec3_hash(uint8_t hash[NSEC3_HASH_SIZE], const struct nsec3_params *params,
	const uint8_t *name, size_t name_len, const uint8_t *zone, size_t zone_len)
{
	EVP_MD_CTX *context = hash_context();
	uint8_t wire[NAME_WIRE_MAX + 1];

	if (context == NULL || name_len + zone_len > NAME_WIRE_MAX)
		return -1;
	memcpy(wire, name, name_len);
	memcpy(wire + name_len, zone, zone_len);
	wire[name_len + zone_len] = 0;
	if (!hash_round(context, hash, params, wire, name_len + zone_len + 1))
		return -1;
	for (unsigned i = 0; i < params->iterations; i++)
		if (!hash_round(context, hash, params, hash, NSEC3_HASH_SIZE))
			return -1;
	return 0;
}

/* ---- base32hex ---- */

void nsec3_print(char text[NSEC3_TEXT_SIZE], const uint8_t hash[NSEC3_HASH_SIZE])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

	/* Five octets are eight digits. */
	for (size_t i = 0; i < NSEC3_HASH_SIZE / 5; i++) {
		uint64_t group = 0;
		for (size_t k = 0; k < 5; k++)
			group = group << 8 | hash[i * 5 + k];
		for (size_t k = 8; k-- > 0; group >>= 5)
			text[i * 8 + k] = digits[group & 31];
	}
}

static int base32_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'v')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'V' ? c - 'A' + 10 : -1;
}

bool nsec3_parse(uint8_t hash[NSEC3_HASH_SIZE], const char *text, size_t len)
{
	if (len != NSEC3_TEXT_SIZE)
		return false;
	for (size_t i = 0; i < NSEC3_HASH_SIZE / 5; i++) {
		uint64_t group = 0;
		for (size_t k = 0; k < 8; k++) {
			int digit = base32_digit(text[i * 8 + k]);
			if (digit < 0)
				return false;
			group = group << 5 | (unsigned)digit;
		}
		for (size_t k = 5; k-- > 0; group >>= 8)
			hash[i * 5 + k] = (uint8_t)group;
	}
	return true;
}
