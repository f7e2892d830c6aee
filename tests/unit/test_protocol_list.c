/*
 * Listings: whole zones, and the list of zones, in parts, while the mirror changes.
 */
#include "unit.h"

#include "fill.h"
#include "mirror/change.h"
#include "mirror_check.h"
#include "protocol_ask.h"

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The records of a listing as sorted lines. */
static char *listing_text(const struct protocol *protocol, const char *request, size_t budget)
{
	struct answer answer;
	struct buf reply;
	struct buf text;
	char *lines[2000];
	size_t n = 0;
	json_t *record;
	size_t i;

	ask_bytes(protocol, request, strlen(request), budget, &reply, &answer);
	json_t *json = parse_reply(&reply);
	json_array_foreach(json_object_get(json, "result"), i, record)
	{
		assert_true(n < COUNT(lines));
		lines[n++] = json_dumps(record, JSON_SORT_KEYS);
	}
	qsort(lines, n, sizeof(lines[0]), compare_text);
	buf_init(&text);
	for (i = 0; i < n; i++) {
		buf_add_str(&text, lines[i]);
		buf_add_char(&text, '\n');
		free(lines[i]);
	}
	buf_add_char(&text, '\0');
	json_decref(json);
	buf_fini(&reply);
	return text.data;
}

static unsigned count_lines(const char *text)
{
	unsigned n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void test_list(void **state)
{
	struct protocol protocol = ask_protocol(asked);
	char *text = listing_text(&protocol, LIST(1), SIZE_MAX);

	(void)state;
	assert_int_equal(count_lines(text), 10);
	assert_non_null(strstr(text, "\"qname\": \"example.org.\""));
	assert_non_null(strstr(text, "\"qname\": \"www.example.org.\""));
	assert_non_null(strstr(text, "\"auth\": 0, \"content\": \"192.0.2.5\""));
	assert_non_null(strstr(text, "\"qname\": \"esc\\\\.a\\\\032b.example.org.\""));
	assert_null(strstr(text, "192.0.2.2"));
	assert_null(strstr(text, "\"qtype\": \"\""));
	free(text);
	text = listing_text(&protocol, LIST_ALL(1), SIZE_MAX);
	assert_int_equal(count_lines(text), 12);
	assert_non_null(strstr(text, "192.0.2.2"));
	assert_non_null(strstr(text, "192.0.2.4"));
	free(text);
	/* the root: no dot too many */
	text = listing_text(&protocol, LIST(-7), SIZE_MAX);
	assert_int_equal(count_lines(text), 2);
	assert_non_null(strstr(text, "\"qname\": \".\""));
	assert_non_null(strstr(text, "\"qname\": \"org.\""));
	free(text);
	assert_fails(LIST(99), "list: there is no zone with id 99");
}

static void test_list_in_steps(void **state)
{
	struct protocol protocol = ask_protocol(asked);
	char *whole;

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		char name[40];
		(void)snprintf(name, sizeof(name), "n%u.e%u.nosoa.net", i, i % 9);
		ask_add(3, name, "A", "192.0.2.1");
	}
	whole = listing_text(&protocol, LIST(3), SIZE_MAX);
	assert_int_equal(count_lines(whole), 501);
	for (size_t budget = 1; budget < 300; budget = budget * 2 + 1) {
		char *steps = listing_text(&protocol, LIST(3), budget);
		assert_string_equal(steps, whole);
		free(steps);
	}
	free(whole);
}

/* A zone without records, and one whose records are all disabled. */
static void test_list_empty(void **state)
{
	(void)state;
	ask_add_domain(20, "empty.net", "NATIVE", NULL, -1);
	assert_answer(LIST(20), "[]");
	ask_add_disabled(20, "empty.net", "A", "192.0.2.1");
	assert_answer(LIST(20), "[]");
	assert_answer(LIST_ALL(20), "[{\"qtype\":\"A\",\"qname\":\"empty.net.\",\"content\":\"192."
				    "0.2.1\",\"ttl\":3600}]");
}

/* The zone goes, then the mirror, while a listing is under way. */
static void test_list_outlives(void **state)
{
	struct protocol protocol = ask_protocol(asked);
	struct change *change = change_new(asked);
	struct store_version version = {1, 0};
	struct answer answer;
	struct buf reply;

	(void)state;
	buf_init(&reply);
	protocol_answer(&protocol, LIST(1), strlen(LIST(1)), &reply, &answer);
	assert_int_equal(answer.kind, ANSWER_LISTING);
	assert_int_equal(listing_step(answer.listing, 2, &reply), 0);
	assert_non_null(change);
	assert_int_equal(change_touch_zone(change, 1), 0);
	change_commit(change, version);
	while (!change_clean_step(change, 1))
		;
	while (!mirror_free_step(asked, 1))
		;
	assert_fails(LIST(1), "list: there is no zone with id 1");
	mirror_unref(asked);
	while (listing_step(answer.listing, 2, &reply) == 0)
		;
	listing_free(answer.listing);
	listing_free(NULL);
	json_t *json = parse_reply(&reply);
	assert_int_equal(json_array_size(json_object_get(json, "result")), 10);
	json_decref(json);
	buf_fini(&reply);
	mirror_ref(asked);
}

/* A zone that went while it was listed is freed when the listing ends. */
static void test_list_ends(void **state)
{
	struct protocol protocol = ask_protocol(asked);
	struct change *change = change_new(asked);
	struct store_version version = {1, 0};
	struct answer answers[2];
	struct buf reply;

	(void)state;
	assert_non_null(change);
	for (size_t i = 0; i < COUNT(answers); i++) {
		buf_init(&reply);
		protocol_answer(&protocol, LIST(1), strlen(LIST(1)), &reply, &answers[i]);
		assert_int_equal(answers[i].kind, ANSWER_LISTING);
		buf_fini(&reply);
	}
	assert_int_equal(change_touch_zone(change, 1), 0);
	change_commit(change, version);
	while (!change_clean_step(change, 1))
		;
	for (size_t i = 0; i < COUNT(answers); i++) {
		assert_true(mirror_free_step(asked, 1000));
		size_t used = pool_used(asked->pool);
		struct reachable reachable = mirror_reachable(asked);
		assert_true(used > reachable.data + reachable.tables);
		listing_free(answers[i].listing);
	}
	assert_true(mirror_free_step(asked, 1000));
	struct reachable reachable = mirror_reachable(asked);
	assert_int_equal(pool_used(asked->pool), reachable.data + reachable.tables);
}

/* A list of zones tells of those that were there when it began, also when they go meanwhile. */
static void test_domains_listing(void **state)
{
	static const char ask[] =
		"{\"method\":\"getAllDomains\",\"parameters\":{\"include_disabled\":true}}";
	struct protocol protocol = ask_protocol(asked);
	struct change *change = change_new(asked);
	struct store_version version = {1, 0};
	size_t zones = mirror_zones(asked);
	struct answer answer;
	struct buf reply;

	(void)state;
	buf_init(&reply);
	protocol_answer(&protocol, ask, strlen(ask), &reply, &answer);
	assert_int_equal(answer.kind, ANSWER_LISTING);
	assert_int_equal(listing_step(answer.listing, 1, &reply), 0);
	assert_non_null(change);
	for (int32_t id = 1; id < 7; id++)
		assert_int_equal(change_touch_zone(change, id), 0);
	change_commit(change, version);
	while (!change_clean_step(change, 1))
		;
	assert_true(mirror_free_step(asked, 1000));
	while (listing_step(answer.listing, 1, &reply) == 0)
		;
	listing_free(answer.listing);
	assert_true(mirror_free_step(asked, 1000));
	assert_int_equal(mirror_zones(asked), zones - 6);
	json_t *json = parse_reply(&reply);
	assert_int_equal(json_array_size(json_object_get(json, "result")), zones);
	json_decref(json);
	buf_fini(&reply);
	struct reachable reachable = mirror_reachable(asked);
	assert_int_equal(pool_used(asked->pool), reachable.data + reachable.tables);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_list),
		TEST(test_list_in_steps),
		TEST(test_list_empty),
		TEST(test_list_outlives),
		TEST(test_list_ends),
		TEST(test_domains_listing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
