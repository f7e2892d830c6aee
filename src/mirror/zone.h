/*
 * zone: one zone in memory: its names in a hash table, each with its records, its row in domains,
 * its metadata and its DNSSEC keys.
 *
 * Names are relative to the apex, in wire form; every ancestor of a name up to the apex is there
 * as a node too, so empty non-terminals are known without being stored. A name exists when it has
 * an enabled record or a child that exists.
 *
 * Metadata and keys come before records: they say which order of the names is kept.
 *
 * A zone that is listed over many turns is pinned: the pin keeps seeing the zone as it was, while
 * changes are applied for everyone else.
 */
#ifndef CSDNS_MIRROR_ZONE_H
#define CSDNS_MIRROR_ZONE_H

#include "dns/name.h"
#include "mirror/reference.h"
#include "mirror/rows.h"
#include "mirror/rrs.h"
#include "mirror/secret.h"
#include "mirror/table.h"

struct node {
	struct table_entry entry;  /* in zone->names; first member. entry.owner counts the children
				    * that exist */
	struct node *parent;	   /* NULL at the apex */
	struct rrs *rrs;	   /* NULL when there are none */
	uint32_t child_nodes : 29; /* nodes whose parent this is, existing or not */
	uint32_t in_limbo : 1;	   /* to be pruned when the last pin goes */
	uint32_t is_staged : 1;	   /* a change set has it, and prunes it itself */
	uint32_t is_ordered : 1;   /* in zone->denial */
	uint8_t name_len;
	uint8_t name[]; /* behind it there may be a tail, see denial.h */
};

enum zone_kind { ZONE_NATIVE, ZONE_PRIMARY, ZONE_SECONDARY, ZONE_PRODUCER, ZONE_CONSUMER };

/* The row in domains, but for its id and name. Replaced as a whole. */
struct zone_info {
	enum zone_kind kind;
	int64_t last_check;
	bool has_notified_serial;
	uint32_t notified_serial;
	uint32_t size;	      /* of this block */
	uint32_t masters_len; /* in text: addresses as items of a JSON array, brackets left out */
	uint32_t account_len; /* in text, behind them, escaped for JSON */
	char text[];
};

/* One metadata item; kept in the order of the store. */
struct metadata {
	struct metadata *next;
	uint32_t kind_len;    /* in text, escaped for JSON */
	uint32_t content_len; /* in text, behind it, escaped for JSON */
	char text[];
};

/* A DNSSEC key; kept in the order of ids. */
struct dnssec_key {
	struct dnssec_key *next;
	struct secret *content;
	int32_t id;
	uint16_t flags;
	bool active;
	bool published;
};

struct zone_pin;
struct denial;

struct zone {
	struct table_entry by_id;   /* in mirror->zones_by_id; first member */
	struct table_entry by_name; /* in mirror->zones_by_name */
	struct pool *pool;	    /* the mirror's; everything of the zone is in it */
	int32_t id;
	struct zone_info *info;	   /* never NULL */
	struct metadata *metadata; /* list */
	struct metadata **last_metadata;
	struct dnssec_key *keys; /* list */
	struct dnssec_key **last_key;
	struct table names;
	struct denial *denial;	       /* the order of names; NULL where none is needed */
	struct references *references; /* the mirror's; NULL where it is in none */
	struct zone *next_signaling;   /* in references->signaling */
	struct order inside;	       /* struct reference: those that stay in the zone */
	bool has_begun;		       /* names are coming: no more metadata and keys do */
	struct node *apex;	       /* never NULL */
	uint64_t records;	       /* enabled and disabled */
	uint64_t *all_records;	       /* the mirror's sum of them; NULL where it is in none */
	struct zone_pin *pins; /* list; while it is not empty nothing that a pin may see is freed */
	struct retired *retired;   /* what waits for the last pin to go */
	struct zone *next_garbage; /* in the mirror's list of zones to free */
	bool is_garbage;
	uint8_t name_len;
	uint8_t name[];
};

/* Keeps the sum. */
static inline void zone_count(struct zone *zone, int64_t records)
{
	zone->records += (uint64_t)records;
	if (zone->all_records != NULL)
		*zone->all_records += (uint64_t)records;
}

/* NULL when memory is out. The row's name has been parsed into name. */
struct zone *zone_new(struct pool *pool, const struct name *name, const struct domain_row *row);
/* Frees up to *budget names; true when all is freed, the zone with it. It has no pins. */
bool zone_free_step(struct zone *zone, size_t *budget);

/* The row in domains as a block of its own; NULL when memory is out. */
struct zone_info *zone_info_new(struct pool *pool, const struct domain_row *row);
void zone_info_free(struct zone_info *info, struct pool *pool);

/* Relative name; NULL when there is no such node. A node may be there and not exist. */
struct node *zone_find(const struct zone *zone, const uint8_t *name, size_t len);
/* Have the memory that finding a name with this hash (table_hash of its octets) will need fetched,
 * in three steps; each needs what the one before asked for. */
enum fetch_step { FETCH_BUCKET, FETCH_NODE, FETCH_RECORDS };
void zone_fetch(const struct zone *zone, uint32_t hash, enum fetch_step step);
/* Finds or makes the node and its ancestors; a made one does not exist yet. NULL: no memory. */
struct node *zone_make(struct zone *zone, const uint8_t *name, size_t len);
/* Removes a node without records and children, and its ancestors that become so. */
void zone_prune(struct zone *zone, struct node *node);
/* Gives the node its new records (NULL for none); takes rrs. Returns the old ones for the caller to
 * free, or NULL where there were none or a pin keeps them. *changed is the topmost node that came
 * into or went out of existence by that, or NULL. Cannot fail; does not prune. */
struct rrs *zone_swap(struct zone *zone, struct node *node, struct rrs *rrs, struct node **changed)
	__attribute__((warn_unused_result));

/* Adds one record to a node of a zone that nobody looks at yet. -1: no memory. */
int zone_append(struct zone *zone, struct node *node, const struct rr *rr)
	__attribute__((warn_unused_result));

int zone_add_metadata(struct zone *zone, const struct metadata_row *row)
	__attribute__((warn_unused_result));
/* The first item of a kind that PowerDNS asks for, escaped for JSON; at is NULL when there is none.
 */
struct text zone_setting(const struct zone *zone, const char *kind);
bool zone_setting_is_one(const struct zone *zone, const char *kind);

/* secrets: of the mirror that the zone is in. */
int zone_add_key(struct zone *zone, struct secrets *secrets, const struct key_row *row)
	__attribute__((warn_unused_result));

bool node_exists(const struct node *node);
/* Is a record of this type here authoritative? False at and below a delegation but for its DS, and
 * for signatures. */
bool node_is_authoritative(const struct node *node, uint16_t type);

/* The serial of the apex SOA; false when the zone has no enabled SOA. */
bool zone_serial(const struct zone *zone, uint32_t *serial);

/* NULL when memory is out. */
struct zone_pin *zone_pin_new(struct zone *zone);
/* Calls fn for each name that has records or exists in the pin's view, bucket after bucket, until
 * about `budget` names were shown. rrs is NULL where there are no records: below it are some. 1:
 * all are shown, 0: there are more, -1: the view was lost because memory ran out. */
typedef void (*zone_name_fn)(void *arg, const struct node *node, const struct rrs *rrs);
int zone_pin_walk(struct zone_pin *pin, size_t budget, zone_name_fn fn, void *arg);
/* node_is_authoritative, as it was when the pin was made. For a node that the walk shows;
 * type 0 for one without records. */
bool zone_pin_authoritative(const struct zone_pin *pin, const struct node *node, uint16_t type);
/* node_exists, likewise. */
bool zone_pin_exists(const struct zone_pin *pin, const struct node *node);
/* Ends the pin. The zone is the caller's to free where zone->is_garbage and no pins are left. */
void zone_pin_free(struct zone_pin *pin);
struct zone *zone_pin_zone(const struct zone_pin *pin);
/* For zone_swap and zone_prune: a block that a pin may see, or a node to prune, waits for the last
 * pin. One of the two is NULL. */
void zone_keep_for_pins(struct zone *zone, struct node *node, struct rrs *rrs);

#endif
