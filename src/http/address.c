#include "http/address.h"

#include <event2/util.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

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
