#include "unit.h"

#include "sync/signature.h"

/* Vectors: openssl dgst -sha256 (or -sha1) -hmac KEY -binary | base64 */
#define BODY	  "{\"event\":\"VM.CREATE\",\"status\":\"Completed\"}"
#define SIGNATURE "ED2nIQIK/A31CblFKhB1PxcrjfJdVFXVyYOoZndjNvI="

static bool check(const char *first, const char *second, const char *body, const char *given)
{
	char *items[] = {(char *)first, (char *)second};
	struct option_list secrets = {items, second == NULL ? 1 : 2};

	return signature_check(&secrets, body, strlen(body), given);
}

static void test_webhook(void **state)
{
	(void)state;
	assert_true(check("topsecret", NULL, BODY, SIGNATURE));
	assert_true(check("topsecret", NULL, "", "gY+cuIMVrAi174P5ZlDKb0493ctFSOSHm3RvVrV/orA="));
	assert_false(check("topsecret", NULL, BODY " ", SIGNATURE));
	assert_false(check("topsecreT", NULL, BODY, SIGNATURE));
	assert_false(check("topsecret", NULL, BODY, NULL));
	assert_false(check("topsecret", NULL, BODY, ""));
	/* cut, longer, another case, without padding */
	assert_false(check("topsecret", NULL, BODY, "ED2nIQIK"));
	assert_false(check("topsecret", NULL, BODY, SIGNATURE "="));
	assert_false(
		check("topsecret", NULL, BODY, "eD2nIQIK/A31CblFKhB1PxcrjfJdVFXVyYOoZndjNvI="));
	assert_false(check("topsecret", NULL, BODY, "ED2nIQIK/A31CblFKhB1PxcrjfJdVFXVyYOoZndjNvI"));
}

/* While a secret is changed both are good. */
static void test_rotation(void **state)
{
	struct option_list none = {NULL, 0};

	(void)state;
	assert_true(check("other", "topsecret", BODY, SIGNATURE));
	assert_true(check("topsecret", "other", BODY, SIGNATURE));
	assert_false(check("other", "another", BODY, SIGNATURE));
	assert_false(signature_check(&none, BODY, strlen(BODY), SIGNATURE));
}

/* The body's octets count, zero octets too. */
static void test_octets(void **state)
{
	char *items[] = {"topsecret"};
	struct option_list secrets = {items, 1};
	char body[] = "{\"a\":1}\0x";

	(void)state;
	/* printf '{"a":1}\0x' | openssl … */
	assert_true(signature_check(
		&secrets, body, sizeof(body) - 1, "Kj5WY5hq3LB6mKcrrN0KktMPFryE0FPDLZ91F+/Wjfc="));
	assert_false(signature_check(
		&secrets, body, strlen(body), "Kj5WY5hq3LB6mKcrrN0KktMPFryE0FPDLZ91F+/Wjfc="));
}

static void assert_query(struct api_param *params, size_t n, const char *key, const char *expected)
{
	char *query = signature_query(params, n, key);

	assert_non_null(query);
	assert_string_equal(query, expected);
	free(query);
}

/* The vector of CloudStack's documentation. */
static void test_api(void **state)
{
	struct api_param params[] = {{"response", "json"}, {"command", "listUsers"},
		{"apikey", "plgWJfZK4gyS3mOMTVmjUVg-X-jlWlnfaUJ9GAbBbf9EdM-kAYMmAiLqzzq1ElZLYq_"
			   "u38zCm0bewzGUdP66mg"}};

	(void)state;
	assert_query(params, 3,
		"VDaACYb0LV9eNjTetIOElcVQkvJck_J_QljX_FcHRj87ZKiy0z0ty0ZsYBkoXkY9b7eq1EhwJaw7FF3akA"
		"3KBQ",
		"apikey=plgWJfZK4gyS3mOMTVmjUVg-X-jlWlnfaUJ9GAbBbf9EdM-kAYMmAiLqzzq1ElZLYq_"
		"u38zCm0bewzGUdP66mg&command=listUsers&response=json&signature=TTpdDq%2F7j%2FJ58XCR"
		"HomKoQXEQds%3D");
}

/* What Java's URLEncoder leaves as it is: A-Z a-z 0-9 . - * _ */
static void test_encoding(void **state)
{
	struct api_param params[] = {{"name", "x&y=z"}, {"command", "listVirtualMachines"},
		{"b", "\xc3\xa9"}, {"a", "~,:[]+ *_-."}};
	struct api_param empty[] = {{"a", ""}};

	(void)state;
	/* of a=%7e%2c%3a%5b%5d%2b%20*_-.&b=%c3%a9&command=listvirtualmachines&name=x%26y%3dz */
	assert_query(params, 4, "secret-key",
		"a=%7E%2C%3A%5B%5D%2B%20*_-.&b=%C3%A9&command=listVirtualMachines&name=x%26y%3Dz&"
		"signature=uAozQXUfwFVg%2BNgBFwlDb%2F2mFcY%3D");
	assert_query(empty, 1, "secret-key", "a=&signature=kK9zO309Fp%2BFNy2tG8X8Ec7MSlY%3D");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_webhook),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_api),
		cmocka_unit_test(test_encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
