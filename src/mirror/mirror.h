/*
 * mirror: the whole store in memory, as of one version. Zones by name and by id, and TSIG keys.
 *
 * A mirror is either filled from nothing and then served, or changed by a whole change set (see
 * change.h); in between it does not change. One thread.
 */
#ifndef CSDNS_MIRROR_MIRROR_H
#define CSDNS_MIRROR_MIRROR_H

#include "base/buf.h"
#include "mirror/reference.h"
#include "mirror/tsig.h"
#include "mirror/zone.h"

/* Where the mirror stands in the store's history: csdns.version's row. */
struct store_version {
	uint64_t number;
	int64_t at_us; /* when it was committed, microseconds since 1970 */
};

struct mirror {
	struct pool *pool;
	struct table zones_by_id;
	struct table zones_by_name;
	uint64_t records;	     /* of the zones in the tables, enabled and disabled */
	struct tsig_keys *tsig_keys; /* NULL: none */
	struct references references;
	struct secrets secrets; /* all, those of staged zones as well */
	struct store_version version;
	uint32_t default_ttl;  /* seconds, for records whose TTL is NULL */
	struct buf scratch;    /* for rows that have to be put together */
	uint32_t refs;	       /* holders: the server, and listings under way */
	struct mirror *next;   /* for the owner's list of mirrors to free */
	uint32_t zone_keepers; /* while there are any, no zone is freed */
	struct zone *garbage;  /* zones that are out of the tables, to be freed in slices */
};

/* One reference is the caller's. NULL when memory is out. */
struct mirror *mirror_new(uint32_t default_ttl);
void mirror_ref(struct mirror *mirror);
/* Gives a reference back. When it was the last one, the mirror waits for mirror_free_step. */
void mirror_unref(struct mirror *mirror);
/* Frees at most about `budget` names or chunks of what is no longer needed; true when nothing is
 * left to free (a mirror without references is gone then). */
bool mirror_free_step(struct mirror *mirror, size_t budget);

/* NULL when there is none. */
struct zone *mirror_find_zone(const struct mirror *mirror, const uint8_t *name, size_t len);
struct zone *mirror_find_zone_by_id(const struct mirror *mirror, int32_t id);

/* Between the two a zone that was found stays there to be read, even when it goes meanwhile. */
void mirror_keep_zones(struct mirror *mirror);
void mirror_release_zones(struct mirror *mirror);

size_t mirror_zones(const struct mirror *mirror);
typedef void (*mirror_zone_fn)(void *arg, struct zone *zone);
void mirror_each_zone(const struct mirror *mirror, mirror_zone_fn fn, void *arg);

/* Filling. why: on ROW_LEFT_OUT the reason, a constant text. */
enum row_result mirror_add_domain(
	struct mirror *mirror, const struct domain_row *row, const char **why);
enum row_result mirror_add_record(
	struct mirror *mirror, const struct record_row *row, const char **why);
enum row_result mirror_add_metadata(
	struct mirror *mirror, const struct metadata_row *row, const char **why);
enum row_result mirror_add_key(struct mirror *mirror, const struct key_row *row, const char **why);
enum row_result mirror_add_tsig_key(
	struct mirror *mirror, const struct tsig_row *row, const char **why);

/* For change.c: a zone goes into the tables (false where one has its name already), or out of them
 * and into the garbage. */
bool mirror_link_zone(struct mirror *mirror, struct zone *zone) __attribute__((warn_unused_result));
void mirror_unlink_zone(struct mirror *mirror, struct zone *zone);
void mirror_discard_zone(struct mirror *mirror, struct zone *zone);

/* Why a name is left out that name_is_spelled refuses. */
#define NAME_SPELLED "name is not spelled as PowerDNS spells it"

/* A zone made from its row, not in the tables yet. */
enum row_result mirror_make_zone(
	struct mirror *mirror, const struct domain_row *row, struct zone **zone, const char **why);
/* Into a zone that nobody looks at yet. */
enum row_result mirror_add_zone_record(
	struct mirror *mirror, struct zone *zone, const struct record_row *row, const char **why);
/* What a record row means: its name relative to the zone, and the record as it is to be served.
 * scratch takes content that had to be put together. */
struct record {
	const uint8_t *name; /* in full.wire */
	size_t name_len;
	struct name full;
	struct rr rr;
};
enum row_result record_from_row(struct record *record, struct buf *scratch, const struct zone *zone,
	const struct record_row *row, uint32_t default_ttl, const char **why);

#endif
