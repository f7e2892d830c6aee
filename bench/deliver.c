/*
 * deliver: sends webhooks as CloudStack's senders do, signed, each over a connection of its own,
 * and asks a DNS server for the name of each event's instance until it answers with the new
 * address.
 *
 * Event i is about instance number FIRST + (i * 7919) % ENTITIES of those that
 * tests/double/cloudstack makes with "fill": its uuid is 10000000-0000-0000-0000-NUMBER, its name
 * vm-NUMBER, its address 10.0.0.0 + SHIFT + NUMBER. Only 200 with a body counts as delivered.
 *
 * Usage: deliver --port N --secret-file FILE [OPTION]...
 *   --events N        how many; 1000
 *   --rate N          a second; 0, as without this option: as fast as they are answered
 *   --connections N   deliveries at once; 20
 *   --first N, --entities N   which instances; 0, 1000
 *   --shift N         of the addresses; 0
 *   --type TYPE       of the events; VM.START
 *   --dns-port N      look for the answers there; without it nobody looks
 *   --zone NAME       of the names; bench.example
 * Prints one JSON object: events, delivered, failed, seconds (to the last answer of csdns-sync),
 * per_s, ack_p50_ms, ack_p99_ms (from a delivery to its answer), and with a DNS server seen,
 * unseen, dns_p50_ms, dns_p99_ms, dns_max_ms (from when the event was due to the DNS answer).
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <getopt.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

#define MAX_CONNECTIONS 1000
#define MAX_SECRET	256
#define WAIT_S		10 /* for the last answers of the DNS server */
#define ASK_EVERY	0.001
#define AGAIN_AFTER	0.02 /* a question without an answer is asked again */

struct delivery {
	unsigned number;
	double due; /* when it was to be sent */
	double sent;
	float ack_ms, dns_ms; /* negative: not yet */
	double ask_at;	      /* when to ask (again) */
};

struct connection {
	struct bufferevent *bev;
	struct delivery *delivery; /* under way, or NULL */
};

static int port, dns_port;
static const char *secret_file;
static size_t events = 1000;
static double rate;
static int connection_count = 20;
static unsigned first, entities = 1000, shift;
static const char *type = "VM.START";
static const char *zone = "bench.example";

static char secret[MAX_SECRET];
static struct event_base *base;
static struct wire wire;
static int udp = -1;
static struct delivery *deliveries;
static struct connection connections[MAX_CONNECTIONS];
static size_t begun, answered, delivered, seen, first_open;
static double start, last_ack;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "deliver: %s: %s\n", what, why);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- webhooks ---- */

static void next_deliveries(void);
static bool open_connection(struct connection *connection);

static void write_request(struct connection *connection)
{
	char body[700];
	unsigned char digest[EVP_MAX_MD_SIZE], text[EVP_MAX_MD_SIZE * 2];
	unsigned digest_len = 0;
	unsigned n = connection->delivery->number;
	size_t i = (size_t)(connection->delivery - deliveries);
	int len = snprintf(body, sizeof(body),
		"{\"event\":\"%s\",\"status\":\"Completed\",\"entity\":\"VirtualMachine\","
		"\"entityuuid\":\"10000000-0000-0000-0000-%012x\","
		"\"VirtualMachine\":\"10000000-0000-0000-0000-%012x\","
		"\"account\":\"a0000000-0000-0000-0000-000000000001\","
		"\"user\":\"b0000000-0000-0000-0000-000000000001\","
		"\"description\":\"Successfully completed starting Vm. Vm Id: "
		"10000000-0000-0000-0000-%012x\","
		"\"eventDateTime\":\"2026-11-21 00:00:00 +0000\"}",
		type, n, n, n);

	if (HMAC(EVP_sha256(), secret, (int)strlen(secret), (unsigned char *)body, (size_t)len,
		    digest, &digest_len) == NULL)
		die("signature", "HMAC");
	(void)EVP_EncodeBlock(text, digest, (int)digest_len);
	(void)evbuffer_add_printf(bufferevent_get_output(connection->bev),
		"POST /webhook HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
		"X-CS-Event-ID: %08lx-%04x-4000-8000-%012zx\r\nX-CS-Event: %s\r\n"
		"X-CS-Signature: %s\r\nContent-Type: application/json; charset=UTF-8\r\n"
		"User-Agent: CS-Hookshot/a0000000-0000-0000-0000-000000000001\r\n"
		"Connection: close\r\nContent-Length: %d\r\n\r\n%s",
		port, (unsigned long)time(NULL), (unsigned)getpid() & 0xffff, i, type, text, len,
		body);
}

static void finish(struct connection *connection, bool is_good)
{
	struct delivery *delivery = connection->delivery;
	double at = now();

	if (delivery == NULL)
		return;
	connection->delivery = NULL;
	answered++;
	if (is_good) {
		delivered++;
		delivery->ack_ms = (float)((at - delivery->sent) * 1000);
		last_ack = at;
	}
}

/* The whole reply: its head, and as many octets as that says. */
static bool has_reply(struct bufferevent *bev, bool *is_good)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t len = evbuffer_get_length(in);
	const char *text = (const char *)evbuffer_pullup(in, -1);
	const char *end = len == 0 ? NULL : memmem(text, len, "\r\n\r\n", 4);
	const char *at = end == NULL ? NULL : memmem(text, len, "Content-Length: ", 16);
	size_t body = at == NULL ? 0 : strtoul(at + 16, NULL, 10);

	if (end == NULL || len < (size_t)(end - text) + 4 + body)
		return false;
	*is_good = body > 0 && strncmp(text, "HTTP/1.1 200 ", 13) == 0;
	(void)evbuffer_drain(in, len);
	return true;
}

static void close_connection(struct connection *connection)
{
	bufferevent_free(connection->bev);
	connection->bev = NULL;
}

static void on_readable(struct bufferevent *bev, void *arg)
{
	struct connection *connection = arg;
	bool is_good;

	if (!has_reply(bev, &is_good))
		return;
	finish(connection, is_good);
	close_connection(connection);
	next_deliveries();
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0)
		return;
	finish(arg, false);
	close_connection(arg);
	next_deliveries();
}

/* Each connection comes from an address of its own, so that ports do not run out. */
static bool open_connection(struct connection *connection)
{
	struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in own = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(connection - connections));
	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0)
		return false;
	connection->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (connection->bev == NULL)
		return false;
	bufferevent_setcb(connection->bev, on_readable, NULL, on_event, connection);
	(void)bufferevent_enable(connection->bev, EV_READ | EV_WRITE);
	return bufferevent_socket_connect(
		       connection->bev, (struct sockaddr *)&peer, sizeof(peer)) == 0;
}

static void next_deliveries(void)
{
	double at = now();

	for (int c = 0; c < connection_count && begun < events; c++) {
		struct connection *connection = &connections[c];
		double due = rate > 0 ? start + (double)begun / rate : at;
		if (due > at)
			return;
		if (connection->delivery != NULL)
			continue;
		if (!open_connection(connection))
			die("connect", strerror(errno));
		connection->delivery = &deliveries[begun];
		*connection->delivery = (struct delivery){
			.number = first + (unsigned)(begun * 7919 % entities),
			.due = due,
			.sent = at,
			.ack_ms = -1,
			.dns_ms = -1,
			.ask_at = at,
		};
		begun++;
		write_request(connection);
	}
}

/* ---- DNS ---- */

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
	uint8_t packet[WIRE_MAX];
	ssize_t len;

	(void)what, (void)arg;
	while ((len = recv(fd, packet, sizeof(packet), 0)) >= 2) {
		/* Ids are the low bits of the event's number; not many are open at once. */
		size_t i = first_open + (uint16_t)(wire_id(packet) - (uint16_t)first_open);
		uint32_t address = 0;
		if (i >= begun || deliveries[i].dns_ms >= 0)
			continue;
		struct delivery *delivery = &deliveries[i];
		if (wire_answer(&wire, packet, (size_t)len, delivery->number, &address) &&
			address == 0x0a000000 + shift + delivery->number) {
			delivery->dns_ms = (float)((now() - delivery->due) * 1000);
			seen++;
		} else {
			delivery->ask_at = now() + ASK_EVERY;
		}
	}
}

static void ask_dns(double at)
{
	while (first_open < begun && deliveries[first_open].dns_ms >= 0)
		first_open++;
	for (size_t i = first_open; i < begun; i++) {
		uint8_t packet[WIRE_MAX];
		if (deliveries[i].dns_ms >= 0 || at < deliveries[i].ask_at)
			continue;
		wire_ask(&wire, packet, (uint16_t)i, deliveries[i].number);
		deliveries[i].ask_at = at + AGAIN_AFTER;
		if (send(udp, packet, wire.len, 0) < 0 && errno != EAGAIN && errno != ECONNREFUSED)
			die("send", strerror(errno));
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	double at = now();
	bool is_seen = udp < 0 || seen == events || (answered == events && at > last_ack + WAIT_S);

	(void)fd, (void)what, (void)arg;
	next_deliveries();
	if (udp >= 0)
		ask_dns(at);
	if (answered == events && is_seen)
		(void)event_base_loopbreak(base);
}

/* ---- report ---- */

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static double percentile(const float *values, size_t n, double share)
{
	return n == 0 ? 0 : (double)values[(size_t)((double)(n - 1) * share + 0.5)];
}

static void report(void)
{
	float *acks = calloc(events, sizeof(*acks)), *dns = calloc(events, sizeof(*dns));
	size_t n = 0, m = 0;

	if (acks == NULL || dns == NULL)
		die("report", "memory");
	for (size_t i = 0; i < events; i++) {
		if (deliveries[i].ack_ms >= 0)
			acks[n++] = deliveries[i].ack_ms;
		if (deliveries[i].dns_ms >= 0)
			dns[m++] = deliveries[i].dns_ms;
	}
	qsort(acks, n, sizeof(*acks), by_size);
	qsort(dns, m, sizeof(*dns), by_size);
	printf("{\"events\":%zu,\"delivered\":%zu,\"failed\":%zu,\"seconds\":%.3f,\"per_s\":%.1f,"
	       "\"ack_p50_ms\":%.3f,\"ack_p99_ms\":%.3f",
		events, delivered, events - delivered, last_ack - start,
		(double)delivered / (last_ack - start), percentile(acks, n, 0.5),
		percentile(acks, n, 0.99));
	if (udp >= 0)
		printf(",\"seen\":%zu,\"unseen\":%zu,\"dns_p50_ms\":%.3f,\"dns_p99_ms\":%.3f,"
		       "\"dns_max_ms\":%.3f",
			seen, events - seen, percentile(dns, m, 0.5), percentile(dns, m, 0.99),
			percentile(dns, m, 1));
	printf("}\n");
}

/* ---- options ---- */

static void read_secret(void)
{
	FILE *file = secret_file == NULL ? NULL : fopen(secret_file, "r");

	if (file == NULL || fgets(secret, sizeof(secret), file) == NULL)
		die("secret-file", strerror(errno));
	(void)fclose(file);
	secret[strcspn(secret, "\n")] = '\0';
}

static void set_option(int c)
{
	switch (c) {
	case 'p':
		port = atoi(optarg);
		break;
	case 's':
		secret_file = optarg;
		break;
	case 'e':
		events = strtoul(optarg, NULL, 10);
		break;
	case 'r':
		rate = atof(optarg);
		break;
	case 'c':
		connection_count = atoi(optarg);
		break;
	case 'f':
		first = (unsigned)atoi(optarg);
		break;
	case 'n':
		entities = (unsigned)atoi(optarg);
		break;
	case 'm':
		shift = (unsigned)atoi(optarg);
		break;
	case 'y':
		type = optarg;
		break;
	case 'd':
		dns_port = atoi(optarg);
		break;
	case 'z':
		zone = optarg;
		break;
	default:
		exit(2);
	}
}

static void run(void)
{
	struct event *tick = event_new(base, -1, EV_PERSIST, on_tick, NULL);
	struct event *answers =
		udp < 0 ? NULL : event_new(base, udp, EV_READ | EV_PERSIST, on_answer, NULL);

	if (tick == NULL || event_add(tick, &(struct timeval){.tv_usec = 1000}) < 0 ||
		(udp >= 0 && (answers == NULL || event_add(answers, NULL) < 0)))
		die("event", "memory");
	start = last_ack = now();
	next_deliveries();
	(void)event_base_dispatch(base);
	event_free(tick);
	if (answers != NULL)
		event_free(answers);
}

int main(int argc, char **argv)
{
	static const struct option known[] = {{"port", 1, NULL, 'p'}, {"secret-file", 1, NULL, 's'},
		{"events", 1, NULL, 'e'}, {"rate", 1, NULL, 'r'}, {"connections", 1, NULL, 'c'},
		{"first", 1, NULL, 'f'}, {"entities", 1, NULL, 'n'}, {"shift", 1, NULL, 'm'},
		{"type", 1, NULL, 'y'}, {"dns-port", 1, NULL, 'd'}, {"zone", 1, NULL, 'z'},
		{NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		set_option(c);
	if (port == 0 || events == 0 || entities == 0 || connection_count < 1 ||
		connection_count > MAX_CONNECTIONS || !wire_init(&wire, zone)) {
		fprintf(stderr, "deliver: an option is out of range\n");
		return 2;
	}
	read_secret();
	deliveries = calloc(events, sizeof(*deliveries));
	base = event_base_new();
	if (deliveries == NULL || base == NULL)
		die("memory", "none");
	if (dns_port != 0 && (udp = wire_socket(dns_port)) < 0)
		die("socket", strerror(errno));
	run();
	report();
	return 0;
}
