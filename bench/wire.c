#include "wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define HEADER	    12
#define DIGITS	    7
#define FIRST_DIGIT (HEADER + 1 + 3) /* behind the length octet and "vm-" */

static const uint8_t name_label[] = "\012vm-0000000";

bool wire_init(struct wire *wire, const char *zone)
{
	uint8_t *at = wire->query + HEADER;

	memset(wire, 0, sizeof(*wire));
	if (strlen(zone) > 200)
		return false;
	wire->query[5] = 1;
	memcpy(at, name_label, sizeof(name_label) - 1);
	at += sizeof(name_label) - 1;
	while (*zone != '\0') {
		size_t label = strcspn(zone, ".");
		*at++ = (uint8_t)label;
		memcpy(at, zone, label);
		at += label;
		zone += label;
		zone += *zone == '.';
	}
	at[2] = 1;
	at[4] = 1;
	wire->len = (size_t)(at + 5 - wire->query);
	return true;
}

static void put_digits(uint8_t *at, unsigned name)
{
	for (int i = DIGITS - 1; i >= 0; i--) {
		at[i] = (uint8_t)('0' + name % 10);
		name /= 10;
	}
}

void wire_ask(const struct wire *wire, uint8_t *out, uint16_t id, unsigned name)
{
	memcpy(out, wire->query, wire->len);
	out[0] = (uint8_t)(id >> 8);
	out[1] = (uint8_t)id;
	put_digits(out + FIRST_DIGIT, name);
}

uint16_t wire_id(const uint8_t *packet)
{
	return (uint16_t)(packet[0] << 8 | packet[1]);
}

bool wire_answer(const struct wire *wire, const uint8_t *packet, size_t len, unsigned name,
	uint32_t *address)
{
	/* The owner's name is a pointer to the question; then type, class, TTL, length. */
	static const uint8_t owner_a_in[] = {0xc0, HEADER, 0, 1, 0, 1};
	uint8_t digits[DIGITS];
	const uint8_t *record = packet + wire->len;

	if (len < wire->len + 16 || (packet[3] & 15) != 0 || packet[7] == 0)
		return false;
	put_digits(digits, name);
	if (memcmp(packet + FIRST_DIGIT, digits, DIGITS) != 0 ||
		memcmp(record, owner_a_in, sizeof(owner_a_in)) != 0)
		return false;
	memcpy(address, record + 12, sizeof(*address));
	*address = ntohl(*address);
	return true;
}

int wire_socket(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return fd;
}
