#include "sync/curl_loop.h"

#include "base/clock.h"
#include "pg/events.h"

#include <stdlib.h>

struct curl_loop {
	struct event_base *base;
	curl_loop_fn fn;
	void *arg;
	CURLM *multi;
	struct event *timer; /* libcurl's */
};

static void act(struct curl_loop *loop, curl_socket_t fd, int what)
{
	CURLMsg *message;
	int n;

	(void)curl_multi_socket_action(loop->multi, fd, what, &n);
	while ((message = curl_multi_info_read(loop->multi, &n)) != NULL)
		if (message->msg == CURLMSG_DONE)
			loop->fn(loop->arg, message->easy_handle, message->data.result);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	act(arg, fd,
		((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
			((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
	struct curl_loop *loop = arg;
	struct timeval wait = clock_timeval(ms);

	(void)multi;
	if (ms < 0)
		(void)evtimer_del(loop->timer);
	else
		(void)evtimer_add(loop->timer, &wait);
	return 0;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *sock)
{
	struct curl_loop *loop = arg;
	struct event *event = sock;
	short flags = EV_PERSIST;

	(void)easy;
	event_drop(event);
	if (what == CURL_POLL_REMOVE) {
		(void)curl_multi_assign(loop->multi, fd, NULL);
		return 0;
	}
	if (what != CURL_POLL_OUT)
		flags |= EV_READ;
	if (what != CURL_POLL_IN)
		flags |= EV_WRITE;
	event = event_new(loop->base, fd, flags, on_socket, loop);
	if (event != NULL)
		(void)event_add(event, NULL);
	(void)curl_multi_assign(loop->multi, fd, event);
	return 0;
}

bool curl_loop_add(struct curl_loop *loop, CURL *curl)
{
	return curl_multi_add_handle(loop->multi, curl) == CURLM_OK;
}

void curl_loop_remove(struct curl_loop *loop, CURL *curl)
{
	(void)curl_multi_remove_handle(loop->multi, curl);
}

struct curl_loop *curl_loop_new(struct event_base *base, curl_loop_fn fn, void *arg)
{
	struct curl_loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		return NULL;
	*loop = (struct curl_loop){.base = base, .fn = fn, .arg = arg};
	loop->multi = curl_multi_init();
	loop->timer = evtimer_new(base, on_timer, loop);
	if (loop->multi == NULL || loop->timer == NULL) {
		curl_loop_free(loop);
		return NULL;
	}
	(void)curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	(void)curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
	(void)curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	(void)curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
	return loop;
}

void curl_loop_free(struct curl_loop *loop)
{
	if (loop == NULL)
		return;
	if (loop->multi != NULL)
		(void)curl_multi_cleanup(loop->multi);
	event_drop(loop->timer);
	free(loop);
}
