/*
 * request: what a request of PowerDNS' remote protocol is about, as far as csdns-pipe has to know:
 * whether it can be asked a second time. Reads only its method, and only where PowerDNS writes it,
 * at the beginning.
 */
#ifndef CSDNS_PIPE_REQUEST_H
#define CSDNS_PIPE_REQUEST_H

#include <stddef.h>

enum request_kind {
	REQUEST_WRITE, /* or unknown: to be done once, or not at all */
	REQUEST_READ,  /* can be asked again */
	REQUEST_INITIALIZE,
	REQUEST_BEGIN, /* of a transaction: does nothing by itself */
	REQUEST_COMMIT,
	REQUEST_ABORT,
};

struct request {
	enum request_kind kind;
	const char *method; /* constant; "?" where it is not one of those that are known here */
};

struct request request_parse(const char *line, size_t len);

#endif
