/*
 * client: asks lookups of a remote backend over its Unix socket as PowerDNS does, each connection
 * one request at a time, and says how many replies came.
 *
 * Usage: client [OPTION]...
 *   --socket PATH       the responder's
 *   --connections N     16
 *   --seconds S         3, decimals allowed
 *   --names N           names are vm-0000000 to vm-<N-1>, asked at random; 1000000
 *   --zone NAME         bench.example
 *   --zone-id ID        1
 *   --rate N            lookups a second at most, 0 as many as go; 0
 *   --method NAME       lookup, or neighbours: getBeforeAndAfterNamesAbsolute with such a name, or
 *                       hashes: with a hash; lookup
 *   --check             count replies without the name that was asked as wrong
 * Prints one JSON object: lookups, seconds, per_s, wrong, and the longest and the 99th percentile
 * of the times between request and reply, in milliseconds.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define REQUESTS  65536 /* made before the clock starts */
#define LINE_MAX_ 320
#define REPLY_MAX 65536
#define BUCKETS	  100000 /* of 10 us */

struct line {
	uint16_t len;
	char text[LINE_MAX_];
};

struct conn {
	int fd;
	const struct line *asked;
	double at;
	size_t len;
	char reply[REPLY_MAX];
};

static const char *socket_path = "";
static int connections = 16;
static double seconds = 3;
static unsigned names = 1000000;
static const char *zone = "bench.example";
static int zone_id = 1;
static double rate;
static bool check;
static const char *method = "lookup";

static struct line *lines;
static uint64_t done, wrong;
static uint32_t histogram[BUCKETS];
static double longest;

static void die(const char *what)
{
	fprintf(stderr, "client: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* 32 digits of base32hex. */
static void random_hash(char hash[33], uint64_t state)
{
	for (int i = 0; i < 32; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		hash[i] = "0123456789abcdefghijklmnopqrstuv"[state >> 59];
	}
	hash[32] = '\0';
}

static void make_neighbours_line(struct line *line, uint64_t state)
{
	char name[40];

	if (strcmp(method, "hashes") == 0)
		random_hash(name, state);
	else
		(void)snprintf(name, sizeof(name), "vm-%07ux", (unsigned)(state % names));
	line->len = (uint16_t)snprintf(line->text, LINE_MAX_,
		"{\"method\": \"getBeforeAndAfterNamesAbsolute\", \"parameters\": {\"id\": %d, "
		"\"qname\": \"%s.\"}}\n",
		zone_id, name);
}

static void make_lines(void)
{
	uint64_t state = 0x2545f4914f6cdd1dull;

	lines = calloc(REQUESTS, sizeof(*lines));
	if (lines == NULL)
		die("memory");
	for (size_t i = 0; i < REQUESTS; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		if (strcmp(method, "lookup") != 0) {
			make_neighbours_line(&lines[i], state);
			continue;
		}
		/* The form in which PowerDNS 4.7 sends it. */
		lines[i].len = (uint16_t)snprintf(lines[i].text, LINE_MAX_,
			"{\"method\": \"lookup\", \"parameters\": {\"local\": \"127.0.0.1\", "
			"\"qname\": \"vm-%07u.%s.\", \"qtype\": \"ANY\", "
			"\"real-remote\": \"127.0.0.1/32\", \"remote\": \"127.0.0.1\", "
			"\"zone-id\": %d}}\n",
			(unsigned)(state % names), zone, zone_id);
	}
}

static void ask(struct conn *conn)
{
	static size_t next;

	conn->asked = &lines[next++ % REQUESTS];
	conn->len = 0;
	conn->at = now();
	if (send(conn->fd, conn->asked->text, conn->asked->len, MSG_NOSIGNAL) != conn->asked->len)
		die("send");
}

static void took(const struct conn *conn, double ended)
{
	double ms = (ended - conn->at) * 1000;
	size_t bucket = (size_t)(ms * 100);

	histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
	if (ms > longest)
		longest = ms;
	done++;
}

static void check_reply(const struct conn *conn)
{
	const char *name = strstr(conn->asked->text, "vm-");

	if (memmem(conn->reply, conn->len, name, 10) == NULL)
		wrong++;
}

/* True when the reply is complete. */
static bool receive(struct conn *conn)
{
	ssize_t n = recv(conn->fd, conn->reply + conn->len, sizeof(conn->reply) - conn->len, 0);

	if (n <= 0)
		die("the responder closed a connection");
	conn->len += (size_t)n;
	if (conn->reply[conn->len - 1] != '\n')
		return false;
	took(conn, now());
	if (check)
		check_reply(conn);
	return true;
}

static struct conn *open_all(int poll)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct conn *conns = calloc((size_t)connections, sizeof(*conns));

	if (conns == NULL || strlen(socket_path) >= sizeof(address.sun_path))
		die("memory or path");
	strcpy(address.sun_path, socket_path);
	for (int i = 0; i < connections; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &conns[i]};
		conns[i].fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(conns[i].fd, (struct sockaddr *)&address, sizeof(address)) < 0)
			die(socket_path);
		if (epoll_ctl(poll, EPOLL_CTL_ADD, conns[i].fd, &event) < 0)
			die("epoll_ctl");
	}
	return conns;
}

/* Holds the rate back where one was asked for. */
static void pace(double start)
{
	double ahead = rate > 0 ? (double)done / rate - (now() - start) : 0;

	if (ahead > 0) {
		struct timespec pause = {.tv_nsec = (long)(ahead * 1e9 > 5e6 ? 5e6 : ahead * 1e9)};
		(void)nanosleep(&pause, NULL);
	}
}

static double run(void)
{
	struct epoll_event events[64];
	int poll = epoll_create1(0);
	struct conn *conns = open_all(poll);
	double start = now();

	for (int i = 0; i < connections; i++)
		ask(&conns[i]);
	while (now() - start < seconds) {
		/* At full speed it never sleeps: otherwise the responder would pay for waking it
		 * up, and the more the slower it is itself. */
		int n = epoll_wait(poll, events, 64, rate > 0 ? 1000 : 0);
		for (int i = 0; i < n; i++)
			if (receive(events[i].data.ptr))
				ask(events[i].data.ptr);
		pace(start);
	}
	return now() - start;
}

static double percentile(double share)
{
	uint64_t want = (uint64_t)((double)done * share);
	uint64_t seen = 0;

	for (size_t i = 0; i < BUCKETS; i++) {
		seen += histogram[i];
		if (seen >= want)
			return (double)(i + 1) / 100;
	}
	return longest;
}

static void options(int argc, char **argv)
{
	static const struct option known[] = {{"socket", 1, NULL, 's'},
		{"connections", 1, NULL, 'c'}, {"seconds", 1, NULL, 't'}, {"names", 1, NULL, 'n'},
		{"zone", 1, NULL, 'z'}, {"zone-id", 1, NULL, 'i'}, {"rate", 1, NULL, 'r'},
		{"check", 0, NULL, 'k'}, {"method", 1, NULL, 'm'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 's':
			socket_path = optarg;
			break;
		case 'c':
			connections = atoi(optarg);
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
		case 'i':
			zone_id = atoi(optarg);
			break;
		case 'r':
			rate = atof(optarg);
			break;
		case 'm':
			method = optarg;
			break;
		case 'k':
			check = true;
			break;
		default:
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	options(argc, argv);
	make_lines();
	double took_s = run();
	printf("{\"lookups\":%llu,\"seconds\":%.3f,\"per_s\":%.0f,\"wrong\":%llu,"
	       "\"p99_ms\":%.2f,\"max_ms\":%.2f}\n",
		(unsigned long long)done, took_s, (double)done / took_s, (unsigned long long)wrong,
		percentile(0.99), longest);
	return 0;
}
