/*
 * address: where to listen, as an operator writes it.
 */
#ifndef CSDNS_HTTP_ADDRESS_H
#define CSDNS_HTTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct address {
	struct sockaddr_storage storage;
	socklen_t len;
};

/* "192.0.2.1:8080", "[2001:db8::1]:8080"; "8080" and ":8080" are 127.0.0.1. Numbers, no host names:
 * nothing is looked up. Port 0 is refused. */
bool address_parse(const char *text, struct address *address);
/* Listens there, for TCP, without blocking: a descriptor, or -1 with the reason in error. */
int address_listen(const char *text, char *error, size_t size) __attribute__((warn_unused_result));

#endif
