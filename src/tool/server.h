/*
 * server: a DNS server as somebody names it, and a key for asking it.
 */
#ifndef CSDNS_TOOL_SERVER_H
#define CSDNS_TOOL_SERVER_H

#include <sys/socket.h>

struct server {
	struct sockaddr_storage address;
	socklen_t len;
};

/* A shared secret (RFC 8945), all text owned. */
struct server_key {
	char *name;
	char *algorithm; /* "hmac-sha256.", as ldns wants it */
	char *secret;	 /* base64 */
};

/* "ns1.example.net", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353"; port 53 where there is
 * none. Names are looked up. 0, or -1 after telling why. */
int server_find(const char *text, struct server *server) __attribute__((warn_unused_result));
/* Reads a key from a file: as named has it ("key NAME { algorithm A; secret "S"; };"), or one line
 * "ALGORITHM:NAME:SECRET" or "NAME:SECRET" (hmac-sha256). 0, or -1 after telling why; never what is
 * in the file. */
int server_key_read(const char *path, struct server_key *key) __attribute__((warn_unused_result));
void server_key_fini(struct server_key *key);
/* The one line of a file, owned by the caller; NULL after telling why. */
char *server_secret_read(const char *path);

#endif
