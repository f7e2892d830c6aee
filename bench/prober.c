/*
 * prober: changes records of the bench zone in PostgreSQL and asks a DNS server on this machine for
 * each of them until it answers with the new address.
 *
 * A change goes so: its name is asked, so that the server has it in its caches if it has any; its
 * row is updated and committed; from the moment in which the commit is known the name is asked
 * every half millisecond, with two questions under way at most: a server under load has a queue,
 * and who waits for each answer before he asks again measures how long that is as well, but many
 * questions for what is in no cache would be a load of their own. What counts is the time to the
 * first answer with the new address after which no old one came for 50 ms. After 100 ms it is asked
 * less often, and a change that is not seen when the waiting ends counts with its age then. Where
 * it may, it runs before what it shares the processors with (SCHED_FIFO): it takes little of them,
 * and its own waiting is not what is measured.
 *
 * Usage: prober --port N --db CONNINFO [OPTION]...
 *   --rate N          changes a second; 10
 *   --seconds S       how long changes are made; 3
 *   --wait S          how long it waits for the last ones after that; 1
 *   --names N         names are vm-0000000 to vm-<N-1>, changed in random order; 100000
 *   --zone NAME       bench.example
 * Prints one JSON object: changes, broken (later than promised, 100 ms), unseen, relapsed (an old
 * answer came after a new one), p50_ms, p99_ms, max_ms and behind (changes that could not be made
 * in time at this rate).
 */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <libpq-fe.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

#define MAX_CHANGES    60000 /* ids of questions are the numbers of the changes */
#define CONNECTIONS    8     /* to PostgreSQL */
#define PROMISE_MS     100.0
#define AGAIN_AFTER    0.02 /* a question without an answer is asked again */
#define EAGER_FOR      0.1
#define EVERY	       0.0005 /* so often is asked for a change that is not seen yet */
#define UNDER_WAY_MAX  2      /* questions for one change */
#define SETTLES_IN     0.05   /* no old answer for so long: it is seen */
#define EVERY_SETTLING 0.01
#define TICK_MAX       0.005

enum state { WAITING, ASKED_BEFORE, READY, COMMITTING, WATCHED, SEEN };

/* A change, from the first question for its name to the answer that shows it. */
struct change {
	enum state state;
	unsigned name;
	uint32_t address; /* the new one */
	double asked_at;
	int asked;	  /* questions under way */
	double committed; /* when that was known */
	double shown; /* first answer with the new address since the last with the old; 0: none */
	bool relapsed;
	double late_ms;
};

struct connection {
	PGconn *pg;
	struct event *event;
	struct change *change; /* whose UPDATE is under way, or NULL */
};

static int port;
static const char *db = "";
static double rate = 10;
static double seconds = 3;
static double wait_s = 1;
static unsigned names = 100000;
static const char *zone = "bench.example";

static struct wire wire;
static int udp;
static struct event_base *base;
static struct event *tick;
static struct change *changes;
static size_t total, begun, under_way, first_open, behind;
static struct connection connections[CONNECTIONS];
static double start;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "prober: %s: %s\n", what, why);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* When to ask again. */
static double due(const struct change *change)
{
	double age = change->asked_at - change->committed;

	if (change->state == ASKED_BEFORE || change->asked >= UNDER_WAY_MAX)
		return change->asked_at + AGAIN_AFTER;
	if (change->shown > 0)
		return change->asked_at + EVERY_SETTLING;
	return change->asked_at + (age < EAGER_FOR ? EVERY : age / 50);
}

static void ask(struct change *change, double at)
{
	uint8_t packet[WIRE_MAX];

	wire_ask(&wire, packet, (uint16_t)(change - changes), change->name);
	/* What has not been answered by then is lost. */
	change->asked = change->asked >= UNDER_WAY_MAX ? 1 : change->asked + 1;
	change->asked_at = at;
	if (send(udp, packet, wire.len, 0) < 0 && errno != EAGAIN && errno != ECONNREFUSED)
		die("send", strerror(errno));
}

static void update(struct connection *connection, struct change *change)
{
	char name[256], address[32];
	const char *values[] = {address, name};

	(void)snprintf(name, sizeof(name), "vm-%07u.%s", change->name, zone);
	(void)snprintf(address, sizeof(address), "%u.%u.%u.%u", change->address >> 24,
		change->address >> 16 & 255, change->address >> 8 & 255, change->address & 255);
	change->state = COMMITTING;
	under_way++;
	connection->change = change;
	if (PQsendQueryPrepared(connection->pg, "change", 2, values, NULL, NULL, 0) != 1)
		die("update", PQerrorMessage(connection->pg));
}

static void tick_in(double pause)
{
	struct timeval in = {.tv_usec = pause > 0 ? (suseconds_t)(pause * 1e6) : 0};

	if (event_add(tick, &in) < 0)
		die("event", "memory");
}

/* Gives the oldest change that is ready to an idle connection. */
static void next_update(void)
{
	size_t i = first_open;

	if (now() >= start + seconds)
		return;
	for (int c = 0; c < CONNECTIONS; c++) {
		if (connections[c].change != NULL)
			continue;
		while (i < begun && changes[i].state != READY)
			i++;
		if (i == begun)
			return;
		update(&connections[c], &changes[i]);
	}
}

static void on_result(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;
	struct change *change = connection->change;

	(void)fd, (void)what;
	if (PQconsumeInput(connection->pg) != 1)
		die("PostgreSQL", PQerrorMessage(connection->pg));
	while (change != NULL && !PQisBusy(connection->pg)) {
		PGresult *result = PQgetResult(connection->pg);
		if (result == NULL) {
			change->committed = now();
			change->state = WATCHED;
			ask(change, change->committed);
			tick_in(EVERY);
			connection->change = NULL;
			next_update();
			return;
		}
		if (strcmp(PQcmdTuples(result), "1") != 0)
			die("update", PQresultErrorMessage(result));
		PQclear(result);
	}
}

static void take_answer(struct change *change, uint32_t address, double at)
{
	if (change->state == ASKED_BEFORE) {
		change->state = READY;
		change->asked = 0;
		next_update();
	} else if (change->state == WATCHED) {
		if (change->asked > 0)
			change->asked--;
		bool shown = address == change->address;
		change->relapsed |= !shown && change->shown > 0;
		if (!shown)
			change->shown = 0;
		else if (change->shown == 0)
			change->shown = at;
	}
}

static void settle(struct change *change, double at)
{
	if (change->state != WATCHED || change->shown == 0 || at - change->shown < SETTLES_IN)
		return;
	change->late_ms = (change->shown - change->committed) * 1000;
	change->state = SEEN;
	under_way--;
}

/* Seconds until the next change begins, or is to be asked for again. */
static double next_tick(double at)
{
	double pause = TICK_MAX;

	if (begun < total && start + (double)begun / rate - at < pause)
		pause = start + (double)begun / rate - at;
	for (size_t i = first_open; i < begun; i++)
		if (changes[i].state == WATCHED && due(&changes[i]) - at < pause)
			pause = due(&changes[i]) - at;
	return pause;
}

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
	uint8_t packet[WIRE_MAX];
	ssize_t len;

	(void)what, (void)arg;
	while ((len = recv(fd, packet, sizeof(packet), 0)) >= 2) {
		size_t i = wire_id(packet);
		uint32_t address = 0;
		if (i >= begun)
			continue;
		/* What is no such record is an old answer. */
		if (!wire_answer(&wire, packet, (size_t)len, changes[i].name, &address))
			address = 0;
		take_answer(&changes[i], address, now());
	}
	tick_in(next_tick(now()));
}

/* Asks for the names of the changes that are due, and again where it is time. */
static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	double at = now();

	(void)fd, (void)what, (void)arg;
	while (begun < total && at >= start + (double)begun / rate) {
		struct change *change = &changes[begun++];
		change->state = ASKED_BEFORE;
		ask(change, at);
	}
	while (first_open < begun && changes[first_open].state == SEEN)
		first_open++;
	for (size_t i = first_open; i < begun; i++) {
		struct change *change = &changes[i];
		settle(change, at);
		if ((change->state == ASKED_BEFORE || change->state == WATCHED) &&
			at >= due(change))
			ask(change, at);
	}
	if (at >= start + seconds && (under_way == 0 || at >= start + seconds + wait_s))
		(void)event_base_loopbreak(base);
	tick_in(next_tick(at));
}

static void connect_all(void)
{
	for (int i = 0; i < CONNECTIONS; i++) {
		struct connection *connection = &connections[i];
		connection->pg = PQconnectdb(db);
		if (PQstatus(connection->pg) != CONNECTION_OK)
			die("connect", PQerrorMessage(connection->pg));
		PGresult *result = PQprepare(connection->pg, "change",
			"UPDATE records SET content = $1 WHERE name = $2 AND type = 'A'", 2, NULL);
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			die("prepare", PQresultErrorMessage(result));
		PQclear(result);
		connection->event = event_new(base, PQsocket(connection->pg), EV_READ | EV_PERSIST,
			on_result, connection);
		if (connection->event == NULL || event_add(connection->event, NULL) < 0)
			die("event", "memory");
	}
}

/* Names in an order without repetition, addresses that no run before has used. */
static void make_changes(void)
{
	uint32_t address = 11u << 24 | ((uint32_t)time(NULL) << 9 & 0xffffff);
	unsigned name = (unsigned)time(NULL) % names;

	total = (size_t)(rate * seconds);
	if (total == 0 || total > MAX_CHANGES || total > names)
		die("changes", "too many or none");
	changes = calloc(total, sizeof(*changes));
	if (changes == NULL)
		die("changes", "memory");
	for (size_t i = 0; i < total; i++) {
		name = (name + 38461) % names; /* a prime */
		changes[i].name = name;
		changes[i].address = (11u << 24) | ((address + (uint32_t)i) & 0xffffff);
	}
}

static int by_lateness(const void *a, const void *b)
{
	double x = ((const struct change *)a)->late_ms;
	double y = ((const struct change *)b)->late_ms;

	return (x > y) - (x < y);
}

static double percentile(size_t count, double share)
{
	return changes[(size_t)((double)(count - 1) * share + 0.5)].late_ms;
}

static void report(void)
{
	double at = now();
	size_t count = 0, unseen = 0, broken = 0, relapsed = 0;

	for (size_t i = 0; i < total; i++) {
		struct change change = changes[i];
		if (change.state != SEEN && change.state != WATCHED) {
			behind++;
			continue;
		}
		if (change.state == WATCHED) {
			change.late_ms = (at - change.committed) * 1000;
			unseen++;
		}
		broken += change.late_ms > PROMISE_MS;
		relapsed += change.relapsed;
		changes[count++] = change;
	}
	if (count == 0)
		die("changes", "none was made");
	qsort(changes, count, sizeof(*changes), by_lateness);
	printf("{\"changes\":%zu,\"broken\":%zu,\"unseen\":%zu,\"relapsed\":%zu,\"behind\":%zu,"
	       "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
		count, broken, unseen, relapsed, behind, percentile(count, 0.5),
		percentile(count, 0.99), percentile(count, 1));
}

static void run(void)
{
	struct event *answers = event_new(base, udp, EV_READ | EV_PERSIST, on_answer, NULL);

	tick = event_new(base, -1, 0, on_tick, NULL);
	if (answers == NULL || tick == NULL || event_add(answers, NULL) < 0)
		die("event", "memory");
	start = now();
	tick_in(0);
	(void)event_base_dispatch(base);
	event_free(answers);
	event_free(tick);
}

/* With timers finer than a millisecond. */
static struct event_base *precise_base(void)
{
	struct event_config *config = event_config_new();

	if (config == NULL || event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) < 0)
		die("event", "memory");
	struct event_base *precise = event_base_new_with_config(config);
	event_config_free(config);
	return precise;
}

static void set_option(int c)
{
	switch (c) {
	case 'p':
		port = atoi(optarg);
		break;
	case 'd':
		db = optarg;
		break;
	case 'r':
		rate = atof(optarg);
		break;
	case 't':
		seconds = atof(optarg);
		break;
	case 'w':
		wait_s = atof(optarg);
		break;
	case 'n':
		names = (unsigned)atoi(optarg);
		break;
	case 'z':
		zone = optarg;
		break;
	default:
		exit(2);
	}
}

int main(int argc, char **argv)
{
	static const struct option known[] = {{"port", 1, NULL, 'p'}, {"db", 1, NULL, 'd'},
		{"rate", 1, NULL, 'r'}, {"seconds", 1, NULL, 't'}, {"wait", 1, NULL, 'w'},
		{"names", 1, NULL, 'n'}, {"zone", 1, NULL, 'z'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		set_option(c);
	if (rate <= 0 || names == 0 || !wire_init(&wire, zone)) {
		fprintf(stderr, "prober: an option is out of range\n");
		return 2;
	}
	base = precise_base();
	udp = wire_socket(port);
	if (base == NULL || udp < 0)
		die("socket", strerror(errno));
	make_changes();
	connect_all();
	if (sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}) < 0)
		fprintf(stderr, "prober: its own waiting for a processor counts: %s\n",
			strerror(errno));
	run();
	report();
	return 0;
}
