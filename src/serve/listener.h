/*
 * listener: the Unix socket that PowerDNS connects to.
 */
#ifndef CSDNS_SERVE_LISTENER_H
#define CSDNS_SERVE_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct listener_settings {
	const char *path; /* at most 107 octets */
	mode_t mode;
	const char *owner; /* name or number of a user, or NULL */
	const char *group;
};

/* A listening socket, non-blocking; or -1 with the reason in error. A socket file that nobody
 * listens on is replaced; the path of anything else is refused. */
int listener_open(const struct listener_settings *settings, char *error, size_t size);
/* Closes the socket and removes its file; path may be NULL. */
void listener_close(int fd, const char *path);

/* The number of a user by name or number; false when there is none. */
bool user_find(const char *name, uid_t *uid);

/* The socket that systemd passed, -1 when it passed none; -2 with the reason in error. */
int listener_inherited(char *error, size_t size);

#endif
