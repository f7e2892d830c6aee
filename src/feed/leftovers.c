#include "feed/leftovers.h"

#include "base/clock.h"
#include "pg/events.h"

#include <stdint.h>
#include <string.h>

/* Names or chunks to free in one turn. */
#define BUDGET 1000

void leftovers_look(struct leftovers *leftovers)
{
	struct timeval at_once = clock_timeval(0);

	(void)evtimer_add(leftovers->turn, &at_once);
}

/* True when there is no change set any more. */
static bool free_change(struct leftovers *leftovers)
{
	if (leftovers->change != NULL && !change_clean_step(leftovers->change, BUDGET))
		return false;
	leftovers->change = NULL;
	return true;
}

/* True when nothing is left to free. A mirror that is still listed waits without a timer; every
 * change and load comes by here again. */
static bool free_mirrors(struct leftovers *leftovers)
{
	struct mirror **at = &leftovers->dropped;

	while (*at != NULL) {
		struct mirror *mirror = *at;
		struct mirror *next = mirror->next;
		if (mirror->refs > 0) {
			at = &mirror->next;
			continue;
		}
		if (!mirror_free_step(mirror, BUDGET))
			return false;
		*at = next;
	}
	return leftovers->served == NULL || mirror_free_step(leftovers->served, BUDGET);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct leftovers *leftovers = arg;
	bool had_change = leftovers->change != NULL;

	(void)fd;
	(void)what;
	if (!free_change(leftovers)) {
		leftovers_look(leftovers);
		return;
	}
	if (had_change)
		leftovers->on_change_gone(leftovers->arg);
	if (!free_mirrors(leftovers))
		leftovers_look(leftovers);
}

bool leftovers_init(struct leftovers *leftovers, struct event_base *base,
	void (*on_change_gone)(void *arg), void *arg)
{
	memset(leftovers, 0, sizeof(*leftovers));
	leftovers->on_change_gone = on_change_gone;
	leftovers->arg = arg;
	leftovers->turn = evtimer_new(base, on_turn, leftovers);
	return leftovers->turn != NULL;
}

void leftovers_fini(struct leftovers *leftovers)
{
	if (leftovers->change != NULL)
		(void)change_clean_step(leftovers->change, SIZE_MAX);
	while (leftovers->dropped != NULL) {
		struct mirror *mirror = leftovers->dropped;
		leftovers->dropped = mirror->next;
		(void)mirror_free_step(mirror, SIZE_MAX);
	}
	event_drop(leftovers->turn);
}

void leftovers_add_mirror(struct leftovers *leftovers, struct mirror *mirror)
{
	if (mirror == NULL)
		return;
	mirror_unref(mirror);
	mirror->next = leftovers->dropped;
	leftovers->dropped = mirror;
	leftovers_look(leftovers);
}

void leftovers_add_change(struct leftovers *leftovers, struct change *change)
{
	leftovers->change = change;
}

void leftovers_step(struct leftovers *leftovers)
{
	if (!free_change(leftovers) || !free_mirrors(leftovers))
		leftovers_look(leftovers);
}
