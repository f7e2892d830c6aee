/*
 * control: PowerDNS' control socket: one command at a time, each over a connection of its own, as
 * PowerDNS wants it. Nothing here waits: a command is handed to the kernel at once, and its reply
 * comes with the loop.
 */
#ifndef CSDNS_SERVE_CONTROL_H
#define CSDNS_SERVE_CONTROL_H

#include "base/buf.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

/* Of a reply; what is longer is cut. */
#define CONTROL_REPLY_MAX 256

struct control;

/* The command was answered with reply, without blanks at its end; or it was not, reply is NULL then
 * and problem says why. Another command may be sent from here. */
typedef void (*control_done_fn)(void *arg, const char *reply, const char *problem);

/* The path is copied. NULL when memory is out, or the path is too long for a socket. */
struct control *control_new(
	struct event_base *base, const char *path, control_done_fn fn, void *arg);
/* A command under way is given up. */
void control_free(struct control *control);

const char *control_path(const struct control *control);
/* The longest path that a socket can have. */
size_t control_path_max(void);

/* Where the next command is written, with its newline. Empty; only while it is not busy. */
struct buf *control_line(struct control *control);
/* Sends it. NULL: done will be called; else why it could not be sent, and it will not. */
const char *control_send(struct control *control, int64_t timeout_ms);

#endif
