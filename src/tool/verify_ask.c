#include "tool/verify.h"

#include "tool/cell.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TRIES	  3
#define TIMEOUT_S 2
#define UDP_SIZE  1232

static ldns_buffer *make_question(const struct rr *rr, uint16_t *id)
{
	ldns_rdf *name = ldns_dname_new_frm_str(rr->name);
	ldns_pkt *query = name != NULL
				  ? ldns_pkt_query_new(name, ldns_get_rr_type_by_name(rr->type),
					    LDNS_RR_CLASS_IN, 0)
				  : NULL;
	ldns_buffer *wire = ldns_buffer_new(LDNS_MAX_PACKETLEN);

	if (query != NULL && wire != NULL) {
		ldns_pkt_set_random_id(query);
		ldns_pkt_set_edns_udp_size(query, UDP_SIZE);
		*id = ldns_pkt_id(query);
		if (ldns_pkt2buffer_wire(wire, query) == LDNS_STATUS_OK) {
			ldns_pkt_free(query);
			return wire;
		}
	}
	ldns_buffer_free(wire);
	ldns_pkt_free(query);
	return NULL;
}

/* An answer to the question, or NULL. */
static ldns_pkt *exchange(
	const struct verify_server *server, ldns_buffer *question, uint16_t id, bool over_tcp)
{
	const struct timeval timeout = {.tv_sec = TIMEOUT_S};
	const struct server *to = &server->server;
	uint8_t *wire = NULL;
	size_t size = 0;
	ldns_pkt *answer = NULL;
	ldns_status status =
		over_tcp ? ldns_tcp_send(&wire, question, &to->address, to->len, timeout, &size)
			 : ldns_udp_send(&wire, question, &to->address, to->len, timeout, &size);

	if (status == LDNS_STATUS_OK && ldns_wire2pkt(&answer, wire, size) != LDNS_STATUS_OK)
		answer = NULL;
	free(wire);
	if (answer != NULL && (ldns_pkt_id(answer) != id || !ldns_pkt_qr(answer))) {
		ldns_pkt_free(answer);
		answer = NULL;
	}
	return answer;
}

static ldns_pkt *ask(struct verify_server *server, const struct rr *rr)
{
	uint16_t id = 0;
	ldns_buffer *question = make_question(rr, &id);
	ldns_pkt *answer = NULL;

	for (int try = 0; question != NULL && answer == NULL && try < TRIES; try++)
		answer = exchange(server, question, id, false);
	if (answer != NULL && ldns_pkt_tc(answer)) {
		ldns_pkt_free(answer);
		answer = exchange(server, question, id, true);
	}
	ldns_buffer_free(question);
	if (answer == NULL)
		server->problem = "does not answer";
	return answer;
}

/* The records of a section that were asked for. */
static int take(struct rr_list *list, const ldns_rr_list *section, const struct rr *asked)
{
	ldns_rr_type type = ldns_get_rr_type_by_name(asked->type);

	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(section, i);
		if (ldns_rr_get_type(rr) != type)
			continue;
		struct rr *added = rr_list_add(list, rr, NULL);
		if (added == NULL)
			return -1;
		if (strcmp(added->name, asked->name) != 0)
			return rr_set_fault(added, "another name");
	}
	return 0;
}

static bool is_same(const struct rrset *rrset, const struct rr_list *got)
{
	bool one_ttl = true;

	if (rrset->n != got->n)
		return false;
	for (size_t i = 1; i < rrset->n; i++)
		one_ttl = one_ttl && rrset->records[i].ttl == rrset->records[0].ttl;
	for (size_t i = 0; i < rrset->n; i++) {
		if (got->items[i].fault != NULL ||
			rr_compare(&rrset->records[i], &got->items[i]) != 0 ||
			(one_ttl && rrset->records[i].ttl != got->items[i].ttl))
			return false;
	}
	return true;
}

void verify_add_records(struct buf *out, const struct rr *records, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%s%" PRIu32 " ", i > 0 ? ", " : "", records[i].ttl);
		cell_add_escaped(out, records[i].content, strlen(records[i].content));
	}
	if (n == 0)
		buf_add_str(out, "nothing");
}

static void add_got(struct buf *out, const ldns_pkt *answer, const struct rr_list *got)
{
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);
	char *text = rcode != LDNS_RCODE_NOERROR ? ldns_pkt_rcode2str(rcode) : NULL;

	if (text != NULL)
		buf_add_str(out, text);
	else
		verify_add_records(out, got->items, got->n);
	free(text);
}

int verify_ask(struct verify_server *server, const struct rrset *rrset, struct buf *got)
{
	struct rr_list list;
	ldns_pkt *answer = ask(server, rrset->records);

	if (answer == NULL)
		return -1;
	rr_list_init(&list);
	bool is_others = rrset->is_cut && ldns_pkt_aa(answer);
	int rc = take(&list, rrset->is_cut ? ldns_pkt_authority(answer) : ldns_pkt_answer(answer),
		rrset->records);
	rr_list_sort(&list);
	if (rc == 0 && !is_others && !is_same(rrset, &list)) {
		add_got(got, answer, &list);
		rc = 1;
	}
	rr_list_fini(&list);
	ldns_pkt_free(answer);
	return rc;
}
