#include "http/address.h"

#include <errno.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 128

static bool has_port(const struct sockaddr_storage *storage)
{
	if (storage->ss_family == AF_INET)
		return ((const struct sockaddr_in *)storage)->sin_port != 0;
	return ((const struct sockaddr_in6 *)storage)->sin6_port != 0;
}

bool address_parse(const char *text, struct address *address)
{
	char full[128];
	int len = (int)sizeof(address->storage);
	size_t digits = strspn(text, "0123456789");
	const char *colon = text[0] == ':' ? "" : ":";
	bool is_port = text[digits] == '\0' || text[0] == ':';

	int n = snprintf(full, sizeof(full), "%s%s%s", is_port ? "127.0.0.1" : "",
		is_port ? colon : "", text);
	if (text[0] == '\0' || n < 0 || (size_t)n >= sizeof(full))
		return false;
	memset(&address->storage, 0, sizeof(address->storage));
	if (evutil_parse_sockaddr_port(full, (struct sockaddr *)&address->storage, &len) < 0)
		return false;
	address->len = (socklen_t)len;
	return has_port(&address->storage);
}

static int open_socket(const struct address *address)
{
	const struct sockaddr *sockaddr = (const struct sockaddr *)&address->storage;
	int yes = 1;
	int fd = socket(sockaddr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	/* Without the second, [::] would take 0.0.0.0 as well. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
		(sockaddr->sa_family == AF_INET6 &&
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) < 0) ||
		bind(fd, sockaddr, address->len) < 0 || listen(fd, BACKLOG) < 0) {
		int why = errno;
		(void)close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

int address_listen(const char *text, char *error, size_t size)
{
	struct address address;
	const char *why = "it is no address and port";
	int fd = -1;

	if (address_parse(text, &address)) {
		fd = open_socket(&address);
		why = strerror(errno);
	}
	if (fd < 0)
		(void)snprintf(error, size, "could not listen on \"%s\": %s", text, why);
	return fd;
}
