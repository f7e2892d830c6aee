#include "serve/purge_target.h"

#include "base/clock.h"
#include "base/log.h"
#include "pg/events.h"
#include "serve/control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Between attempts. */
#define PAUSE_FIRST_MS 20
#define PAUSE_MAX_MS   1000
/* For the answer to a PURGE; to REDISCOVER, which reads all zones. */
#define PURGE_MS      5000
#define REDISCOVER_MS 60000
/* PowerDNS hears nothing while it reads the list of zones: for so many times as long it is not
 * asked to again. */
#define REDISCOVER_REST	      4
#define REDISCOVER_REFUSED_MS 1000

enum command { COMMAND_NONE, COMMAND_PURGE, COMMAND_REDISCOVER };

struct purge_target {
	struct control *control;
	purge_target_fn fn;
	void *arg;
	enum command command;	  /* under way */
	struct purge_set pending; /* to be purged */
	struct purge_set purging; /* being purged, up to `at` of it told */
	size_t at;
	struct purge_line_counts counts; /* of the command under way */
	struct purge_set zones;		 /* came or went */
	struct purge_set rediscovering;	 /* those that the REDISCOVER under way is for */
	struct event *timer;		 /* the next attempt, or the end of REDISCOVER's rest */
	int64_t sent_ms;		 /* when the command under way was sent */
	int64_t pause_ms;		 /* before the next attempt, should this one fail */
	int64_t rest_until_ms;		 /* no REDISCOVER before that */
	int64_t lost_ms;		 /* when it was lost */
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
		    &target->purging, &target->at, control_line(target->control), &target->counts))
		return false;
	send_line(target, COMMAND_PURGE, PURGE_MS);
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

static void begin_rediscover(struct purge_target *target)
{
	struct purge_set spare = target->rediscovering;

	target->is_zones_turn = false;
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
		begin_rediscover(target);
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
	target->status.names += target->counts.names;
	target->status.suffixes += target->counts.suffixes;
	target->status.alls += target->purging.is_all;
	target->status.removed += removed;
	target->command = COMMAND_NONE;
	if (send_purge(target))
		return;
	purge_set_reset(&target->purging);
	step(target);
}

/* What PowerDNS has cached about a zone that it did not know, or should not know any more, is wrong
 * only now. */
static void purge_zones(struct purge_target *target)
{
	struct purge_set zones;

	purge_set_init(&zones);
	purge_set_merge_suffixes(&zones, &target->rediscovering);
	merge_pending(target, &zones);
	target->fn(target->arg, &zones);
	purge_set_fini(&zones);
}

static void on_rediscovered(struct purge_target *target, const char *reply)
{
	int64_t now = clock_ms();

	set_back(target);
	target->status.rediscover_ms = now - target->sent_ms;
	target->rest_until_ms = now + target->status.rediscover_ms * REDISCOVER_REST;
	if (strncmp(reply, "Ok", 2) == 0) {
		target->status.rediscovers++;
		target->command = COMMAND_NONE;
		purge_zones(target);
		purge_set_reset(&target->rediscovering);
	} else {
		log_warning("PowerDNS at \"%s\" could not read the list of zones: %s",
			control_path(target->control), reply);
		target->status.failed++;
		target->rest_until_ms += REDISCOVER_REFUSED_MS;
		take_back(target);
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
	} else {
		on_rediscovered(target, reply);
	}
}

/* ---- for the owner ---- */

struct purge_target *purge_target_new(
	struct event_base *base, const char *control, purge_target_fn fn, void *arg)
{
	struct purge_target *target = calloc(1, sizeof(*target));

	if (target == NULL)
		return NULL;
	purge_set_init(&target->pending);
	purge_set_init(&target->purging);
	purge_set_init(&target->zones);
	purge_set_init(&target->rediscovering);
	target->fn = fn;
	target->arg = arg;
	target->pause_ms = PAUSE_FIRST_MS;
	target->control = control_new(base, control, on_done, target);
	target->timer = evtimer_new(base, on_timer, target);
	if (target->control == NULL || target->timer == NULL) {
		purge_target_free(target);
		return NULL;
	}
	return target;
}

void purge_target_free(struct purge_target *target)
{
	if (target == NULL)
		return;
	control_free(target->control);
	event_drop(target->timer);
	purge_set_fini(&target->pending);
	purge_set_fini(&target->purging);
	purge_set_fini(&target->zones);
	purge_set_fini(&target->rediscovering);
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

void purge_target_add_zones(struct purge_target *target, const struct purge_set *zones)
{
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
	status->zones_pending = (size_t)target->zones.n + target->rediscovering.n;
}
