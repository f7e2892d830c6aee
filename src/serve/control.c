#include "serve/control.h"

#include "base/clock.h"
#include "pg/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct control {
	struct event_base *base;
	control_done_fn fn;
	void *arg;
	struct sockaddr_un address;
	int fd;		     /* -1: not busy */
	struct event *event; /* of fd */
	struct buf line;     /* the command */
	size_t sent;	     /* octets of it */
	int64_t deadline_ms; /* for all of it */
	char reply[CONTROL_REPLY_MAX + 1];
	size_t reply_len;
};

struct control *control_new(
	struct event_base *base, const char *path, control_done_fn fn, void *arg)
{
	struct control *control;

	if (strlen(path) > control_path_max())
		return NULL;
	control = calloc(1, sizeof(*control));
	if (control == NULL)
		return NULL;
	control->base = base;
	control->fn = fn;
	control->arg = arg;
	control->fd = -1;
	control->address.sun_family = AF_UNIX;
	memcpy(control->address.sun_path, path, strlen(path) + 1);
	buf_init(&control->line);
	return control;
}

static void hang_up(struct control *control)
{
	event_drop(control->event);
	control->event = NULL;
	if (control->fd >= 0)
		(void)close(control->fd);
	control->fd = -1;
	buf_reset(&control->line, SIZE_MAX);
	control->sent = 0;
}

void control_free(struct control *control)
{
	if (control == NULL)
		return;
	hang_up(control);
	buf_fini(&control->line);
	free(control);
}

const char *control_path(const struct control *control)
{
	return control->address.sun_path;
}

size_t control_path_max(void)
{
	return sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
}

struct buf *control_line(struct control *control)
{
	return &control->line;
}

static void finish(struct control *control, const char *problem)
{
	hang_up(control);
	while (control->reply_len > 0 && strchr(" \t\r\n", control->reply[control->reply_len - 1]))
		control->reply_len--;
	control->reply[control->reply_len] = '\0';
	control->fn(control->arg, problem == NULL ? control->reply : NULL, problem);
}

/* As much as the socket takes. NULL, or why it goes no further. */
static const char *write_some(struct control *control)
{
	while (control->sent < control->line.len) {
		ssize_t n = send(control->fd, control->line.data + control->sent,
			control->line.len - control->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			control->sent += (size_t)n;
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return NULL;
		else if (errno != EINTR)
			return strerror(errno);
	}
	return NULL;
}

/* True when the peer has said all; *problem when it never will. */
static bool read_some(struct control *control, const char **problem)
{
	char bytes[CONTROL_REPLY_MAX];

	for (;;) {
		ssize_t n = recv(control->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n == 0)
			return true;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				*problem = strerror(errno);
			return false;
		}
		size_t room = CONTROL_REPLY_MAX - control->reply_len;
		size_t taken = (size_t)n < room ? (size_t)n : room;
		memcpy(control->reply + control->reply_len, bytes, taken);
		control->reply_len += taken;
		if (taken < (size_t)n)
			return true; /* no reply of interest is that long */
	}
}

static const char *wait_more(struct control *control);

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	struct control *control = arg;
	const char *problem = NULL;
	bool is_done = false;

	(void)fd;
	if (what & EV_TIMEOUT)
		problem = "it does not answer";
	if (what & EV_WRITE)
		problem = write_some(control);
	if (problem == NULL && (what & EV_READ))
		is_done = read_some(control, &problem);
	if (is_done && control->reply_len == 0)
		problem = "it closed the connection without an answer";
	if (problem == NULL && !is_done)
		problem = wait_more(control);
	if (problem != NULL || is_done)
		finish(control, problem);
}

/* The next event, within what is left of the time. NULL, or why there will be none. */
static const char *wait_more(struct control *control)
{
	int64_t left = control->deadline_ms - clock_ms();
	struct timeval timeout = clock_timeval(left > 0 ? left : 0);
	short what = EV_READ;

	if (control->sent < control->line.len)
		what |= EV_WRITE;
	if (control->event == NULL)
		control->event = event_new(control->base, control->fd, what, on_event, control);
	else if (event_assign(control->event, control->base, control->fd, what, on_event, control) <
		 0)
		return "out of memory";
	if (control->event == NULL || event_add(control->event, &timeout) < 0)
		return "out of memory";
	return NULL;
}

static const char *start(struct control *control)
{
	const char *problem;

	if (buf_failed(&control->line))
		return "out of memory";
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (control->fd < 0)
		return strerror(errno);
	/* A full queue of connections is EAGAIN: PowerDNS hangs. */
	if (connect(control->fd, (struct sockaddr *)&control->address, sizeof(control->address)) <
		0)
		return errno == EAGAIN ? "it does not answer" : strerror(errno);
	problem = write_some(control);
	return problem != NULL ? problem : wait_more(control);
}

const char *control_send(struct control *control, int64_t timeout_ms)
{
	const char *problem;

	control->deadline_ms = clock_ms() + timeout_ms;
	control->reply_len = 0;
	control->sent = 0;
	problem = start(control);
	if (problem != NULL)
		hang_up(control);
	return problem;
}
