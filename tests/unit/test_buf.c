#include "unit.h"

#include "base/buf.h"
#include "fail_alloc.h"

static void assert_holds(const struct buf *buf, const char *text)
{
	assert_false(buf_failed(buf));
	assert_int_equal(buf->len, strlen(text));
	assert_memory_equal(buf->data, text, buf->len);
}

static void test_adds_in_order(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf);
	buf_add(&buf, "ab", 2);
	buf_add_char(&buf, 'c');
	buf_add_str(&buf, "de");
	BUF_ADD_LIT(&buf, "fg");
	buf_printf(&buf, "%s%d", "h", 1);
	buf_add(&buf, NULL, 0);
	assert_holds(&buf, "abcdefgh1");
	buf_fini(&buf);
	assert_null(buf.data);
}

static void test_numbers(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf);
	buf_add_i64(&buf, 0);
	buf_add_char(&buf, ' ');
	buf_add_i64(&buf, INT64_MIN);
	buf_add_char(&buf, ' ');
	buf_add_i64(&buf, INT64_MAX);
	buf_add_char(&buf, ' ');
	buf_add_u64(&buf, UINT64_MAX);
	assert_holds(&buf, "0 -9223372036854775808 9223372036854775807 18446744073709551615");
	buf_fini(&buf);
}

static void test_grows_without_losing(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf);
	for (int i = 0; i < 100000; i++)
		buf_add_char(&buf, (char)i);
	assert_false(buf_failed(&buf));
	assert_int_equal(buf.len, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf.data[i], (char)i);
	buf_fini(&buf);
}

static void test_reserve_and_consume(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf);
	char *to = buf_reserve(&buf, 1000);
	assert_non_null(to);
	assert_int_equal(buf.len, 0);
	memcpy(to, "hello world", sizeof("hello world"));
	buf_added(&buf, 11);
	buf_consume(&buf, 6);
	assert_holds(&buf, "world");
	buf_consume(&buf, 5);
	assert_int_equal(buf.len, 0);
	buf_fini(&buf);
}

static void test_reset_keeps_little(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf);
	assert_non_null(buf_reserve(&buf, 10000));
	buf_reset(&buf, 100);
	assert_int_equal(buf.cap, 0);
	buf_add_str(&buf, "x");
	size_t cap = buf.cap;
	buf_reset(&buf, cap);
	assert_int_equal(buf.cap, cap);
	assert_int_equal(buf.len, 0);
	buf_fini(&buf);
}

static void test_remembers_a_failure(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf);
	buf_add_str(&buf, "kept");
	assert_null(buf_reserve(&buf, SIZE_MAX - 2));
	assert_true(buf_failed(&buf));
	buf_add_str(&buf, "dropped");
	buf_printf(&buf, "%d", 1);
	assert_int_equal(buf.len, 4);
	buf_reset(&buf, SIZE_MAX);
	buf_add_str(&buf, "again");
	assert_holds(&buf, "again");

	fail_alloc_at(1);
	assert_null(buf_reserve(&buf, 10000));
	assert_true(fail_alloc_done());
	assert_true(buf_failed(&buf));
	buf_fini(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adds_in_order),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_grows_without_losing),
		cmocka_unit_test(test_reserve_and_consume),
		cmocka_unit_test(test_reset_keeps_little),
		cmocka_unit_test(test_remembers_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
