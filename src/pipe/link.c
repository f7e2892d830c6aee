#include "pipe/link.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* What a call that failed means. The peer may have written something before it closed: only
 * receiving finds out. */
static ssize_t failed(struct link *link, const char *why)
{
	bool is_timeout = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINPROGRESS;

	link->lost = is_timeout ? "the time is up" : why;
	return is_timeout ? LINK_TIMEOUT : LINK_LOST;
}

void link_init(struct link *link)
{
	link->fd = -1;
	link->timeout_ms = 0;
	link->lost = "never connected";
}

bool link_open(struct link *link, const char *path, long timeout_ms)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);

	link_close(link);
	if (len >= sizeof(address.sun_path)) {
		link->lost = "a socket's path has 107 octets at most";
		return false;
	}
	memcpy(address.sun_path, path, len + 1);
	link->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (link->fd >= 0) {
		link_set_timeout(link, timeout_ms);
		if (connect(link->fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
			return true;
	}
	(void)failed(link, strerror(errno));
	link_close(link);
	return false;
}

void link_close(struct link *link)
{
	if (link->fd >= 0)
		(void)close(link->fd);
	link->fd = -1;
	link->timeout_ms = 0;
}

void link_set_timeout(struct link *link, long timeout_ms)
{
	struct timeval timeout = clock_timeval(timeout_ms);

	if (link->timeout_ms == timeout_ms)
		return;
	link->timeout_ms = timeout_ms;
	(void)setsockopt(link->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	(void)setsockopt(link->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
}

ssize_t link_send(struct link *link, const char *octets, size_t len)
{
	ssize_t n;

	do
		n = send(link->fd, octets, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n >= 0 ? n : failed(link, strerror(errno));
}

ssize_t link_receive(struct link *link, char *octets, size_t room)
{
	ssize_t n;

	do
		n = recv(link->fd, octets, room, 0);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	if (n < 0)
		return failed(link, strerror(errno));
	link->lost = "it closed the connection";
	return LINK_LOST;
}
