/*
 * nsec3: hashed names (RFC 5155): parameters as PowerDNS keeps them in the metadata NSEC3PARAM,
 * the hash, and its text in base32hex (RFC 4648 section 7, lower case, no padding).
 */
#ifndef CSDNS_DNS_NSEC3_H
#define CSDNS_DNS_NSEC3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NSEC3_HASH_SIZE 20
#define NSEC3_TEXT_SIZE 32
#define NSEC3_SALT_MAX	255
/* PowerDNS' default for max-nsec3-iterations: where the metadata says more, it takes so many. */
#define NSEC3_ITERATIONS_MAX 100

struct nsec3_params {
	uint16_t iterations; /* at most NSEC3_ITERATIONS_MAX */
	bool is_opt_out;     /* any flag is set; opt-out is the only one that there is */
	uint8_t salt_len;
	uint8_t salt[NSEC3_SALT_MAX];
};

/* Reads "1 0 5 ab12": algorithm, flags, iterations, salt in hex or "-". The algorithm is not
 * looked at: there is but one. False when the text is not in that form. */
bool nsec3_params_parse(struct nsec3_params *params, const char *text, size_t len);

/* The hash of a complete name, as struct name keeps it; it may come in two parts, the first
 * relative to the second. 0, or -1 when memory is out. Not for several threads at once. */
int nsec3_hash(uint8_t hash[NSEC3_HASH_SIZE], const struct nsec3_params *params,
	const uint8_t *name, size_t name_len, const uint8_t *zone, size_t zone_len)
	__attribute__((warn_unused_result));

void nsec3_print(char text[NSEC3_TEXT_SIZE], const uint8_t hash[NSEC3_HASH_SIZE]);
/* Upper or lower case; false when it is no hash. */
bool nsec3_parse(uint8_t hash[NSEC3_HASH_SIZE], const char *text, size_t len);

#endif
