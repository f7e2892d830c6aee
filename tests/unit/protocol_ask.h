/*
 * protocol_ask: asking the protocol, with a mirror to answer from: a zone that lies in another,
 * which delegates to it; zones with and without SOA; the root.
 */
#ifndef CSDNS_TESTS_PROTOCOL_ASK_H
#define CSDNS_TESTS_PROTOCOL_ASK_H

#include "protocol/protocol.h"

#include <jansson.h>

extern struct mirror *asked; /* may be NULL */
extern int reloads;	     /* that were asked for */

/* Around each test: the mirror, filled, and that nothing of it is left. */
int ask_setup(void **state);
int ask_teardown(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, ask_setup, ask_teardown)

/* notified: -1 for none. */
void ask_add_domain(
	int32_t id, const char *name, const char *type, const char *master, int64_t notified);
void ask_add(int32_t id, const char *name, const char *type, const char *content);
void ask_add_disabled(int32_t id, const char *name, const char *type, const char *content);

/* served may be NULL. */
struct protocol ask_protocol(struct mirror *served);
/* The reply, whole; a listing in steps of `budget`. */
void ask_bytes(const struct protocol *protocol, const char *request, size_t len, size_t budget,
	struct buf *reply, struct answer *answer);
/* One line of JSON with a result. */
json_t *parse_reply(const struct buf *reply);
/* The result is this JSON text. */
void assert_answer(const char *request, const char *expected);
/* The result is false, with this reason where one is given. */
void assert_fails_bytes(const char *request, size_t len, const char *problem, bool is_malformed);
void assert_fails(const char *request, const char *problem);
void assert_malformed(const char *request);

/* "lookup" with a name, a type and a zone-id; good until the next call. */
const char *ask_lookup(const char *qname, const char *qtype, int zone_id);

#define LIST(id) "{\"method\":\"list\",\"parameters\":{\"domain_id\":" #id "}}"
#define LIST_ALL(id)                                                                               \
	"{\"method\":\"list\",\"parameters\":{\"domain_id\":" #id                                  \
	",\"include_disabled\":true,\"zonename\":\"x.\"}}"

#define RECORD(type, name, content, id, auth)                                                      \
	"{\"qtype\":\"" type "\",\"qname\":\"" name "\",\"content\":\"" content                    \
	"\",\"ttl\":3600,\"domain_id\":" #id AUTH_##auth "}"
/* True is what PowerDNS takes it for where nothing is said. */
#define AUTH_0 ",\"auth\":0"
#define AUTH_1 ""
#define ENT(name, id)                                                                              \
	"{\"qtype\":\"\",\"qname\":\"" name "\",\"content\":\"\",\"ttl\":300,\"domain_id\":" #id "}"

#endif
