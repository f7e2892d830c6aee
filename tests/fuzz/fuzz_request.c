#include "fuzz.h"

#include "../unit/fill.h"
#include "protocol/protocol.h"

#include <jansson.h>
#include <string.h>

static struct mirror *mirror;

static void add(int32_t id, const char *name, const char *type, const char *content)
{
	FUZZ_CHECK(fill_add_record(mirror, id, name, type, content));
}

/* Two zones, one in the other, and a third; made once. */
static void fill_mirror(void)
{
	mirror = mirror_new(300);
	FUZZ_CHECK(mirror != NULL);
	FUZZ_CHECK(fill_add_domain(mirror, 1, "t", "NATIVE"));
	add(1, "t", "SOA", "ns.t h.t 1 2 3 4 5");
	add(1, "www.t", "A", "192.0.2.1");
	add(1, "www.t", "TXT", "\"a \\\"b\\\" \\\\ \xc3\xa9\x01\"");
	add(1, "*.w.t", "CNAME", "www.t");
	add(1, "a.b.e.t", "AAAA", "2001:db8::1");
	add(1, "s.t", "NS", "x.s.t");
	add(1, "e\\.s\\032c.t", "A", "192.0.2.2");
	FUZZ_CHECK(fill_add_disabled(mirror, 1, "www.t", "A", "192.0.2.3"));
	FUZZ_CHECK(fill_add_domain(mirror, 2, "s.t", "MASTER"));
	add(2, "s.t", "SOA", "ns.t h.t 9 2 3 4 5");
	FUZZ_CHECK(fill_add_domain(mirror, 3, "u", "SLAVE"));
	FUZZ_CHECK(fill_add_metadata(mirror, 1, "A", "1"));
	FUZZ_CHECK(fill_add_metadata(mirror, 1, "B\"", "2\\"));
	FUZZ_CHECK(fill_add_metadata(mirror, 1, "A", "3"));
}

/* One line of JSON, with a result; before there is any data an error has none. */
static void check_reply(const struct buf *reply, bool has_data)
{
	FUZZ_CHECK(!buf_failed(reply) && reply->len > 0);
	const char *newline = memchr(reply->data, '\n', reply->len);
	FUZZ_CHECK(newline == reply->data + reply->len - 1);
	json_t *json = json_loadb(reply->data, reply->len, JSON_REJECT_DUPLICATES, NULL);
	FUZZ_CHECK(json_is_object(json));
	FUZZ_CHECK(json_object_get(json, "result") != NULL || !has_data);
	json_decref(json);
}

/* As many parameters as the kind has; each is text that ends inside. */
static void check_write(struct write *write)
{
	static const unsigned params[WRITE_KINDS] = {
		2, 1, 1, 3, 5, 2, 2, 2, 2, 2, 3, 1, 4, 2, 4, 1, 8, 0, 0, 5, 3, 2, 1, 1};

	FUZZ_CHECK(write->kind < WRITE_KINDS && write->n == params[write->kind]);
	for (unsigned i = 0; i < write->n; i++) {
		const char *text = write_param(write, i);
		FUZZ_CHECK(text == NULL || strlen(text) < write->text.len);
	}
	write_fini(write);
}

static void check_answer(struct answer *answer, struct buf *reply, bool has_data)
{
	if (answer->kind == ANSWER_WRITE) {
		FUZZ_CHECK(reply->len == 0);
		check_write(&answer->write);
		return;
	}
	int done = answer->kind == ANSWER_LISTING ? 0 : 1;
	while (done == 0)
		done = listing_step(answer->listing, 1, reply);
	FUZZ_CHECK(done == 1);
	listing_free(answer->listing);
	FUZZ_CHECK(strlen(answer->problem) < PROTOCOL_PROBLEM_MAX);
	FUZZ_CHECK(!answer->is_malformed || answer->problem[0] != '\0');
	check_reply(reply, has_data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct open_transaction open = {.zone_id = 1};
	struct protocol protocol = {.mirror = NULL};
	struct answer answer;
	struct buf reply;

	if (mirror == NULL)
		fill_mirror();
	/* without data, then with, then in a transaction */
	for (int i = 0; i < 3; i++) {
		buf_init(&reply);
		protocol_answer(&protocol, (const char *)data, size, &reply, &answer);
		check_answer(&answer, &reply, protocol.mirror != NULL);
		FUZZ_CHECK(mirror->refs == 1);
		buf_fini(&reply);
		protocol.transaction = i == 1 ? &open : NULL;
		protocol.mirror = mirror;
	}
	return 0;
}
