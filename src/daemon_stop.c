#include "daemon_stop.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "pg/events.h"

#include <signal.h>

#define DRAIN_MS 5000
#define LOOK_MS	 5

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct daemon_stop *stop = arg;

	(void)fd;
	(void)what;
	if (stop->handlers->is_drained(stop->arg) || clock_ms() > stop->until_ms)
		(void)event_base_loopbreak(stop->base);
}

static void on_stop(evutil_socket_t signal, short what, void *arg)
{
	struct daemon_stop *stop = arg;
	struct timeval often = clock_timeval(LOOK_MS);

	(void)what;
	if (stop->until_ms != 0) { /* the second time */
		(void)event_base_loopbreak(stop->base);
		return;
	}
	log_notice("stopping on signal %d", (int)signal);
	notify_stopping();
	stop->until_ms = clock_ms() + DRAIN_MS;
	stop->handlers->drain(stop->arg);
	(void)event_add(stop->look, &often);
}

static const struct event_signal signals[] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {0, NULL}};

bool daemon_stop_init(struct daemon_stop *stop, struct event_base *base,
	const struct daemon_stop_handlers *handlers, void *arg)
{
	stop->base = base;
	stop->handlers = handlers;
	stop->arg = arg;
	stop->until_ms = 0;
	stop->look = event_new(base, -1, EV_PERSIST, on_look, stop);
	return stop->look != NULL && event_on_signals(base, signals, stop);
}

void daemon_stop_fini(struct daemon_stop *stop)
{
	event_drop(stop->look);
}
