#include "serve/exchange.h"

#include "base/clock.h"
#include "pg/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What an idle exchange keeps for its reply. */
#define KEEP 4096
/* A reply of a listing is made in parts of about this many names. */
#define LISTING_BUDGET 500
/* Lines in the log about what peers do, in one second. */
#define LOG_LINES_MAX 50
/* For the mirror to show a write that is committed. PowerDNS waits for two seconds by default. */
#define SHOW_MS 1000

bool exchange_log_is_allowed(struct exchanges *all)
{
	int64_t second = clock_ms() / 1000;

	if (second != all->log_second) {
		if (all->log_lines > LOG_LINES_MAX)
			log_warning("%u more lines about peers were not written",
				all->log_lines - LOG_LINES_MAX);
		all->log_second = second;
		all->log_lines = 0;
	}
	return ++all->log_lines <= LOG_LINES_MAX;
}

void exchange_log(const struct exchange *exchange, enum log_level level, const char *problem)
{
	struct log_about about = {.peer = exchange->peer};

	if (log_is_on(level) && exchange_log_is_allowed(exchange->all))
		log_line(level, &about, "%s", problem);
}

static void count_result(struct exchange *exchange, enum server_result result)
{
	exchange->all->numbers.results[exchange->method_number][result]++;
	exchange->all->status.failed += result == RESULT_FAILED;
}

/* ---- writes ---- */

static void reply_problem(struct exchange *exchange, const char *problem)
{
	char line[PROTOCOL_PROBLEM_MAX];

	(void)snprintf(line, sizeof(line), "%s: %s", exchange->method, problem);
	exchange_log(exchange, LOG_LEVEL_WARNING, line);
	count_result(exchange, RESULT_FAILED);
	reply_false(&exchange->out, line);
}

/* The reply is in out. */
static void write_finish(struct exchange *exchange)
{
	exchange->awaited = 0;
	(void)evtimer_del(exchange->patience);
	exchange->on_reply(exchange->arg);
}

static void transaction_end(struct exchange *exchange)
{
	transaction_free(exchange->transaction);
	exchange->transaction = NULL;
}

static void on_write_done(void *arg, const struct write_done *done)
{
	struct exchange *exchange = arg;
	struct timeval patience = clock_timeval(SHOW_MS);
	uint64_t version = done->version;

	exchange->job = NULL;
	exchange->is_secret = exchange->write_kind == WRITE_READ_KEYS;
	histogram_add(&exchange->all->numbers.writing, clock_ns() - exchange->write_began_ns, 1);
	if (done->problem != NULL)
		reply_problem(exchange, done->problem);
	else
		count_result(exchange, RESULT_OK);
	if (done->problem == NULL && done->result != NULL)
		reply_result(&exchange->out, done->result, done->result_len);
	else if (done->problem == NULL)
		reply_true(&exchange->out);
	if (exchange->write_kind == WRITE_COMMIT ||
		(exchange->write_kind == WRITE_BEGIN && done->problem != NULL))
		transaction_end(exchange);
	if (version <= exchange->all->version) {
		write_finish(exchange);
		return;
	}
	exchange->awaited = version;
	(void)evtimer_add(exchange->patience, &patience);
}

void exchange_on_version(struct exchange *exchange)
{
	if (exchange->awaited > 0 && exchange->awaited <= exchange->all->version)
		write_finish(exchange);
}

/* PowerDNS knows one transaction at a time: when it begins another, it has forgotten the first. */
static bool transaction_start(struct exchange *exchange, struct write *write)
{
	if (exchange->transaction != NULL)
		exchange_log(exchange, LOG_LEVEL_WARNING,
			"a transaction begins: the one before was not ended, and is rolled back");
	transaction_end(exchange);
	exchange->open.zone_id = write->zone_id;
	exchange->transaction =
		transaction_begin(exchange->all->transactions, write, on_write_done, exchange);
	if (exchange->transaction != NULL)
		return false;
	write_fini(write);
	reply_problem(exchange, "out of memory");
	return true;
}

static bool transaction_go_on(struct exchange *exchange, struct write *write)
{
	enum transaction_outcome outcome = TRANSACTION_DONE;
	bool is_end = write->kind == WRITE_COMMIT || write->kind == WRITE_ABORT;

	if (write->kind == WRITE_ABORT)
		write_fini(write);
	else
		outcome = transaction_do(exchange->transaction, write, on_write_done, exchange);
	if (outcome == TRANSACTION_LATER)
		return false;
	if (outcome == TRANSACTION_DONE) {
		count_result(exchange, RESULT_OK);
		reply_true(&exchange->out);
	} else {
		reply_problem(exchange, transaction_problem(exchange->transaction));
	}
	if (is_end)
		transaction_end(exchange);
	return true;
}

static bool write_begin(struct exchange *exchange, struct answer *answer)
{
	struct write *write = &answer->write;

	exchange->write_kind = write->kind;
	exchange->write_began_ns = clock_ns();
	if (write->kind == WRITE_BEGIN)
		return transaction_start(exchange, write);
	if (exchange->transaction != NULL)
		return transaction_go_on(exchange, write);
	exchange->job = writer_start(exchange->all->writer, write, on_write_done, exchange);
	if (exchange->job != NULL)
		return false;
	write_fini(write);
	reply_problem(exchange, "out of memory");
	return true;
}

/* What the protocol answers from: as for everyone, but for an open transaction. */
static void exchange_ask(
	struct exchange *exchange, const char *request, size_t len, struct answer *answer)
{
	struct protocol protocol;

	if (exchange->transaction == NULL) {
		protocol_answer(&exchange->all->protocol, request, len, &exchange->out, answer);
		return;
	}
	protocol = exchange->all->protocol;
	protocol.transaction = &exchange->open;
	exchange->open.has_failed = transaction_problem(exchange->transaction) != NULL;
	protocol_answer(&protocol, request, len, &exchange->out, answer);
	if (answer->is_write && answer->problem[0] != '\0')
		transaction_doom(exchange->transaction, answer->problem);
}

/* ---- requests ---- */

static bool reply_is(const struct exchange *exchange, const char *text, size_t len)
{
	return exchange->out.len == len && memcmp(exchange->out.data, text, len) == 0;
}

static enum server_result answer_result(
	const struct exchange *exchange, const struct answer *answer)
{
	static const char empty[] = "{\"result\":[]}\n";
	static const char none[] = "{\"result\":false}\n";

	if (answer->problem[0] != '\0')
		return RESULT_FAILED;
	return reply_is(exchange, empty, sizeof(empty) - 1) ||
			       reply_is(exchange, none, sizeof(none) - 1)
		       ? RESULT_EMPTY
		       : RESULT_OK;
}

/* To PowerDNS a lookup that is false has found nothing. */
static void reply_no_memory(struct exchange *exchange, struct answer *answer)
{
	bool is_read =
		answer->kind != ANSWER_WRITE && !answer->is_write && exchange->transaction == NULL;

	(void)snprintf(
		answer->problem, sizeof(answer->problem), "%s: out of memory", answer->method);
	answer->kind = ANSWER_REPLY;
	if (is_read)
		reply_no_result(&exchange->out, answer->problem);
	else
		reply_false(&exchange->out, answer->problem);
}

bool exchange_answer(struct exchange *exchange, const char *request, size_t len)
{
	struct answer answer;

	exchange->all->status.requests++;
	exchange_ask(exchange, request, len, &answer);
	exchange->method = answer.method;
	exchange->method_number = answer.method_number;
	exchange->is_secret = answer.is_secret;
	exchange->wipe_request = answer.wipe_request;
	if (buf_failed(&exchange->out)) {
		buf_fini(&exchange->out);
		listing_free(answer.listing);
		if (answer.kind == ANSWER_WRITE)
			write_fini(&answer.write);
		reply_no_memory(exchange, &answer);
	}
	if (answer.kind != ANSWER_WRITE)
		count_result(exchange, answer_result(exchange, &answer));
	if (answer.problem[0] != '\0') {
		exchange_log(exchange, answer.is_malformed ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE,
			answer.problem);
		exchange->is_last = answer.is_malformed;
	}
	if (answer.kind == ANSWER_WRITE)
		return write_begin(exchange, &answer);
	if (answer.unix_timeout_ms > 0)
		exchange->unix_timeout_ms = answer.unix_timeout_ms;
	if (answer.kind == ANSWER_LISTING) {
		exchange->listing = answer.listing;
		exchange->octets = exchange->out.len;
		exchange->is_warned = false;
	}
	return true;
}

void exchange_refuse(struct exchange *exchange, const char *problem)
{
	exchange->all->status.failed++;
	exchange_log(exchange, LOG_LEVEL_WARNING, problem);
	exchange->is_last = true;
	reply_false(&exchange->out, problem);
}

static void log_slow(struct exchange *exchange, const struct zone *zone, uint64_t octets)
{
	struct log_about about = {.peer = exchange->peer};
	char name[NAME_TEXT_MAX + 1] = "";
	char records[40] = "";

	if (zone != NULL) {
		name[name_print(name, zone->name, zone->name_len)] = '\0';
		about.zone = name;
		(void)snprintf(records, sizeof(records), ", %" PRIu64 " records", zone->records);
	}
	if (!slow_is_news(
		    &exchange->all->slow, zone == NULL ? exchange->method : name, clock_ms()) ||
		!exchange_log_is_allowed(exchange->all))
		return;
	log_line(LOG_LEVEL_WARNING, &about,
		"%s: PowerDNS will not wait for the reply%s: its unix connector reads %" PRIu64
		" octets and more in about %" PRId64
		" ms, and its timeout is %ld ms; use its pipe connector",
		exchange->method, records, octets, slow_read_ms(octets), exchange->unix_timeout_ms);
}

/* More of a listing is to come. A peer that reads slowly takes no more than it has read before it
 * gives up, so how long a reply will be is to be known early: of a zone it is, of others the limit
 * is a bit lower. */
static void warn_slow(struct exchange *exchange)
{
	const struct zone *zone = listing_zone(exchange->listing);
	uint64_t octets = exchange->octets;
	long limit_ms = exchange->unix_timeout_ms;

	if (zone != NULL && octets < zone->records * SLOW_RECORD_OCTETS)
		octets = zone->records * SLOW_RECORD_OCTETS;
	if (zone == NULL)
		limit_ms = limit_ms / 4 * 3;
	if (exchange->unix_timeout_ms == 0 || exchange->is_warned ||
		slow_read_ms(octets) <= limit_ms)
		return;
	exchange->is_warned = true;
	log_slow(exchange, zone, octets);
}

int exchange_sent(struct exchange *exchange)
{
	if (exchange->is_secret)
		explicit_bzero(exchange->out.data, exchange->out.len);
	if (exchange->listing == NULL) {
		exchange->is_secret = false;
		buf_reset(&exchange->out, KEEP);
		return 0;
	}
	buf_reset(&exchange->out, SIZE_MAX);
	int done = listing_step(exchange->listing, LISTING_BUDGET, &exchange->out);
	if (done < 0) {
		exchange_log(exchange, LOG_LEVEL_ERROR, "list: out of memory, connection closed");
		return -1;
	}
	exchange->octets += exchange->out.len;
	if (done == 0)
		warn_slow(exchange);
	if (done == 1) {
		listing_free(exchange->listing);
		exchange->listing = NULL;
	}
	return 1;
}

static void on_patience(evutil_socket_t fd, short what, void *arg)
{
	struct exchange *exchange = arg;

	(void)fd;
	(void)what;
	write_finish(exchange); /* it is committed, and the mirror will show it */
}

bool exchange_init(struct exchange *exchange, struct exchanges *all, const char *peer,
	void (*on_reply)(void *arg), void *arg)
{
	memset(exchange, 0, sizeof(*exchange));
	exchange->all = all;
	exchange->on_reply = on_reply;
	exchange->arg = arg;
	exchange->peer = peer;
	exchange->method = "?";
	buf_init(&exchange->out);
	exchange->at = &all->first;
	exchange->next = all->first;
	if (exchange->next != NULL)
		exchange->next->at = &exchange->next;
	all->first = exchange;
	exchange->patience = evtimer_new(all->base, on_patience, exchange);
	return exchange->patience != NULL;
}

void exchange_fini(struct exchange *exchange)
{
	*exchange->at = exchange->next;
	if (exchange->next != NULL)
		exchange->next->at = exchange->at;
	listing_free(exchange->listing);
	if (exchange->job != NULL)
		write_job_forget(exchange->job);
	transaction_free(exchange->transaction);
	buf_fini(&exchange->out);
	event_drop(exchange->patience);
}
