#include "config.h"

#include "sync/kafka.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "pg/events.h"
#include "sync/kafka_conf.h"
#include "sync/kafka_partition.h"

#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <syslog.h>
#include <unistd.h>

/* Messages a turn of the loop. */
#define TURN_MAX 200
/* Kafka throws out members that do not poll, and a lost wake-up shall not matter. */
#define POLL_MS 1000
/* Before a client that failed for good is made anew. */
#define ANEW_MS 5000
/* Complaints of librdkafka a second at most. */
#define LOG_PER_S 5

enum kafka_state {
	KAFKA_DOWN, /* no client: the timer makes one */
	KAFKA_UP,
	KAFKA_CLOSING, /* commits and leaves the group */
	KAFKA_CLOSED,
};

struct kafka {
	struct kafka_settings settings;
	struct relay *relay;
	enum kafka_state state;
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;
	struct kafka_partitions partitions;
	int wake_fd; /* librdkafka writes to it when there is something to poll */
	struct event *wake, *timer;
	bool is_draining, is_paused;
	bool is_broken; /* has to be made anew, outside of librdkafka's callbacks */
	bool is_connected;
	uint64_t disconnected;
	int64_t second;
	unsigned n_logged;
};

int kafka_check(const struct kafka_settings *settings, char *why, size_t size)
{
	rd_kafka_conf_t *conf = kafka_conf_new(settings, why, size);

	if (conf == NULL)
		return -1;
	rd_kafka_conf_destroy(conf);
	return 0;
}

/* ---- what librdkafka tells ---- */

static bool may_log(struct kafka *kafka)
{
	int64_t second = clock_ms() / 1000;

	if (second != kafka->second) {
		kafka->second = second;
		kafka->n_logged = 0;
	}
	return kafka->n_logged++ < LOG_PER_S;
}

/* Called from rd_kafka_consumer_poll, as all callbacks here. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	struct kafka *kafka = rd_kafka_opaque(rk);

	if (level <= LOG_WARNING ? may_log(kafka) : log_is_on(LOG_LEVEL_DEBUG))
		log_line(level <= LOG_WARNING ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, NULL,
			"librdkafka: %s: %s", facility, text);
}

static void set_connected(struct kafka *kafka, bool is_connected, const char *why)
{
	if (kafka->is_connected == is_connected)
		return;
	kafka->is_connected = is_connected;
	if (is_connected) {
		log_notice("connected to Kafka");
	} else {
		kafka->disconnected++;
		log_error("lost Kafka: %s", why);
	}
}

static bool is_of_connection(int error)
{
	return error == RD_KAFKA_RESP_ERR__SSL || error == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
	       error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__RESOLVE;
}

/* The client does nothing any more. */
static void take_fatal(struct kafka *kafka)
{
	char why[256];
	rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(kafka->rk, why, sizeof(why));

	log_error("Kafka's client failed, it is made anew: %s: %s", rd_kafka_err2name(fatal), why);
	kafka->is_broken = true;
}

static void on_error(rd_kafka_t *rk, int error, const char *reason, void *arg)
{
	struct kafka *kafka = arg;
	bool is_away = !kafka->is_connected && is_of_connection(error);

	(void)rk;
	kafka->disconnected += is_away;

	if (error == RD_KAFKA_RESP_ERR__FATAL) {
		take_fatal(kafka);
	} else if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
		set_connected(kafka, false, reason);
	} else if (may_log(kafka)) {
		log_warning("%s: %s", is_away ? "no connection to Kafka" : "Kafka", reason);
	}
}

/* Is a broker up? Only the statistics tell. */
static int on_stats(rd_kafka_t *rk, char *text, size_t len, void *arg)
{
	json_t *stats = json_loadb(text, len, 0, NULL);
	json_t *brokers = json_object_get(stats, "brokers");
	bool is_up = false;

	(void)rk;
	for (void *at = json_object_iter(brokers); at != NULL;
		at = json_object_iter_next(brokers, at)) {
		const char *state =
			json_string_value(json_object_get(json_object_iter_value(at), "state"));
		is_up = is_up || (state != NULL && strcmp(state, "UP") == 0);
	}
	set_connected(arg, is_up, "no broker is connected");
	json_decref(stats);
	return 0; /* librdkafka frees the text */
}

/* ---- partitions ---- */

static void pause_partitions(struct kafka *kafka)
{
	rd_kafka_topic_partition_list_t *all = NULL;

	kafka->is_paused = relay_is_held(kafka->relay);
	if (rd_kafka_assignment(kafka->rk, &all) != RD_KAFKA_RESP_ERR_NO_ERROR || all == NULL)
		return;
	if (kafka->is_paused)
		(void)rd_kafka_pause_partitions(kafka->rk, all);
	else
		(void)rd_kafka_resume_partitions(kafka->rk, all);
	rd_kafka_topic_partition_list_destroy(all);
}

static void assign(struct kafka *kafka, rd_kafka_topic_partition_list_t *list, bool is_more)
{
	rd_kafka_t *rk = kafka->rk;
	rd_kafka_error_t *error = NULL;
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;

	/* Revoking commits what is stored. */
	if (strcmp(rd_kafka_rebalance_protocol(rk), "COOPERATIVE") == 0)
		error = is_more ? rd_kafka_incremental_assign(rk, list)
				: rd_kafka_incremental_unassign(rk, list);
	else
		code = rd_kafka_assign(rk, is_more ? list : NULL);
	if (error != NULL) {
		code = rd_kafka_error_code(error);
		rd_kafka_error_destroy(error);
	}
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
		log_error("could not take partitions of Kafka: %s", rd_kafka_err2str(code));
		kafka->is_broken = true;
	}
}

static void on_rebalance(
	rd_kafka_t *rk, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t *list, void *arg)
{
	struct kafka *kafka = arg;

	(void)rk;
	if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		if (kafka_partitions_open(&kafka->partitions, list) < 0)
			kafka->is_broken = true;
		assign(kafka, list, true);
		if (kafka->is_paused)
			(void)rd_kafka_pause_partitions(kafka->rk, list);
		return;
	}
	if (what != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
		log_warning("Kafka's group: %s", rd_kafka_err2str(what));
	log_info("kafka: gives %d partitions back", list->cnt);
	kafka_partitions_close(&kafka->partitions, list);
	assign(kafka, list, false);
}

static void wake_soon(struct kafka *kafka)
{
	event_active(kafka->wake, EV_READ, 0);
}

static void on_done(void *arg, struct relay_stream *stream)
{
	struct kafka *kafka = arg;
	const struct kafka_partition *partition = relay_owner(stream);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	int64_t offset;

	if (relay_done(stream, &offset)) {
		rd_kafka_topic_partition_list_add(list, partition->topic, partition->number)
			->offset = offset + 1;
		rd_kafka_resp_err_t error = rd_kafka_offsets_store(kafka->rk, list);
		if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
			log_debug("kafka: no offset stored: %s", rd_kafka_err2str(error));
	}
	rd_kafka_topic_partition_list_destroy(list);
	if (kafka->is_draining)
		wake_soon(kafka);
}

/* ---- messages ---- */

static void take_error(struct kafka *kafka, const rd_kafka_message_t *message)
{
	if (message->err == RD_KAFKA_RESP_ERR__FATAL) /* a consumer gets it this way */
		take_fatal(kafka);
	else if (may_log(kafka))
		log_error("kafka: %s%s%s",
			message->rkt == NULL ? "" : rd_kafka_topic_name(message->rkt),
			message->rkt == NULL ? "" : ": ", rd_kafka_message_errstr(message));
}

static void take(struct kafka *kafka, const rd_kafka_message_t *message)
{
	struct kafka_partition *partition;

	if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
		take_error(kafka, message);
		return;
	}
	partition = kafka_partitions_find(
		&kafka->partitions, rd_kafka_topic_name(message->rkt), message->partition);
	if (partition == NULL || kafka->is_broken || kafka->is_draining)
		return; /* its offset is not stored: it comes again, here or at another member */
	if (relay_take(partition->stream, message->offset,
		    message->payload == NULL ? "" : message->payload, message->len) < 0) {
		log_error("kafka: out of memory");
		kafka->is_broken = true;
	}
}

static void step(struct kafka *kafka);

static void poll_client(struct kafka *kafka)
{
	for (int n = 0; kafka->rk != NULL && !kafka->is_broken; n++) {
		/* Where it is held the partitions are paused: only what is no message comes. */
		if (!kafka->is_paused && !relay_has_room(kafka->relay))
			break;
		if (n == TURN_MAX) {
			wake_soon(kafka);
			break;
		}
		rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka->rk, 0);
		if (message == NULL)
			break;
		take(kafka, message);
		rd_kafka_message_destroy(message);
	}
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	uint64_t count;

	(void)what;
	ssize_t n = read(fd, &count, sizeof(count));
	(void)n;
	poll_client(arg);
	step(arg);
}

static void on_room(void *arg)
{
	struct kafka *kafka = arg;

	if (kafka->state == KAFKA_UP && kafka->is_paused != relay_is_held(kafka->relay))
		pause_partitions(kafka);
	if (relay_has_room(kafka->relay))
		wake_soon(kafka);
}

static const struct relay_handlers handlers = {.on_done = on_done, .on_room = on_room};

/* ---- the client's life ---- */

static int subscribe(struct kafka *kafka, char *why, size_t size)
{
	const struct option_list *topics = kafka->settings.topics;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)topics->n);

	for (size_t i = 0; i < topics->n; i++)
		(void)rd_kafka_topic_partition_list_add(
			list, topics->items[i], RD_KAFKA_PARTITION_UA);
	rd_kafka_resp_err_t error = rd_kafka_subscribe(kafka->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	(void)snprintf(why, size, "%s", rd_kafka_err2str(error));
	return -1;
}

static int start_client(struct kafka *kafka, char *why, size_t size)
{
	static const uint64_t one = 1;
	rd_kafka_conf_t *conf = kafka_conf_new(&kafka->settings, why, size);

	if (conf == NULL)
		return -1;
	rd_kafka_conf_set_opaque(conf, kafka);
	rd_kafka_conf_set_log_cb(conf, on_log);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_stats_cb(conf, on_stats);
	rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
	kafka->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, size);
	if (kafka->rk == NULL) {
		rd_kafka_conf_destroy(conf);
		return -1;
	}
	kafka->is_broken = false;
	kafka->is_paused = false;
	(void)rd_kafka_set_log_queue(kafka->rk, NULL);
	(void)rd_kafka_poll_set_consumer(kafka->rk);
	kafka->queue = rd_kafka_queue_get_consumer(kafka->rk);
	rd_kafka_queue_io_event_enable(kafka->queue, kafka->wake_fd, &one, sizeof(one));
	kafka->state = KAFKA_UP;
	wake_soon(kafka);
	return subscribe(kafka, why, size);
}

/* Waits for librdkafka's own threads, which may be looking up a name. */
static void *destroy(void *rk)
{
	rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	return NULL;
}

/* Without leaving the group properly; its partitions come back after the session's time. */
static void drop_client(struct kafka *kafka, bool may_wait)
{
	kafka_partitions_close_all(&kafka->partitions);
	if (kafka->queue != NULL) {
		rd_kafka_queue_io_event_enable(kafka->queue, -1, NULL, 0);
		rd_kafka_queue_destroy(kafka->queue);
	}
	if (kafka->rk != NULL && (may_wait || thread_start(destroy, kafka->rk) != 0))
		(void)destroy(kafka->rk);
	kafka->queue = NULL;
	kafka->rk = NULL;
	kafka->state = KAFKA_DOWN;
}

/* When what it has is stored it commits that and leaves the group; all on its own threads. */
static void begin_close(struct kafka *kafka)
{
	rd_kafka_error_t *error = rd_kafka_consumer_close_queue(kafka->rk, kafka->queue);

	kafka->state = KAFKA_CLOSING;
	if (error != NULL) {
		log_warning("could not leave Kafka's group: %s", rd_kafka_error_string(error));
		rd_kafka_error_destroy(error);
		kafka->state = KAFKA_CLOSED;
	}
}

static void step(struct kafka *kafka)
{
	if (kafka->is_broken && kafka->rk != NULL) {
		drop_client(kafka, false);
		set_connected(kafka, false, "the client has to be made anew");
		kafka->is_broken = false;
		struct timeval wait = clock_timeval(ANEW_MS);
		(void)evtimer_add(kafka->timer, &wait);
	}
	if (kafka->state == KAFKA_UP && kafka->is_draining && relay_is_idle(kafka->relay))
		begin_close(kafka);
	if (kafka->state == KAFKA_CLOSING && rd_kafka_consumer_closed(kafka->rk))
		kafka->state = KAFKA_CLOSED;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct kafka *kafka = arg;
	struct timeval often = clock_timeval(POLL_MS);
	char why[512];

	(void)fd;
	(void)what;
	(void)evtimer_add(kafka->timer, &often);
	if (kafka->rk != NULL) {
		poll_client(kafka);
	} else if (!kafka->is_draining && start_client(kafka, why, sizeof(why)) < 0) {
		log_error("could not start Kafka's client: %s", why);
		kafka->is_broken = true;
		kafka->disconnected++;
		often = clock_timeval(ANEW_MS);
		(void)evtimer_add(kafka->timer, &often);
	}
	step(kafka);
}

struct kafka *kafka_new(struct event_base *base, const struct kafka_settings *settings,
	struct intake *intake, char *why, size_t size)
{
	struct relay_settings relay = {.source = "kafka", .position = "offset"};
	struct timeval at_once = {0, 0};
	struct kafka *kafka = calloc(1, sizeof(*kafka));

	(void)snprintf(why, size, "out of memory");
	if (kafka == NULL)
		return NULL;
	kafka->settings = *settings;
	kafka->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	kafka->relay = relay_new(base, intake, &relay, &handlers, kafka);
	kafka->partitions.relay = kafka->relay;
	kafka->timer = evtimer_new(base, on_timer, kafka);
	kafka->wake = kafka->wake_fd < 0 ? NULL
					 : event_new(base, kafka->wake_fd, EV_READ | EV_PERSIST,
						   on_wake, kafka);
	if (kafka->relay == NULL || kafka->timer == NULL || kafka->wake == NULL ||
		event_add(kafka->wake, NULL) < 0 || evtimer_add(kafka->timer, &at_once) < 0 ||
		kafka_check(settings, why, size) < 0) {
		kafka_free(kafka);
		return NULL;
	}
	return kafka;
}

void kafka_free(struct kafka *kafka)
{
	if (kafka == NULL)
		return;
	drop_client(kafka, true);
	relay_free(kafka->relay);
	event_drop(kafka->wake);
	event_drop(kafka->timer);
	if (kafka->wake_fd >= 0)
		(void)close(kafka->wake_fd);
	free(kafka);
}

void kafka_drain(struct kafka *kafka)
{
	kafka->is_draining = true;
	step(kafka);
}

bool kafka_is_drained(const struct kafka *kafka)
{
	return kafka->rk == NULL || kafka->state == KAFKA_CLOSED;
}

void kafka_get_status(const struct kafka *kafka, struct bus_status *status)
{
	relay_get_status(kafka->relay, status);
	status->is_connected = kafka->is_connected;
	status->disconnected = kafka->disconnected;
}
