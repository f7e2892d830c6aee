/*
 * call: one request while it is being answered, and its checked parameters. Private to
 * src/protocol.
 */
#ifndef CSDNS_PROTOCOL_CALL_H
#define CSDNS_PROTOCOL_CALL_H

#include "protocol/protocol.h"
#include "protocol/scan.h"

#include <jansson.h>

struct call {
	const struct protocol *protocol;
	json_t *parameters; /* borrowed; an object, or NULL where there are none */
	struct buf *reply;
	struct answer *answer;
};

/* Makes the result false, with the reason; whatever was appended to the reply is the caller's to
 * have avoided. */
void call_fail(struct call *call, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Each takes one parameter and is true, or fails the call and is false. Text is borrowed from the
 * request. */
bool call_text(struct call *call, const char *key, struct text *text);
bool call_name(struct call *call, const char *key, struct name *name);
/* NULL after failing the call. */
json_t *call_object(struct call *call, const char *key);
json_t *call_array(struct call *call, const char *key);
/* The zone with this name, or this number; NULL after failing the call. */
const struct zone *call_zone(struct call *call, const char *key);
const struct zone *call_zone_id(struct call *call, const char *key);
/* Fails the call for a name that name_parse refused. */
void call_bad_name(struct call *call, const char *key, struct text text, int error);
bool call_int(struct call *call, const char *key, int64_t min, int64_t max, int64_t *value);
/* These have a default for a parameter that is not there. */
bool call_int_or(struct call *call, const char *key, int64_t absent, int64_t min, int64_t max,
	int64_t *value);
bool call_bool_or(struct call *call, const char *key, bool absent, bool *value);
bool call_text_or(struct call *call, const char *key, const char *absent, struct text *text);

/* Makes the answer a write, whose parameters are then to be added. Everything has been checked, or
 * the write is dropped again after failing the call. */
struct write *call_write(struct call *call, enum write_kind kind);
void call_write_drop(struct call *call);
/* As it is stored: without the final dot; the root is ".". */
void call_write_name(struct write *write, const struct name *name);

/* What a lookup asks, from its parameters; and its answer. */
bool lookup_get(struct call *call, struct lookup_request *lookup);
void lookup_answer(struct call *call, const struct lookup_request *lookup);

/* The methods, one file a group of them. */
typedef void (*method_fn)(struct call *call);
void method_initialize(struct call *call);
void method_lookup(struct call *call);
void method_api_lookup(struct call *call);
void method_list(struct call *call);
void method_get_all_domains(struct call *call);
void method_get_domain_info(struct call *call);
void method_get_updated_masters(struct call *call);
void method_get_domain_metadata(struct call *call);
void method_get_all_domain_metadata(struct call *call);
void method_get_unfresh_slave_infos(struct call *call);
void method_search_records(struct call *call);
void method_get_domain_keys(struct call *call);
void method_get_before_and_after_names_absolute(struct call *call);
void method_get_tsig_key(struct call *call);
void method_get_tsig_keys(struct call *call);
void method_direct_backend_cmd(struct call *call);

void method_set_notified(struct call *call);
void method_set_fresh(struct call *call);
void method_set_stale(struct call *call);
void method_set_domain_metadata(struct call *call);
void method_add_domain_key(struct call *call);
void method_remove_domain_key(struct call *call);
void method_activate_domain_key(struct call *call);
void method_deactivate_domain_key(struct call *call);
void method_publish_domain_key(struct call *call);
void method_unpublish_domain_key(struct call *call);
void method_set_tsig_key(struct call *call);
void method_delete_tsig_key(struct call *call);
void method_super_master_backend(struct call *call);
void method_create_slave_domain(struct call *call);

void method_start_transaction(struct call *call);
void method_commit_transaction(struct call *call);
void method_abort_transaction(struct call *call);
void method_feed_record(struct call *call);
void method_feed_ents(struct call *call);
void method_replace_rrset(struct call *call);

/* What these methods do while a transaction is open. */
void inside_lookup(struct call *call);
void inside_api_lookup(struct call *call);
void inside_list(struct call *call);
void inside_get_domain_metadata(struct call *call);
void inside_get_all_domain_metadata(struct call *call);
void inside_get_domain_keys(struct call *call);

#endif
