#include "serve/purge_target.h"

#include "base/clock.h"
#include "base/log.h"
#include "pg/events.h"
#include "serve/control.h"
#include "serve/zone_flush.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Between attempts. */
#define PAUSE_FIRST_MS 20
#define PAUSE_MAX_MS   1000
/* For an answer; to REDISCOVER, which reads all zones. */
#define ANSWER_MS     5000
#define REDISCOVER_MS 60000
/* PowerDNS hears nothing while it reads the list of zones: for so many times as long it is not
 * asked to again, unless it was short. */
#define REDISCOVER_SHORT_MS 20
#define REDISCOVER_REST	    4
/* When it could not read the list: doubled each time. */
#define REFUSED_FIRST_MS 1000
#define REFUSED_MAX_MS	 300000
/* A PowerDNS that starts reads the list of zones itself, and 4.7 to 5.1 abort when REDISCOVER comes
 * while they do. It has no zones then; one that has run for so many seconds has come to its end. */
#define STARTING_S	 3
#define STARTING_LOOK_MS 50
/* So many zones are flushed one by one, a ms each, before reading all of them is considered. */
#define FLUSH_ALWAYS 100

enum command {
	COMMAND_NONE,
	COMMAND_PURGE,
	COMMAND_SIZE,	/* how many zones does it know? */
	COMMAND_UPTIME, /* has it just been started? */
	COMMAND_REDISCOVER,
};

struct purge_target {
	struct control *control;
	struct zone_flush *flush; /* NULL without a web server */
	struct event_base *base;
	purge_target_fn fn;
	void *arg;
	enum command command;	  /* under way */
	struct purge_set pending; /* to be purged */
	struct purge_set purging; /* being purged, up to `at` of it told */
	size_t at;
	unsigned names;			/* in the command under way */
	struct purge_set zones;		/* came or went */
	struct purge_set rediscovering; /* those that the REDISCOVER under way is for */
	struct purge_set again;		/* names to be purged once more behind all of these */
	struct event *timer;		/* the next attempt, or the end of REDISCOVER's rest */
	int64_t sent_ms;		/* when the command under way was sent */
	int64_t pause_ms;		/* before the next attempt, should this one fail */
	int64_t rest_until_ms;		/* no REDISCOVER before that */
	int64_t refused_ms;		/* of rest after a REDISCOVER that failed */
	int64_t lost_ms;		/* when it was lost */
	bool is_pausing;
	bool is_zones_turn; /* REDISCOVER before the next PURGE, so that neither waits for ever */
	bool is_silent;	    /* lost because it does not answer, not because it is not there */
	struct purge_target_status status;
};

static void step(struct purge_target *target);

/* ---- the state as people see it ---- */

static void set_lost(struct purge_target *target, const char *why)
{
	if (target->status.is_lost)
		return;
	target->status.is_lost = true;
	target->lost_ms = clock_ms();
	log_warning(
		"PowerDNS at \"%s\" is not there for purging: %s; keeping what it has to forget",
		control_path(target->control), why);
}

static void set_back(struct purge_target *target)
{
	target->pause_ms = PAUSE_FIRST_MS;
	if (!target->status.is_lost)
		return;
	target->status.is_lost = false;
	log_notice("PowerDNS at \"%s\" takes purges again, after %" PRId64 " ms",
		control_path(target->control), clock_ms() - target->lost_ms);
}

static void count_overflow(struct purge_target *target, bool was_all)
{
	if (was_all || !target->pending.is_overflown)
		return;
	target->status.overflows++;
	log_notice("PowerDNS at \"%s\" has more than %d names to forget: it forgets everything",
		control_path(target->control), PURGE_SET_MAX);
}

/* ---- commands ---- */

static void merge_pending(struct purge_target *target, const struct purge_set *names)
{
	bool was_all = target->pending.is_all;

	purge_set_merge(&target->pending, names);
	count_overflow(target, was_all);
}

static void wake_at(struct purge_target *target, int64_t at_ms)
{
	int64_t left = at_ms - clock_ms();
	struct timeval delay = clock_timeval(left > 0 ? left : 0);

	(void)evtimer_add(target->timer, &delay);
}

/* What was under way has to be told again. */
static void take_back(struct purge_target *target)
{
	if (target->command == COMMAND_PURGE) {
		merge_pending(target, &target->purging);
		purge_set_reset(&target->purging);
	} else if (target->command == COMMAND_REDISCOVER) {
		purge_set_merge(&target->zones, &target->rediscovering);
		purge_set_reset(&target->rediscovering);
	}
	target->command = COMMAND_NONE;
}

static void fail(struct purge_target *target, const char *why)
{
	target->status.failed++;
	take_back(target);
	target->is_zones_turn = false;
	set_lost(target, why);
	target->is_pausing = true;
	wake_at(target, clock_ms() + target->pause_ms);
	target->pause_ms =
		target->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : target->pause_ms * 2;
}

static void send_line(struct purge_target *target, enum command command, int64_t timeout_ms)
{
	const char *problem;

	target->command = command;
	target->sent_ms = clock_ms();
	target->is_silent = false;
	problem = control_send(target->control, timeout_ms);
	if (problem != NULL)
		fail(target, problem);
}

/* The next line of what is being purged; false when all of it is told. */
static bool send_purge(struct purge_target *target)
{
	if (!purge_set_print(
		    &target->purging, &target->at, control_line(target->control), &target->names))
		return false;
	send_line(target, COMMAND_PURGE, ANSWER_MS);
	return true;
}

static void begin_purge(struct purge_target *target)
{
	struct purge_set spare = target->purging;

	target->is_zones_turn = true;
	target->purging = target->pending;
	target->pending = spare;
	target->at = 0;
	(void)send_purge(target);
}

static void ask_size(struct purge_target *target)
{
	target->is_zones_turn = false;
	BUF_ADD_LIT(control_line(target->control), "SHOW zone-cache-size\n");
	send_line(target, COMMAND_SIZE, ANSWER_MS);
}

static void ask_uptime(struct purge_target *target)
{
	BUF_ADD_LIT(control_line(target->control), "SHOW uptime\n");
	send_line(target, COMMAND_UPTIME, ANSWER_MS);
}

static void begin_rediscover(struct purge_target *target)
{
	struct purge_set spare = target->rediscovering;

	target->rediscovering = target->zones;
	target->zones = spare;
	BUF_ADD_LIT(control_line(target->control), "REDISCOVER\n");
	send_line(target, COMMAND_REDISCOVER, REDISCOVER_MS);
}

/* The connection is idle: what is next? */
static void step(struct purge_target *target)
{
	bool wants_zones = !purge_set_is_empty(&target->zones);
	bool may_rediscover = wants_zones && clock_ms() >= target->rest_until_ms;

	if (target->command != COMMAND_NONE || target->is_pausing)
		return;
	if (may_rediscover && (target->is_zones_turn || purge_set_is_empty(&target->pending)))
		ask_size(target);
	else if (!purge_set_is_empty(&target->pending))
		begin_purge(target);
	else if (wants_zones)
		wake_at(target, target->rest_until_ms);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct purge_target *target = arg;

	(void)fd;
	(void)what;
	target->is_pausing = false;
	step(target);
}

/* ---- answers ---- */

static bool parse_count(const char *text, uint64_t *count)
{
	char *end;

	errno = 0;
	*count = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static void on_purged(struct purge_target *target, const char *reply)
{
	uint64_t removed;

	if (!parse_count(reply, &removed)) {
		fail(target, "its answer to PURGE is not a number");
		return;
	}
	set_back(target);
	target->status.commands++;
	target->status.names += target->names;
	target->status.alls += target->purging.is_all;
	target->status.removed += removed;
	target->command = COMMAND_NONE;
	if (send_purge(target))
		return;
	purge_set_reset(&target->purging);
	step(target);
}

/* Are there zones that came or went, and PowerDNS has not heard of? */
static bool has_zones(const struct purge_target *target)
{
	return !purge_set_is_empty(&target->zones) || !purge_set_is_empty(&target->rediscovering) ||
	       (target->flush != NULL && zone_flush_pending(target->flush) > 0);
}

/* What PowerDNS has cached about a zone that it did not know, or should not know any more, and
 * about names that point into one, is wrong only now. */
static void purge_again(struct purge_target *target)
{
	merge_pending(target, &target->again);
	target->fn(target->arg, &target->again);
	if (!has_zones(target))
		purge_set_reset(&target->again);
}

static void on_size(struct purge_target *target, const char *reply)
{
	uint64_t zones = 0;

	set_back(target);
	target->command = COMMAND_NONE;
	if (parse_count(reply, &zones) && zones > 0)
		begin_rediscover(target);
	else
		ask_uptime(target);
}

static void on_uptime(struct purge_target *target, const char *reply)
{
	uint64_t seconds = 0;

	target->command = COMMAND_NONE;
	if (parse_count(reply, &seconds) && seconds < STARTING_S) {
		target->rest_until_ms = clock_ms() + STARTING_LOOK_MS;
		step(target);
	} else {
		begin_rediscover(target);
	}
}

static void rediscover_refused(struct purge_target *target, const char *reply)
{
	target->status.failed++;
	take_back(target);
	target->rest_until_ms += target->refused_ms;
	log_warning("PowerDNS at \"%s\" could not read the list of zones: %s; again in %" PRId64
		    " ms",
		control_path(target->control), reply, target->rest_until_ms - clock_ms());
	target->refused_ms =
		target->refused_ms * 2 > REFUSED_MAX_MS ? REFUSED_MAX_MS : target->refused_ms * 2;
}

static void on_rediscovered(struct purge_target *target, const char *reply)
{
	int64_t now = clock_ms();

	target->status.rediscover_ms = now - target->sent_ms;
	target->rest_until_ms = now;
	if (target->status.rediscover_ms > REDISCOVER_SHORT_MS)
		target->rest_until_ms += target->status.rediscover_ms * REDISCOVER_REST;
	if (strncmp(reply, "Ok", 2) == 0) {
		target->status.rediscovers++;
		target->refused_ms = REFUSED_FIRST_MS;
		target->command = COMMAND_NONE;
		purge_set_reset(&target->rediscovering);
		purge_again(target);
	} else {
		rediscover_refused(target, reply);
	}
	step(target);
}

static void on_done(void *arg, const char *reply, const char *problem)
{
	struct purge_target *target = arg;

	if (problem != NULL) {
		target->is_silent = true;
		fail(target, problem);
	} else if (target->command == COMMAND_PURGE) {
		on_purged(target, reply);
	} else if (target->command == COMMAND_SIZE) {
		on_size(target, reply);
	} else if (target->command == COMMAND_UPTIME) {
		on_uptime(target, reply);
	} else {
		on_rediscovered(target, reply);
	}
}

/* ---- the web server ---- */

static void on_flushed(void *arg, const uint8_t *wire, size_t len)
{
	struct purge_target *target = arg;
	struct purge_set zone;

	if (target->status.is_api_lost)
		log_notice("PowerDNS at \"%s\" looks at single zones again",
			control_path(target->control));
	target->status.is_api_lost = false;
	target->status.flushes++;
	if (!has_zones(target)) {
		purge_again(target);
	} else { /* the others take their time */
		purge_set_init(&zone);
		purge_set_add(&zone, wire, len, true);
		merge_pending(target, &zone);
		target->fn(target->arg, &zone);
		purge_set_fini(&zone);
	}
	purge_target_send(target);
}

static void on_flush_failed(void *arg, const struct purge_set *zones, const char *problem)
{
	struct purge_target *target = arg;

	if (!target->status.is_api_lost)
		log_warning("PowerDNS at \"%s\" cannot be asked to look at single zones: its web "
			    "server: %s; it reads all of them instead",
			control_path(target->control), problem);
	target->status.is_api_lost = true;
	target->status.flush_failed++;
	purge_set_merge(&target->zones, zones);
	purge_target_send(target);
}

static const struct zone_flush_handlers flush_handlers = {
	.on_flushed = on_flushed,
	.on_failed = on_flush_failed,
};

/* Is looking at these one by one, a ms each, better than reading all? It leaves PowerDNS free for
 * other purges meanwhile. */
static bool wants_flush(const struct purge_target *target, const struct purge_set *zones)
{
	int64_t limit = target->status.rediscover_ms > FLUSH_ALWAYS ? target->status.rediscover_ms
								    : FLUSH_ALWAYS;

	if (target->flush == NULL || zones->is_all)
		return false;
	return (int64_t)zone_flush_pending(target->flush) + zones->n <= limit;
}

/* ---- for the owner ---- */

struct purge_target *purge_target_new(struct event_base *base,
	const struct purge_target_settings *settings, purge_target_fn fn, void *arg)
{
	struct purge_target *target = calloc(1, sizeof(*target));

	if (target == NULL)
		return NULL;
	purge_set_init(&target->pending);
	purge_set_init(&target->purging);
	purge_set_init(&target->zones);
	purge_set_init(&target->rediscovering);
	purge_set_init(&target->again);
	target->base = base;
	target->fn = fn;
	target->arg = arg;
	target->pause_ms = PAUSE_FIRST_MS;
	target->refused_ms = REFUSED_FIRST_MS;
	target->control = control_new(base, settings->control, on_done, target);
	target->timer = evtimer_new(base, on_timer, target);
	if (target->control == NULL || target->timer == NULL ||
		!purge_target_set_api(target, settings->api, settings->api_key)) {
		purge_target_free(target);
		return NULL;
	}
	return target;
}

bool purge_target_set_api(struct purge_target *target, const char *api, const char *api_key)
{
	struct zone_flush *flush = NULL;

	if (api != NULL)
		flush = zone_flush_new(target->base, api, api_key, &flush_handlers, target);
	if (api != NULL && flush == NULL)
		return false;
	if (target->flush != NULL)
		zone_flush_take(target->flush, &target->zones);
	zone_flush_free(target->flush);
	target->flush = flush;
	target->status.is_api_lost = false;
	return true;
}

void purge_target_free(struct purge_target *target)
{
	if (target == NULL)
		return;
	control_free(target->control);
	zone_flush_free(target->flush);
	event_drop(target->timer);
	purge_set_fini(&target->pending);
	purge_set_fini(&target->purging);
	purge_set_fini(&target->zones);
	purge_set_fini(&target->rediscovering);
	purge_set_fini(&target->again);
	free(target);
}

const char *purge_target_control(const struct purge_target *target)
{
	return control_path(target->control);
}

void purge_target_add(struct purge_target *target, const struct purge_set *names)
{
	merge_pending(target, names);
}

void purge_target_add_zones(
	struct purge_target *target, const struct purge_set *zones, const struct purge_set *names)
{
	if (purge_set_is_empty(zones))
		return;
	purge_set_merge(&target->again, names);
	if (wants_flush(target, zones))
		zone_flush_add(target->flush, zones);
	else
		purge_set_merge(&target->zones, zones);
}

void purge_target_send(struct purge_target *target)
{
	/* Whether it is there again is seen at once, and for little. */
	if (target->is_pausing && !target->is_silent &&
		clock_ms() - target->sent_ms >= PAUSE_FIRST_MS) {
		(void)evtimer_del(target->timer);
		target->is_pausing = false;
	}
	step(target);
}

void purge_target_get_status(const struct purge_target *target, struct purge_target_status *status)
{
	*status = target->status;
	status->control = control_path(target->control);
	status->pending = (size_t)target->pending.n + target->purging.n;
	status->is_all_pending = target->pending.is_all || target->purging.is_all;
	status->zones_pending = (size_t)target->zones.n + target->rediscovering.n +
				target->zones.is_all + target->rediscovering.is_all;
	status->has_api = target->flush != NULL;
	if (target->flush != NULL)
		status->zones_pending += zone_flush_pending(target->flush);
}
