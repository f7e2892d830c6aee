/*
 * constant: the floor for bench/lookup and bench/run. A responder on a Unix socket that answers
 * every line with the same reply, with the same library and the same system calls as csdnsd, and no
 * work. With --zone PowerDNS can serve that zone from it: whatever name in it is asked has the same
 * A record, under the name that was asked, and the zone's own name has an SOA.
 *
 * Usage: constant [--zone NAME] SOCKET
 */
#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char reply[] =
	"{\"result\":[{\"qtype\":\"A\",\"qname\":\"vm-0000000.bench.example.\",\"content\":"
	"\"10.0.0.1\",\"ttl\":3600,\"domain_id\":1}]}\n";

/* With --zone: the zone's name with its dot as in requests, and the replies about it. */
static char apex[256];
static char soa[1024];
static char zones[1024];

struct peer {
	struct event *event;
	char in[4096]; /* the last octet stays 0 */
	size_t len;
};

static bool has(const struct peer *peer, const char *text)
{
	return memmem(peer->in, peer->len, text, strlen(text)) != NULL;
}

static bool send_all(int fd, const char *text, size_t len)
{
	return send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* The A record under the name that was asked for. */
static bool send_record(int fd, const char *name, size_t len)
{
	char text[1024];
	int n = snprintf(text, sizeof(text),
		"{\"result\":[{\"qtype\":\"A\",\"qname\":\"%.*s\",\"content\":\"10.0.0.1\","
		"\"ttl\":3600,\"domain_id\":1}]}\n",
		(int)len, name);

	return send_all(fd, text, (size_t)n);
}

static bool answer_for_zone(int fd, const struct peer *peer)
{
	static const char key[] = "\"qname\": \"";
	static const char none[] = "{\"result\":[]}\n";
	static const char done[] = "{\"result\":true}\n";
	const char *name = memmem(peer->in, peer->len, key, sizeof(key) - 1);

	if (name == NULL || !has(peer, "\"lookup\""))
		return has(peer, "getAllDomains\"") ? send_all(fd, zones, strlen(zones))
						    : send_all(fd, done, sizeof(done) - 1);
	name += sizeof(key) - 1;
	size_t len = strcspn(name, "\"");
	if (len > strlen(apex) && len < 256)
		return send_record(fd, name, len);
	if (len == strlen(apex) && memcmp(name, apex, len) == 0)
		return send_all(fd, soa, strlen(soa));
	return send_all(fd, none, sizeof(none) - 1);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct peer *peer = arg;
	ssize_t n = recv(fd, peer->in + peer->len, sizeof(peer->in) - 1 - peer->len, 0);

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
	if (apex[0] == '\0' ? !send_all(fd, reply, sizeof(reply) - 1) : !answer_for_zone(fd, peer))
		perror("send");
	peer->len = 0;
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

static void set_zone(const char *name)
{
	(void)snprintf(apex, sizeof(apex), "%s.", name);
	(void)snprintf(soa, sizeof(soa),
		"{\"result\":[{\"qtype\":\"SOA\",\"qname\":\"%s\",\"content\":\"ns1.%s "
		"hostmaster.%s 1 "
		"10800 3600 604800 3600\",\"ttl\":3600,\"domain_id\":1}]}\n",
		apex, apex, apex);
	(void)snprintf(zones, sizeof(zones),
		"{\"result\":[{\"id\":1,\"zone\":\"%s\",\"kind\":\"native\",\"serial\":1,"
		"\"notified_serial\":0,\"last_check\":0,\"masters\":[]}]}\n",
		apex);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct event_base *base = event_base_new();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (argc == 4 && strcmp(argv[1], "--zone") == 0 && strlen(argv[2]) < 200) {
		set_zone(argv[2]);
		argv += 2;
		argc -= 2;
	}
	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path) || base == NULL || fd < 0) {
		fprintf(stderr, "usage: constant [--zone NAME] SOCKET\n");
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
