/*
 * store_model: a store as a naive program would keep it: lists, changed at random, and a journal of
 * what was touched, as the database has it. And its rows, as the feed would hand them on.
 */
#ifndef CSDNS_TESTS_STORE_MODEL_H
#define CSDNS_TESTS_STORE_MODEL_H

#include "mirror/mirror.h"

#define ZONES	 5
#define RECORDS	 40
#define METADATA 4

struct model_record {
	char name[32];
	const char *type;
	char content[64];
	int ttl;
	bool disabled;
};

struct model_zone {
	int id; /* 0: there is none */
	const char *name;
	const char *type;
	int last_check;
	unsigned n_records;
	struct model_record records[RECORDS];
	unsigned n_metadata;
	int metadata[METADATA];
	unsigned n_keys; /* with ids from 1 on */
};

struct model {
	unsigned n_tsig_keys;
	struct model_zone zones[ZONES];
};

/* What transactions touched. */
#define TOUCHED 40

struct journal {
	unsigned n_zones, n_infos, n_names;
	bool has_tsig_keys;
	int zones[TOUCHED];
	int infos[TOUCHED];
	struct {
		int id;
		char name[32];
	} names[TOUCHED];
};

/* One transaction, at random, or none. */
void model_transact(struct model *model, struct journal *journal);
/* A name: all its records replaced, some added, or all removed. */
void model_change_name(struct model_zone *zone, struct journal *journal);
/* With id 0: a place for a zone. NULL when there is none. */
struct model_zone *model_find(struct model *model, int id);

/* A name of up to four labels in the zone; a label of such names. */
void model_random_name(char *name, size_t size, const char *zone);
const char *model_random_label(void);
/* The root is "" here, and "." in the store. */
struct text model_stored_name(const char *name);

/* Text in the rows is the model's. */
struct domain_row model_domain_row(const struct model_zone *zone);
struct record_row model_record_row(const struct model_zone *zone, unsigned i);
struct metadata_row model_metadata_row(const struct model_zone *zone, unsigned i);
struct key_row model_key_row(const struct model_zone *zone, unsigned i);
struct tsig_row model_tsig_row(unsigned i);
/* Fills an empty mirror. 0, or -1 when memory ran out. */
int model_load(struct mirror *mirror, const struct model *model);

#endif
