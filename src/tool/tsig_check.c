#include "tool/tsig_check.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Messages in a row without a signature, at most. */
#define UNSIGNED_MAX 99
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The parts of a TSIG record, by their place in it (RFC 8945 section 4.2). */
enum { ALGORITHM, TIME_SIGNED, FUDGE, MAC, ORIGINAL_ID, ERROR, OTHER_DATA, PARTS };

struct tsig_check {
	ldns_rdf *name; /* of the key; canonical, as the algorithm */
	ldns_rdf *algorithm;
	const EVP_MD *digest;
	EVP_PKEY *secret;
	EVP_MD_CTX *mac; /* over the signature before, and what has come since */
	unsigned since;	 /* messages without a signature */
	bool is_next;	 /* a message has been signed */
};

static const EVP_MD *find_digest(const char *algorithm)
{
	static const struct {
		const char *name;
		const EVP_MD *(*digest)(void);
	} known[] = {
		{"hmac-md5.sig-alg.reg.int.", EVP_md5},
		{"hmac-sha1.", EVP_sha1},
		{"hmac-sha224.", EVP_sha224},
		{"hmac-sha256.", EVP_sha256},
		{"hmac-sha384.", EVP_sha384},
		{"hmac-sha512.", EVP_sha512},
	};

	for (size_t i = 0; i < COUNT(known); i++)
		if (strcasecmp(known[i].name, algorithm) == 0)
			return known[i].digest();
	return NULL;
}

static EVP_PKEY *read_secret(const char *base64)
{
	ldns_rdf *octets = ldns_rdf_new_frm_str(LDNS_RDF_TYPE_B64, base64);

	if (octets == NULL)
		return NULL;
	EVP_PKEY *secret = EVP_PKEY_new_raw_private_key(
		EVP_PKEY_HMAC, NULL, ldns_rdf_data(octets), ldns_rdf_size(octets));
	OPENSSL_cleanse(ldns_rdf_data(octets), ldns_rdf_size(octets));
	ldns_rdf_deep_free(octets);
	return secret;
}

static ldns_rdf *canonical_name(const char *text)
{
	ldns_rdf *name = ldns_dname_new_frm_str(text);

	if (name != NULL)
		ldns_dname2canonical(name);
	return name;
}

static bool mac_add(struct tsig_check *check, const void *octets, size_t n)
{
	return EVP_DigestSignUpdate(check->mac, octets, n) == 1;
}

static bool mac_add_rdf(struct tsig_check *check, const ldns_rdf *rdf)
{
	return mac_add(check, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
}

/* The signature before is the first that the next one is over, with its length. */
static bool mac_begin(struct tsig_check *check, const ldns_rr *before)
{
	check->since = 0;
	return EVP_MD_CTX_reset(check->mac) == 1 &&
	       EVP_DigestSignInit(check->mac, NULL, check->digest, NULL, check->secret) == 1 &&
	       mac_add_rdf(check, ldns_rr_rdf(before, MAC));
}

/* Of the first message all of its TSIG is signed, of others only the time. */
static bool mac_add_variables(struct tsig_check *check, const ldns_rr *tsig)
{
	static const uint8_t class_and_ttl[] = {0, LDNS_RR_CLASS_ANY, 0, 0, 0, 0};

	if (check->is_next)
		return mac_add_rdf(check, ldns_rr_rdf(tsig, TIME_SIGNED)) &&
		       mac_add_rdf(check, ldns_rr_rdf(tsig, FUDGE));
	return mac_add_rdf(check, check->name) &&
	       mac_add(check, class_and_ttl, sizeof(class_and_ttl)) &&
	       mac_add_rdf(check, check->algorithm) &&
	       mac_add_rdf(check, ldns_rr_rdf(tsig, TIME_SIGNED)) &&
	       mac_add_rdf(check, ldns_rr_rdf(tsig, FUDGE)) &&
	       mac_add_rdf(check, ldns_rr_rdf(tsig, ERROR)) &&
	       mac_add_rdf(check, ldns_rr_rdf(tsig, OTHER_DATA));
}

/* Behind the record at this place, or the question; size where it does not end. */
static size_t skip_record(const uint8_t *wire, size_t size, size_t at, bool is_question)
{
	while (at < size && wire[at] != 0 && wire[at] < 0xc0)
		at += wire[at] + 1U;
	if (at >= size)
		return size;
	at += wire[at] == 0 ? 1 : 2;
	if (is_question)
		return at + 4 < size ? at + 4 : size;
	if (at + 10 > size)
		return size;
	at += 10U + ldns_read_uint16(wire + at + 8);
	return at < size ? at : size;
}

/* Where the last record begins; size where it cannot be found. */
static size_t find_last_record(const uint8_t *wire, size_t size)
{
	size_t records = (size_t)LDNS_ANCOUNT(wire) + LDNS_NSCOUNT(wire) + LDNS_ARCOUNT(wire);
	size_t at = LDNS_HEADER_SIZE;

	for (size_t i = LDNS_QDCOUNT(wire); i > 0; i--)
		at = skip_record(wire, size, at, true);
	for (size_t i = 1; i < records; i++)
		at = skip_record(wire, size, at, false);
	return at;
}

/* What is signed of a message that has a TSIG as its last record: all before that, with the number
 * that it had when it was signed. */
static bool mac_add_message(
	struct tsig_check *check, const ldns_rr *tsig, const uint8_t *wire, size_t size)
{
	uint8_t header[LDNS_HEADER_SIZE];
	size_t end = find_last_record(wire, size);

	if (end >= size || LDNS_ARCOUNT(wire) == 0)
		return false;
	memcpy(header, wire, sizeof(header));
	memcpy(header, ldns_rdf_data(ldns_rr_rdf(tsig, ORIGINAL_ID)), 2);
	ldns_write_uint16(header + LDNS_ARCOUNT_OFF, (uint16_t)(LDNS_ARCOUNT(wire) - 1));
	return mac_add(check, header, sizeof(header)) &&
	       mac_add(check, wire + sizeof(header), end - sizeof(header));
}

static bool mac_is(struct tsig_check *check, const ldns_rdf *given)
{
	uint8_t mac[2 + EVP_MAX_MD_SIZE];
	size_t len = sizeof(mac) - 2;

	if (EVP_DigestSignFinal(check->mac, mac + 2, &len) != 1)
		return false;
	ldns_write_uint16(mac, (uint16_t)len);
	return ldns_rdf_size(given) == len + 2 &&
	       CRYPTO_memcmp(mac, ldns_rdf_data(given), len + 2) == 0;
}

static bool is_by_key(const struct tsig_check *check, const ldns_rr *tsig)
{
	return ldns_dname_compare(ldns_rr_owner(tsig), check->name) == 0 &&
	       ldns_dname_compare(ldns_rr_rdf(tsig, ALGORITHM), check->algorithm) == 0;
}

static bool is_in_time(const ldns_rr *tsig)
{
	const uint8_t *at = ldns_rdf_data(ldns_rr_rdf(tsig, TIME_SIGNED));
	int64_t signed_at = 0;

	for (int i = 0; i < 6; i++)
		signed_at = signed_at << 8 | at[i];
	return llabs(signed_at - (int64_t)time(NULL)) <=
	       ldns_rdf2native_int16(ldns_rr_rdf(tsig, FUDGE));
}

static const char *check_signature(
	struct tsig_check *check, const ldns_rr *tsig, const uint8_t *wire, size_t size)
{
	if (ldns_rr_rd_count(tsig) < PARTS || !is_by_key(check, tsig))
		return "the answer is signed with another key";
	if (!mac_add_message(check, tsig, wire, size) || !mac_add_variables(check, tsig) ||
		!mac_is(check, ldns_rr_rdf(tsig, MAC)))
		return "the answer's signature is wrong";
	if (!is_in_time(tsig))
		return "the answer was signed at another time: is a clock off?";
	check->is_next = true;
	return mac_begin(check, tsig) ? NULL : "out of memory";
}

const char *tsig_check_next(
	struct tsig_check *check, const ldns_pkt *message, const uint8_t *wire, size_t size)
{
	const ldns_rr *tsig = ldns_pkt_tsig(message);

	if (tsig != NULL)
		return check_signature(check, tsig, wire, size);
	if (!check->is_next)
		return "the first message of the answer is not signed";
	if (++check->since > UNSIGNED_MAX)
		return "too many messages of the answer in a row are not signed";
	return mac_add(check, wire, size) ? NULL : "out of memory";
}

const char *tsig_check_end(const struct tsig_check *check)
{
	return check->is_next && check->since == 0 ? NULL
						   : "the last message of the answer is not signed";
}

struct tsig_check *tsig_check_new(const struct server_key *key, const ldns_pkt *question)
{
	struct tsig_check *check = calloc(1, sizeof(*check));
	const ldns_rr *tsig = ldns_pkt_tsig(question);

	if (check == NULL)
		return NULL;
	check->name = canonical_name(key->name);
	check->algorithm = canonical_name(key->algorithm);
	check->digest = find_digest(key->algorithm);
	check->secret = read_secret(key->secret);
	check->mac = EVP_MD_CTX_new();
	if (check->name != NULL && check->algorithm != NULL && check->digest != NULL &&
		check->secret != NULL && check->mac != NULL && tsig != NULL &&
		mac_begin(check, tsig))
		return check;
	tsig_check_free(check);
	return NULL;
}

void tsig_check_free(struct tsig_check *check)
{
	if (check == NULL)
		return;
	ldns_rdf_deep_free(check->name);
	ldns_rdf_deep_free(check->algorithm);
	EVP_MD_CTX_free(check->mac);
	EVP_PKEY_free(check->secret);
	free(check);
}
