/*
 * link: the connection of csdns-pipe to csdnsd's Unix socket. Blocks, for as long as it is told at
 * most.
 */
#ifndef CSDNS_PIPE_LINK_H
#define CSDNS_PIPE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct link {
	int fd;		  /* -1 while there is no connection */
	long timeout_ms;  /* of one call */
	const char *lost; /* why there is none, or was no answer; constant */
};

enum { LINK_LOST = -1, LINK_TIMEOUT = -2 };

void link_init(struct link *link);
/* False with the reason in link->lost. */
bool link_open(struct link *link, const char *path, long timeout_ms)
	__attribute__((warn_unused_result));
void link_close(struct link *link);
void link_set_timeout(struct link *link, long timeout_ms);
/* Sends some of it: the number of octets, or LINK_LOST, or LINK_TIMEOUT. */
ssize_t link_send(struct link *link, const char *octets, size_t len)
	__attribute__((warn_unused_result));
/* The same for what csdnsd says. Never 0. */
ssize_t link_receive(struct link *link, char *octets, size_t room)
	__attribute__((warn_unused_result));

#endif
