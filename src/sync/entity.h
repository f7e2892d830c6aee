/*
 * entity: the kinds of things in the cloud that facts are kept of, and how its API lists them.
 */
#ifndef CSDNS_SYNC_ENTITY_H
#define CSDNS_SYNC_ENTITY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define UUID_SIZE 37 /* with its zero */

enum entity_kind {
	ENTITY_DOMAIN,
	ENTITY_ACCOUNT,
	ENTITY_PROJECT,
	ENTITY_NETWORK,
	ENTITY_INSTANCE,
	ENTITY_PUBLIC_ADDRESS,
	ENTITY_NIC, /* or a secondary address; only in hints: the database knows whose it is */
	ENTITY_NONE,
};
#define ENTITY_KINDS                                                                               \
	((size_t)ENTITY_NIC) /* those that can be asked for, in the order of passes                \
			      */

/* The database's word for it: "instance". */
const char *entity_name(enum entity_kind kind);
/* ENTITY_NONE when it is none of them. */
enum entity_kind entity_find(const char *name);
/* By the name of CloudStack's class or resource type, also with its package:
 * "com.cloud.vm.VirtualMachine". */
enum entity_kind entity_find_class(const char *name);

/* The API's command that lists them, and the key under which an answer has them. */
const char *entity_command(enum entity_kind kind);
const char *entity_key(enum entity_kind kind);
/* Does the API leave out what belongs to projects, unless it is asked for by itself? */
bool entity_in_projects(enum entity_kind kind);

/* 36 characters, as CloudStack writes one. */
bool uuid_is(const char *text);

/* The entities of an answer (the object inside of its envelope): a borrowed array, or NULL with
 * *is_empty when there are none; NULL and not empty: it is something else. */
const json_t *entity_list(enum entity_kind kind, const json_t *answer, bool *is_empty);
/* What the answer counts, over all pages; 0 when it does not say. */
size_t entity_count(const json_t *answer);
/* Does it list none, though it counts some? So CloudStack answers behind the last page. */
bool entity_is_behind(enum entity_kind kind, const json_t *answer);
/* An entity cut down to what the schema reads, which is a tenth of it. New, or NULL without memory.
 */
json_t *entity_trim(enum entity_kind kind, const json_t *entity);

#endif
