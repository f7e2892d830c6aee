#include "unit.h"

#include "fail_alloc.h"
#include "tool/cell.h"
#include "tool/verb.h"

/* Text for people from an answer in JSON. */
static void assert_text(const struct verb *verb, const char *filter, const char *json, size_t width,
	const char *expected)
{
	json_t *answer = json_loads(json, 0, NULL);
	struct buf out;

	assert_non_null(answer);
	buf_init(&out);
	assert_int_equal(verb_answer_text(verb, filter, answer, width, &out), 0);
	buf_add_char(&out, '\0');
	assert_string_equal(out.data, expected);
	buf_fini(&out);
	json_decref(answer);
}

static const struct verb list = {.word = "list", .noun = "Things", .things = "things"};
static const struct verb chosen = {
	.word = "list", .noun = "Things", .columns = "name,n", .things = "things"};
static const struct verb make = {.word = "create", .noun = "Thing"};

#define ROWS                                                                                       \
	"{\"count\": 2, \"thing\": [{\"id\": \"1\", \"name\": \"a\", \"n\": 10, \"on\": true},"    \
	" {\"id\": \"2\", \"name\": null, \"n\": 5, \"on\": false}]}"

static void test_rows(void **state)
{
	(void)state;
	assert_text(
		&list, NULL, ROWS, 0, "ID  NAME   N  ON\n1   a     10  yes\n2          5  no\n");
	assert_text(&chosen, NULL, ROWS, 0, "NAME   N\na     10\n       5\n");
	assert_text(&chosen, "n,id", ROWS, 0, " N  ID\n10  1\n 5  2\n");
	assert_text(&list, "id,nothing", ROWS, 0, "ID  NOTHING\n1\n2\n");
}

static void test_empty(void **state)
{
	(void)state;
	assert_text(&list, NULL, "{\"count\": 0, \"thing\": []}", 0, "");
	assert_text(&list, NULL, "{}", 0, "");
}

static void test_object(void **state)
{
	static const char *const json =
		"{\"thing\": {\"name\": \"a\", \"none\": null, \"list\": [\"x\", \"y\"], \"n\": 1,"
		" \"text\": \"a\\u001b[1m\\nb\", \"object\": {\"k\": 1}, \"on\": true}}";

	(void)state;
	assert_text(&make, NULL, json, 0,
		"name: a\nnone:\nlist: x, y\nn: 1\ntext: a\\u001b[1m\\nb\nobject: "
		"{\"k\":1}\non: yes\n");
	assert_text(&make, "n,name", json, 0, "n: 1\nname: a\n");
}

static void test_others(void **state)
{
	(void)state;
	assert_text(&make, NULL, "{\"success\": true, \"displaytext\": \"gone\\u009b\"}", 0,
		"gone\\u009b\n");
	assert_text(&make, NULL, "{\"count\": 3}", 0, "count: 3\n");
	assert_text(&make, NULL, "{\"count\": 1, \"thing\": [{\"a\": 1}]}", 0, "A\n1\n");
}

/* Each allocation fails once: then nothing, or all, is printed. */
static void assert_whole_or_nothing(const struct verb *verb, const char *json)
{
	json_t *answer = json_loads(json, 0, NULL);
	struct buf whole;
	bool failed = true;

	buf_init(&whole);
	assert_int_equal(verb_answer_text(verb, NULL, answer, 0, &whole), 0);
	for (unsigned n = 1; failed; n++) {
		struct buf out;
		buf_init(&out);
		fail_alloc_at(n);
		int rc = verb_answer_text(verb, NULL, answer, 0, &out);
		failed = fail_alloc_done();
		fail_alloc_at(0);
		if (rc == 0) {
			assert_int_equal(out.len, whole.len);
			assert_memory_equal(out.data, whole.data, whole.len);
		}
		assert_true(failed || rc == 0);
		buf_fini(&out);
	}
	buf_fini(&whole);
	json_decref(answer);
}

static void test_out_of_memory(void **state)
{
	(void)state;
	assert_whole_or_nothing(&list, ROWS);
	assert_whole_or_nothing(&chosen, ROWS);
	assert_whole_or_nothing(&make, "{\"thing\": {\"name\": \"a\", \"list\": [\"x\", \"y\"]}}");
	assert_whole_or_nothing(&make, "{\"success\": true, \"displaytext\": \"gone\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_object),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_out_of_memory),
	};

	cell_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
