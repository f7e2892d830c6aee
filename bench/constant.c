/*
 * constant: the floor for bench/lookup. A responder on a Unix socket that answers every line with
 * the same reply, with the same library and the same system calls as csdnsd, and no work.
 *
 * Usage: constant SOCKET
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char reply[] =
	"{\"result\":[{\"qtype\":\"A\",\"qname\":\"vm-0000000.bench.example.\",\"content\":"
	"\"10.0.0.1\",\"ttl\":3600,\"domain_id\":1,\"auth\":1}]}\n";

struct peer {
	struct event *event;
	char in[4096];
	size_t len;
};

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct peer *peer = arg;
	ssize_t n = recv(fd, peer->in + peer->len, sizeof(peer->in) - peer->len, 0);

	(void)what;
	if (n <= 0) {
		if (n < 0 && errno == EAGAIN)
			return;
		event_free(peer->event);
		free(peer);
		(void)close(fd);
		return;
	}
	peer->len += (size_t)n;
	if (memchr(peer->in, '\n', peer->len) == NULL)
		return;
	peer->len = 0;
	if (send(fd, reply, sizeof(reply) - 1, MSG_NOSIGNAL) < 0)
		perror("send");
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
	struct peer *peer = calloc(1, sizeof(*peer));

	(void)what;
	if (accepted < 0 || peer == NULL)
		exit(1);
	peer->event = event_new(arg, accepted, EV_READ | EV_PERSIST, on_readable, peer);
	if (peer->event == NULL || event_add(peer->event, NULL) < 0)
		exit(1);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct event_base *base = event_base_new();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path) || base == NULL || fd < 0) {
		fprintf(stderr, "usage: constant SOCKET\n");
		return 2;
	}
	strcpy(address.sun_path, argv[1]);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 64) < 0) {
		perror(argv[1]);
		return 1;
	}
	struct event *event = event_new(base, fd, EV_READ | EV_PERSIST, on_accept, base);
	if (event == NULL || event_add(event, NULL) < 0)
		return 1;
	return event_base_dispatch(base);
}
