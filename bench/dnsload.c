/*
 * dnsload: asks a DNS server on this machine for the bench zone's names, as fast as it answers.
 * Made to take little of the processors that it shares with the server: a batch of questions is one
 * system call and one way through the kernel (UDP_SEGMENT), as is a batch of answers (recvmmsg). It
 * stands for clients on other machines, so it runs behind the server (nice 10), which is kept as
 * busy all the same.
 *
 * Usage: dnsload --port N [OPTION]...
 *   --seconds S       3, decimals allowed
 *   --names N         names are vm-0000000 to vm-<N-1>; 100000
 *   --zone NAME       bench.example
 *   --mix MIX         uniform; zipf: the n-th most popular name is asked in proportion to
 * n^-EXPONENT; once: each name once, then it ends; uniform
 *   --exponent X      1.0
 *   --seed N          1
 * Prints one JSON object: answered, seconds, per_s, lost (no answer within 0.5 s), wrong (not the
 * record that was asked for), cpu_s (its own).
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

#define PLANNED	     (1u << 20) /* names drawn before the clock starts */
#define SOCKETS	     16
#define WINDOW	     12 /* questions under way on each socket, 255 at most */
#define BATCH	     6	/* questions sent together */
#define RECEIVE_MAX  32 /* answers taken together */
#define LOST_AFTER   0.5
#define NICE	     10
#define PAUSE_MIN_NS 50000
#define PAUSE_MAX_NS 400000

/* One question under way. Its id is its index and, above that, how often the slot was used, so that
 * a late answer is not taken for another's. */
struct slot {
	unsigned name;
	uint8_t used;
	bool busy;
	double at;
};

struct channel {
	int fd;
	unsigned free;
	struct slot slots[WINDOW];
};

static int port;
static double seconds = 3;
static unsigned names = 100000;
static const char *zone = "bench.example";
static const char *mix = "uniform";
static double exponent = 1.0;
static uint64_t seed = 1;

static struct wire wire;
static unsigned *plan;
static size_t planned;
static bool once;
static size_t asked;
static uint64_t answered, lost, wrong;

static void die(const char *what)
{
	fprintf(stderr, "dnsload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* The first name whose share of all questions, added up, is above x. */
static unsigned search(const double *sums, double x)
{
	unsigned low = 0;
	unsigned high = names - 1;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (sums[middle] > x)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* All names in random order. */
static unsigned *shuffled(void)
{
	unsigned *all = calloc(names, sizeof(*all));

	if (all == NULL)
		die("memory");
	for (unsigned i = 0; i < names; i++) {
		unsigned j = (unsigned)(draw() % (i + 1));
		all[i] = all[j];
		all[j] = i;
	}
	return all;
}

static void plan_zipf(void)
{
	double *sums = calloc(names, sizeof(*sums));
	unsigned *by_rank = shuffled();
	double sum = 0;

	if (sums == NULL)
		die("memory");
	for (unsigned i = 0; i < names; i++)
		sums[i] = sum += pow(i + 1, -exponent);
	for (size_t i = 0; i < planned; i++)
		plan[i] = by_rank[search(sums, (double)(draw() >> 11) / 0x1p53 * sum)];
	free(by_rank);
	free(sums);
}

static void make_plan(void)
{
	once = strcmp(mix, "once") == 0;
	planned = once ? names : PLANNED;
	if (once) {
		plan = shuffled();
		return;
	}
	plan = calloc(planned, sizeof(*plan));
	if (plan == NULL)
		die("memory");
	if (strcmp(mix, "zipf") == 0) {
		plan_zipf();
		return;
	}
	for (size_t i = 0; i < planned; i++)
		plan[i] = (unsigned)(draw() % names);
}

static bool finished(void)
{
	return once && asked == planned;
}

/* Takes a free slot for the next name of the plan and writes its question. */
static void fill(struct channel *channel, uint8_t *out, unsigned *from, double at)
{
	while (channel->slots[*from].busy)
		++*from;
	struct slot *slot = &channel->slots[*from];
	slot->name = plan[asked++ % planned];
	slot->at = at;
	slot->busy = true;
	slot->used++;
	channel->free--;
	wire_ask(&wire, out, (uint16_t)(slot->used << 8 | *from), slot->name);
}

/* One batch: equal in length, so that the kernel can be given all of them as one. */
static void ask(struct channel *channel)
{
	static uint8_t packets[BATCH * WIRE_MAX];
	unsigned from = 0;
	size_t len = 0;
	double at = now();

	for (unsigned i = 0; i < BATCH && !finished(); i++, len += wire.len)
		fill(channel, packets + len, &from, at);
	while (len > 0 && send(channel->fd, packets, len, 0) < 0)
		if (errno != EAGAIN && errno != EINTR)
			die("send");
}

static void took(struct channel *channel, const uint8_t *packet, size_t len)
{
	uint16_t id = len >= 2 ? wire_id(packet) : 0;
	struct slot *slot = &channel->slots[id & 255];
	uint32_t address;

	if ((id & 255) >= WINDOW || !slot->busy || slot->used != id >> 8)
		return;
	slot->busy = false;
	channel->free++;
	answered++;
	wrong += !wire_answer(&wire, packet, len, slot->name, &address);
}

/* Returns how many answers there were. */
static int receive(struct channel *channel)
{
	static uint8_t packets[RECEIVE_MAX][WIRE_MAX];
	struct mmsghdr messages[RECEIVE_MAX] = {0};
	struct iovec parts[RECEIVE_MAX];

	for (int i = 0; i < RECEIVE_MAX; i++) {
		parts[i] = (struct iovec){.iov_base = packets[i], .iov_len = WIRE_MAX};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	int n = recvmmsg(channel->fd, messages, RECEIVE_MAX, MSG_DONTWAIT, NULL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		die("recvmmsg");
	for (int i = 0; i < n; i++)
		took(channel, packets[i], messages[i].msg_len);
	return n < 0 ? 0 : n;
}

static void give_up_lost(struct channel *channel, double at)
{
	for (unsigned i = 0; i < WINDOW; i++) {
		struct slot *slot = &channel->slots[i];
		if (!slot->busy || at - slot->at < LOST_AFTER)
			continue;
		slot->busy = false;
		channel->free++;
		lost++;
	}
}

static struct channel *open_all(void)
{
	struct channel *channels = calloc(SOCKETS, sizeof(*channels));
	int segment = (int)wire.len;

	if (channels == NULL)
		die("memory");
	for (unsigned i = 0; i < SOCKETS; i++) {
		channels[i].free = WINDOW;
		channels[i].fd = wire_socket(port);
		if (channels[i].fd < 0 || setsockopt(channels[i].fd, IPPROTO_UDP, UDP_SEGMENT,
						  &segment, sizeof(segment)) < 0)
			die("socket");
	}
	return channels;
}

static bool all_back(const struct channel *channels)
{
	for (unsigned i = 0; i < SOCKETS; i++)
		if (channels[i].free < WINDOW)
			return false;
	return true;
}

static double run(void)
{
	struct channel *channels = open_all();
	double start = now();
	double looked = start;
	long pause = PAUSE_MIN_NS;
	double at;

	while ((at = now()) - start < seconds && !(finished() && all_back(channels))) {
		int moved = 0;
		for (unsigned i = 0; i < SOCKETS; i++) {
			moved += receive(&channels[i]);
			for (; channels[i].free >= BATCH && !finished(); moved++)
				ask(&channels[i]);
		}
		for (unsigned i = 0; at - looked > 0.1 && i < SOCKETS; i++)
			give_up_lost(&channels[i], at);
		looked = at - looked > 0.1 ? at : looked;
		pause = moved > 0		   ? PAUSE_MIN_NS
			: pause * 2 < PAUSE_MAX_NS ? pause * 2
						   : PAUSE_MAX_NS;
		/* Not woken by each answer: the server would pay for that. */
		if (moved == 0)
			(void)nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
	}
	free(channels);
	return at - start;
}

static double cpu_s(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void set_option(int c)
{
	switch (c) {
	case 'p':
		port = atoi(optarg);
		break;
	case 't':
		seconds = atof(optarg);
		break;
	case 'n':
		names = (unsigned)atoi(optarg);
		break;
	case 'z':
		zone = optarg;
		break;
	case 'm':
		mix = optarg;
		break;
	case 'x':
		exponent = atof(optarg);
		break;
	case 'r':
		seed = (uint64_t)atoll(optarg);
		break;
	default:
		exit(2);
	}
}

int main(int argc, char **argv)
{
	static const struct option known[] = {{"port", 1, NULL, 'p'}, {"seconds", 1, NULL, 't'},
		{"names", 1, NULL, 'n'}, {"zone", 1, NULL, 'z'}, {"mix", 1, NULL, 'm'},
		{"exponent", 1, NULL, 'x'}, {"seed", 1, NULL, 'r'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		set_option(c);
	if (names == 0 || seed == 0 || !wire_init(&wire, zone)) {
		fprintf(stderr, "dnsload: an option is out of range\n");
		return 2;
	}
	if (setpriority(PRIO_PROCESS, 0, NICE) < 0)
		die("setpriority");
	make_plan();
	double before = cpu_s();
	double took_s = run();
	printf("{\"answered\":%llu,\"seconds\":%.3f,\"per_s\":%.0f,\"lost\":%llu,\"wrong\":%llu,"
	       "\"cpu_s\":%.3f}\n",
		(unsigned long long)answered, took_s, (double)answered / took_s,
		(unsigned long long)lost, (unsigned long long)wrong, cpu_s() - before);
	return 0;
}
