/*
 * fill: rows of the store from plain C strings, for tests that need a mirror with something in it.
 */
#ifndef CSDNS_TESTS_FILL_H
#define CSDNS_TESTS_FILL_H

#include "mirror/mirror.h"

#include <string.h>

/* NULL for SQL's NULL. */
static inline struct text fill_text(const char *text)
{
	struct text made = {text, text == NULL ? 0 : strlen(text)};

	return made;
}

static inline struct domain_row fill_domain(int32_t id, const char *name, const char *type)
{
	struct domain_row row = {.id = id, .name = fill_text(name), .type = fill_text(type)};

	return row;
}

/* Without a priority, with a TTL of 3600. */
static inline struct record_row fill_record(
	int32_t domain_id, const char *name, const char *type, const char *content)
{
	struct record_row row = {.id = 1,
		.domain_id = domain_id,
		.name = fill_text(name),
		.type = fill_text(type),
		.content = fill_text(content),
		.has_ttl = true,
		.ttl = 3600};

	return row;
}

static inline struct metadata_row fill_metadata(
	int32_t domain_id, const char *kind, const char *content)
{
	struct metadata_row row = {domain_id, fill_text(kind), fill_text(content)};

	return row;
}

static inline struct key_row fill_key(int32_t domain_id, int32_t id, const char *content)
{
	struct key_row row = {.id = id,
		.domain_id = domain_id,
		.flags = 257,
		.active = true,
		.published = true,
		.content = fill_text(content)};

	return row;
}

static inline struct tsig_row fill_tsig_key(
	const char *name, const char *algorithm, const char *secret)
{
	struct tsig_row row = {fill_text(name), fill_text(algorithm), fill_text(secret)};

	return row;
}

/* Into a mirror that is being filled; false when the row is not taken. */
static inline bool fill_add_domain(
	struct mirror *mirror, int32_t id, const char *name, const char *type)
{
	struct domain_row row = fill_domain(id, name, type);
	const char *why;

	return mirror_add_domain(mirror, &row, &why) == ROW_TAKEN;
}

static inline bool fill_add_record(struct mirror *mirror, int32_t domain_id, const char *name,
	const char *type, const char *content)
{
	struct record_row row = fill_record(domain_id, name, type, content);
	const char *why;

	return mirror_add_record(mirror, &row, &why) == ROW_TAKEN;
}

static inline bool fill_add_disabled(struct mirror *mirror, int32_t domain_id, const char *name,
	const char *type, const char *content)
{
	struct record_row row = fill_record(domain_id, name, type, content);
	const char *why;

	row.disabled = true;
	return mirror_add_record(mirror, &row, &why) == ROW_TAKEN;
}

static inline bool fill_add_metadata(
	struct mirror *mirror, int32_t domain_id, const char *kind, const char *content)
{
	struct metadata_row row = fill_metadata(domain_id, kind, content);
	const char *why;

	return mirror_add_metadata(mirror, &row, &why) == ROW_TAKEN;
}

#endif
