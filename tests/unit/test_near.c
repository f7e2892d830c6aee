#include "unit.h"

#include "tool/near.h"

static void test_distance(void **state)
{
	(void)state;
	assert_int_equal(near_distance("", ""), 0);
	assert_int_equal(near_distance("", "abc"), 3);
	assert_int_equal(near_distance("abc", ""), 3);
	assert_int_equal(near_distance("abc", "abd"), 1);
	assert_int_equal(near_distance("nmae", "name"), 1);
	assert_int_equal(near_distance("dnszone", "dnszones"), 1);
	assert_int_equal(near_distance("kitten", "sitting"), 3);
	assert_int_equal(near_distance("DnsZone", "dnszone"), 0);
}

static void test_long_words(void **state)
{
	char word[100];

	(void)state;
	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_true(near_distance(word, "a") == SIZE_MAX);
	assert_true(near_distance("a", word) == SIZE_MAX);
	assert_int_equal(near_distance(word + 59, word + 60), 1); /* 40 and 39 letters */
}

/* candidates end with NULL */
static void assert_best(const char *word, const char *const *candidates, const char *best)
{
	struct near near;

	near_init(&near, word);
	for (; *candidates != NULL; candidates++)
		near_offer(&near, *candidates);
	if (best == NULL)
		assert_null(near.best);
	else
		assert_string_equal(near.best, best);
}

static void test_best(void **state)
{
	static const char *const nouns[] = {"dnszone", "dnszones", "dnsrecord", "dnsrecords", NULL};

	(void)state;
	assert_best("dnszoen", nouns, "dnszone");
	assert_best("dnszoness", nouns, "dnszones");
	assert_best("zone", nouns, "dnszone");
	assert_best("records", nouns, "dnsrecords");
	assert_best("DNSRECORD", nouns, "dnsrecord");
	assert_best("network", nouns, NULL);
	assert_best("", nouns, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_best),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
