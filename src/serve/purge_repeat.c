#include "serve/purge_repeat.h"

#include "base/clock.h"
#include "pg/events.h"

static void start_timer(struct purge_repeat *repeat)
{
	struct timeval delay = clock_timeval(repeat->delay_ms);

	(void)evtimer_add(repeat->timer, &delay);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct purge_repeat *repeat = arg;
	struct purge_set due = repeat->waiting;

	(void)fd;
	(void)what;
	repeat->waiting = repeat->gathering;
	purge_set_init(&repeat->gathering);
	if (!purge_set_is_empty(&repeat->waiting))
		start_timer(repeat);
	repeat->fn(repeat->arg, &due);
	purge_set_fini(&due);
}

bool purge_repeat_init(struct purge_repeat *repeat, struct event_base *base, int64_t delay_ms,
	purge_repeat_fn fn, void *arg)
{
	repeat->delay_ms = delay_ms;
	repeat->fn = fn;
	repeat->arg = arg;
	purge_set_init(&repeat->waiting);
	purge_set_init(&repeat->gathering);
	repeat->timer = evtimer_new(base, on_timer, repeat);
	return repeat->timer != NULL;
}

void purge_repeat_fini(struct purge_repeat *repeat)
{
	event_drop(repeat->timer);
	purge_set_fini(&repeat->waiting);
	purge_set_fini(&repeat->gathering);
}

void purge_repeat_add(struct purge_repeat *repeat, const struct purge_set *set)
{
	if (purge_set_is_empty(set))
		return;
	if (purge_set_is_empty(&repeat->waiting)) {
		purge_set_merge(&repeat->waiting, set);
		start_timer(repeat);
	} else {
		purge_set_merge(&repeat->gathering, set);
	}
}
