/*
 * import_axfr: a zone by transfer (RFC 5936), its signatures checked where there is a key. ldns
 * makes, signs and reads the messages.
 */
#include "tool/import.h"
#include "tool/server.h"
#include "tool/tsig_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_S 30 /* for connecting, and for each message */

/* One transfer. */
struct transfer {
	const char *zone;
	const char *server;	      /* as it was named */
	const struct server_key *key; /* NULL: unsigned */
	int fd;
	uint16_t id;
	struct tsig_check *check; /* NULL: unsigned */
	bool is_next;		  /* a message was taken */
	unsigned n_soa;		  /* the second one ends it */
};

static int fail(const struct transfer *transfer, const char *why)
{
	tool_error("zone \"%s\" from %s: %s", transfer->zone, transfer->server, why);
	return -1;
}

static struct timeval timeout(void)
{
	return (struct timeval){.tv_sec = TIMEOUT_S};
}

static bool sign_query(struct transfer *transfer, ldns_pkt *query)
{
	const struct server_key *key = transfer->key;

	if (ldns_pkt_tsig_sign(query, key->name, key->secret, 300, key->algorithm, NULL) !=
		LDNS_STATUS_OK)
		return false;
	transfer->check = tsig_check_new(key, query);
	return transfer->check != NULL;
}

static ldns_pkt *make_query(struct transfer *transfer)
{
	ldns_rdf *name = ldns_dname_new_frm_str(transfer->zone);
	ldns_pkt *query = name != NULL
				  ? ldns_pkt_query_new(name, LDNS_RR_TYPE_AXFR, LDNS_RR_CLASS_IN, 0)
				  : NULL;

	if (query == NULL)
		return NULL;
	ldns_pkt_set_random_id(query);
	transfer->id = ldns_pkt_id(query);
	if (transfer->key != NULL && !sign_query(transfer, query)) {
		ldns_pkt_free(query);
		return NULL;
	}
	return query;
}

static int send_query(struct transfer *transfer, const struct server *server)
{
	ldns_pkt *query = make_query(transfer);
	ldns_buffer *wire = ldns_buffer_new(LDNS_MAX_PACKETLEN);
	int rc = -1;

	if (query == NULL || wire == NULL || ldns_pkt2buffer_wire(wire, query) != LDNS_STATUS_OK)
		(void)fail(transfer, transfer->key != NULL
					     ? "the question cannot be signed with that key"
					     : "the question cannot be made");
	else if (ldns_tcp_send_query(wire, transfer->fd, &server->address, server->len) <= 0)
		(void)fail(transfer, strerror(errno));
	else
		rc = 0;
	ldns_buffer_free(wire);
	ldns_pkt_free(query);
	return rc;
}

static const char *judge(
	struct transfer *transfer, const ldns_pkt *message, const uint8_t *wire, size_t size)
{
	if (ldns_pkt_id(message) != transfer->id || !ldns_pkt_qr(message))
		return "the answer is not to this question";
	switch (ldns_pkt_get_rcode(message)) {
	case LDNS_RCODE_NOERROR:
		return transfer->check != NULL
			       ? tsig_check_next(transfer->check, message, wire, size)
			       : NULL;
	case LDNS_RCODE_REFUSED:
		return "the server refuses the transfer";
	case LDNS_RCODE_NOTAUTH:
		return transfer->key != NULL
			       ? "the server does not take the key, or does not have the zone"
			       : "the server does not have the zone";
	case LDNS_RCODE_FORMERR:
	case LDNS_RCODE_NOTIMPL:
		return "the server does not understand the question";
	default:
		return "the server failed";
	}
}

static const char *take_records(struct transfer *transfer, const ldns_rr_list *answer,
	struct rr_list *list, struct progress *progress)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(answer, i);
		bool is_soa = ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA;
		if (!is_soa && transfer->n_soa == 0)
			return "the answer does not begin with a SOA record";
		if (is_soa && ++transfer->n_soa == 2)
			return NULL;
		if (rr_list_add(list, rr, NULL) == NULL)
			return "out of memory";
		progress_add(progress, 1);
	}
	return ldns_rr_list_rr_count(answer) > 0 ? NULL : "a message of the answer is empty";
}

/* 0 or -1 after telling. */
static int take_message(struct transfer *transfer, struct rr_list *list, struct progress *progress)
{
	ldns_pkt *message = NULL;
	size_t size = 0;
	uint8_t *wire = ldns_tcp_read_wire_timeout(transfer->fd, &size, timeout());

	if (wire == NULL)
		return fail(transfer, transfer->is_next ? "the transfer broke off"
							: "the server does not answer");
	const char *why = ldns_wire2pkt(&message, wire, size) == LDNS_STATUS_OK
				  ? judge(transfer, message, wire, size)
				  : "the answer is not understood";
	if (why == NULL)
		why = take_records(transfer, ldns_pkt_answer(message), list, progress);
	transfer->is_next = true;
	ldns_pkt_free(message);
	free(wire);
	return why == NULL ? 0 : fail(transfer, why);
}

static int run(struct transfer *transfer, struct rr_list *list, struct progress *progress)
{
	struct server server;

	if (server_find(transfer->server, &server) != 0)
		return -1;
	transfer->fd = ldns_tcp_connect2(&server.address, server.len, timeout());
	if (transfer->fd < 0)
		return fail(transfer, strerror(errno));
	int rc = send_query(transfer, &server);
	while (rc == 0 && transfer->n_soa < 2)
		rc = take_message(transfer, list, progress);
	if (rc == 0 && transfer->check != NULL) {
		const char *why = tsig_check_end(transfer->check);
		rc = why == NULL ? 0 : fail(transfer, why);
	}
	(void)close(transfer->fd);
	return rc;
}

int import_axfr(const char *zone, const char *server, const char *key_file, struct rr_list *list,
	struct progress *progress)
{
	struct transfer transfer = {.zone = zone, .server = server};
	struct server_key key = {.name = NULL};

	if (key_file != NULL) {
		if (server_key_read(key_file, &key) != 0)
			return -1;
		transfer.key = &key;
	}
	int rc = run(&transfer, list, progress);
	tsig_check_free(transfer.check);
	server_key_fini(&key);
	return rc;
}
