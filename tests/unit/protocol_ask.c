#include "protocol_ask.h"

#include "unit.h"

#include "fill.h"

struct mirror *asked;

static void status(void *arg, struct buf *text)
{
	buf_printf(text, "%s \"fine\"\n", (const char *)arg);
}

int reloads;

static void reload(void *arg)
{
	assert_string_equal(arg, "all is");
	reloads++;
}

struct protocol ask_protocol(struct mirror *served)
{
	struct protocol protocol = {
		.mirror = served, .status = status, .reload = reload, .arg = (char *)"all is"};

	return protocol;
}

void ask_add_domain(
	int32_t id, const char *name, const char *type, const char *master, int64_t notified)
{
	struct domain_row row = fill_domain(id, name, type);
	const char *why;

	row.master = fill_text(master);
	row.last_check = id;
	row.has_notified_serial = notified >= 0;
	row.notified_serial = notified >= 0 ? notified : 0;
	assert_int_equal(mirror_add_domain(asked, &row, &why), ROW_TAKEN);
}

void ask_add(int32_t id, const char *name, const char *type, const char *content)
{
	assert_true(fill_add_record(asked, id, name, type, content));
}

void ask_add_disabled(int32_t id, const char *name, const char *type, const char *content)
{
	assert_true(fill_add_disabled(asked, id, name, type, content));
}

/* A zone that lies in another, which delegates to it; zones with and without SOA; the root. */
static void fill_mirror(void)
{
	ask_add_domain(1, "example.org", "NATIVE", NULL, -1);
	ask_add(1, "example.org", "SOA", "ns.example.org h.example.org 7 2 3 4 5");
	ask_add(1, "example.org", "NS", "ns.example.org");
	ask_add(1, "www.example.org", "A", "192.0.2.1");
	ask_add_disabled(1, "www.example.org", "A", "192.0.2.2");
	ask_add(1, "www.example.org", "AAAA", "2001:db8::1");
	ask_add(1, "a.b.ent.example.org", "A", "192.0.2.3");
	ask_add_disabled(1, "off.example.org", "A", "192.0.2.4");
	ask_add(1, "deleg.example.org", "NS", "glue.deleg.example.org");
	ask_add(1, "glue.deleg.example.org", "A", "192.0.2.5");
	ask_add(1, "sub.example.org", "NS", "x.sub.example.org");
	ask_add(1, "x.sub.example.org", "A", "192.0.2.6");
	ask_add(1, "esc\\.a\\032b.example.org", "TXT", "\"a \\\"b\\\" \\\\ \xc3\xa9 /\x01\"");
	ask_add_domain(2, "sub.example.org", "SLAVE", "192.0.2.9, 2001:db8::9", 3);
	ask_add(2, "sub.example.org", "SOA", "x.sub.example.org h.example.org 8 2 3 4 5");
	ask_add(2, "x.sub.example.org", "A", "192.0.2.7");
	ask_add_domain(3, "nosoa.net", "NATIVE", NULL, -1);
	ask_add(3, "nosoa.net", "A", "192.0.2.8");
	ask_add_domain(4, "primary.net", "MASTER", "", 5);
	ask_add(4, "primary.net", "SOA", "a b 5 2 3 4 5");
	ask_add_domain(5, "primary2.net", "PRODUCER", NULL, -1);
	ask_add(5, "primary2.net", "SOA", "a b 0 2 3 4 5");
	ask_add_domain(6, "primary3.net", "MASTER", NULL, 5);
	ask_add(6, "primary3.net", "SOA", "a b 4294967295 2 3 4 5");
	ask_add_domain(-7, ".", "NATIVE", NULL, -1);
	ask_add(-7, ".", "SOA", "a b 1 2 3 4 5");
	ask_add(-7, "org", "NS", "ns.example.org");
	assert_true(fill_add_metadata(asked, 1, "ALLOW-AXFR-FROM", "192.0.2.0/24"));
	assert_true(fill_add_metadata(asked, 1, "X-\"quoted\"", ""));
	assert_true(fill_add_metadata(asked, 1, "ALLOW-AXFR-FROM", "AUTO-\"NS\""));
}

int ask_setup(void **state)
{
	(void)state;
	asked = mirror_new(300);
	if (asked == NULL)
		return -1;
	fill_mirror();
	return 0;
}

int ask_teardown(void **state)
{
	(void)state;
	mirror_unref(asked);
	return mirror_free_step(asked, SIZE_MAX) ? 0 : -1;
}

/* ---- asking ---- */

void ask_bytes(const struct protocol *protocol, const char *request, size_t len, size_t budget,
	struct buf *reply, struct answer *answer)
{
	buf_init(reply);
	protocol_answer(protocol, request, len, reply, answer);
	if (answer->kind == ANSWER_LISTING) {
		int done;
		while ((done = listing_step(answer->listing, budget, reply)) == 0)
			;
		assert_int_equal(done, 1);
		listing_free(answer->listing);
	}
}

json_t *parse_reply(const struct buf *reply)
{
	json_error_t error;

	assert_false(buf_failed(reply));
	assert_true(reply->len > 0);
	assert_ptr_equal(memchr(reply->data, '\n', reply->len), reply->data + reply->len - 1);
	json_t *json = json_loadb(reply->data, reply->len, JSON_REJECT_DUPLICATES, &error);
	if (json == NULL)
		printf("# %s: %.*s", error.text, (int)reply->len, reply->data);
	assert_non_null(json);
	assert_true(asked == NULL || json_object_get(json, "result") != NULL);
	return json;
}

void assert_answer(const char *request, const char *expected)
{
	struct protocol protocol = ask_protocol(asked);
	struct answer answer;
	struct buf reply;

	json_t *wanted = json_loads(expected, JSON_DECODE_ANY, NULL);
	assert_non_null(wanted);
	ask_bytes(&protocol, request, strlen(request), 3, &reply, &answer);
	json_t *json = parse_reply(&reply);
	if (!json_equal(json_object_get(json, "result"), wanted))
		printf("# %s\n# %.*s", request, (int)reply.len, reply.data);
	assert_true(json_equal(json_object_get(json, "result"), wanted));
	assert_int_equal(answer.problem[0], '\0');
	assert_false(answer.is_malformed);
	json_decref(json);
	json_decref(wanted);
	buf_fini(&reply);
}

void assert_fails_bytes(const char *request, size_t len, const char *problem, bool is_malformed)
{
	struct protocol protocol = ask_protocol(asked);
	struct answer answer;
	struct buf reply;

	ask_bytes(&protocol, request, len, 3, &reply, &answer);
	json_t *json = parse_reply(&reply);
	/* Where there is nothing to answer from, PowerDNS shall not take it for an answer. */
	if (asked == NULL)
		assert_null(json_object_get(json, "result"));
	else
		assert_true(json_is_false(json_object_get(json, "result")));
	const char *log = json_string_value(json_array_get(json_object_get(json, "log"), 0));
	assert_non_null(log);
	if (problem != NULL)
		assert_string_equal(answer.problem, problem);
	assert_int_equal(strncmp(log, "csdns: ", 7), 0);
	for (size_t i = 0; i <= strlen(answer.problem); i++)
		assert_true(log[i + 7] == answer.problem[i] ||
			    (log[i + 7] == '?' &&
				    (answer.problem[i] < ' ' || answer.problem[i] > '~')));
	assert_int_equal(answer.kind, ANSWER_REPLY);
	assert_int_equal(answer.is_malformed, is_malformed);
	json_decref(json);
	buf_fini(&reply);
}

void assert_fails(const char *request, const char *problem)
{
	assert_fails_bytes(request, strlen(request), problem, false);
}

void assert_malformed(const char *request)
{
	assert_fails_bytes(request, strlen(request), NULL, true);
}

const char *ask_lookup(const char *qname, const char *qtype, int zone_id)
{
	static char text[2200];

	(void)snprintf(text, sizeof(text),
		"{\"method\":\"lookup\",\"parameters\":{\"qname\":\"%s\",\"qtype\":\"%s\","
		"\"zone-id\":%d}}",
		qname, qtype, zone_id);
	return text;
}
