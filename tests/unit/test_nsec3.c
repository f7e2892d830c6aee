#include "unit.h"

#include "dns/name.h"
#include "dns/nsec3.h"

static void check_hash(const struct nsec3_params *params, const char *text, const char *expected)
{
	struct name name;
	uint8_t hash[NSEC3_HASH_SIZE];
	uint8_t again[NSEC3_HASH_SIZE];
	char printed[NSEC3_TEXT_SIZE];

	assert_int_equal(name_parse(&name, text, strlen(text)), NAME_OK);
	assert_int_equal(nsec3_hash(hash, params, name.wire, name.len, name.wire, 0), 0);
	nsec3_print(printed, hash);
	assert_int_equal(strlen(expected), NSEC3_TEXT_SIZE);
	assert_memory_equal(printed, expected, NSEC3_TEXT_SIZE);
	assert_true(nsec3_parse(again, expected, NSEC3_TEXT_SIZE));
	assert_memory_equal(again, hash, NSEC3_HASH_SIZE);
	/* The name in two parts, wherever it is cut. */
	for (size_t at = 0; at < name.len; at += name_first_label(name.wire + at, name.len - at)) {
		assert_int_equal(
			nsec3_hash(again, params, name.wire, at, name.wire + at, name.len - at), 0);
		assert_memory_equal(again, hash, NSEC3_HASH_SIZE);
	}
}

/* RFC 5155 appendix A. */
static void test_vectors(void **state)
{
	static const char *const cases[][2] = {
		{"example", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"},
		{"a.example", "35mthgpgcu1qg68fab165klnsnk3dpvl"},
		{"ai.example", "gjeqe526plbf1g8mklp59enfd789njgi"},
		{"ns1.example", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"},
		{"ns2.example", "q04jkcevqvmu85r014c7dkba38o0ji5r"},
		{"w.example", "k8udemvp1j2f7eg6jebps17vp3n8i58h"},
		{"*.w.example", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"},
		{"x.w.example", "b4um86eghhds6nea196smvmlo4ors995"},
		{"y.w.example", "ji6neoaepv8b5o6k4ev33abha8ht9fgc"},
		{"x.y.w.example", "2vptu5timamqttgl4luu9kg21e0aor3s"},
		{"xx.example", "t644ebqk9bibcna874givr6joj62mlhv"},
		{"2t7b4g4vsa5smi47k61mv5bv1a22bojr.example", "kohar7mbb8dc2ce8a9qvl8hon4k53uhi"},
	};
	struct nsec3_params params;

	(void)state;
	assert_true(nsec3_params_parse(&params, "1 1 12 aabbccdd", 15));
	for (size_t i = 0; i < COUNT(cases); i++)
		check_hash(&params, cases[i][0], cases[i][1]);
}

static void test_longest_name(void **state)
{
	uint8_t wire[NAME_WIRE_MAX + 2];
	uint8_t hash[NSEC3_HASH_SIZE];
	struct nsec3_params params = {.iterations = 1};

	(void)state;
	for (size_t i = 0; i < sizeof(wire); i += 2)
		memcpy(wire + i, "\1x", 2);
	assert_int_equal(nsec3_hash(hash, &params, wire, NAME_WIRE_MAX, wire, 0), 0);
	assert_int_equal(nsec3_hash(hash, &params, wire, NAME_WIRE_MAX, wire, 2), -1);
}

static bool parses(struct nsec3_params *params, const char *text)
{
	return nsec3_params_parse(params, text, strlen(text));
}

static void test_params(void **state)
{
	struct nsec3_params params;
	char text[600] = "1 0 0 ";

	(void)state;
	assert_true(parses(&params, "1 0 1 ab"));
	assert_false(params.is_opt_out);
	assert_int_equal(params.iterations, 1);
	assert_int_equal(params.salt_len, 1);
	assert_int_equal(params.salt[0], 0xab);
	assert_true(parses(&params, " 1  1 100 - "));
	assert_true(params.is_opt_out);
	assert_int_equal(params.iterations, 100);
	assert_int_equal(params.salt_len, 0);
	assert_true(parses(&params, "1 0 2500 0Aff"));
	assert_int_equal(params.iterations, NSEC3_ITERATIONS_MAX);
	assert_memory_equal(params.salt, "\x0a\xff", 2);
	memset(text + 6, 'a', 510);
	assert_true(parses(&params, text));
	assert_int_equal(params.salt_len, 255);
	strcat(text, "aa");
	assert_false(parses(&params, text));
}

static void test_bad_params(void **state)
{
	static const char *const bad[] = {"", "1", "1 0", "1 0 1", "1 0 1 ", "1 0 1 abc",
		"1 0 1 ag", "1 0 1 ab x", "x 0 1 ab", "1 -1 1 ab", "1 0 65536 ab", "1 256 1 ab",
		"1 0 1 --"};
	struct nsec3_params params;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (parses(&params, bad[i]))
			fail_msg("\"%s\" was taken", bad[i]);
}

static void test_base32(void **state)
{
	uint8_t hash[NSEC3_HASH_SIZE];
	uint8_t again[NSEC3_HASH_SIZE];
	char text[NSEC3_TEXT_SIZE + 1] = "";

	(void)state;
	for (int i = 0; i < 1000; i++) {
		for (size_t k = 0; k < sizeof(hash); k++)
			hash[k] = (uint8_t)unit_random(256);
		nsec3_print(text, hash);
		for (size_t k = 0; k < NSEC3_TEXT_SIZE; k++)
			if (unit_random(2) == 0 && text[k] >= 'a')
				text[k] = (char)(text[k] - 'a' + 'A');
		assert_true(nsec3_parse(again, text, NSEC3_TEXT_SIZE));
		assert_memory_equal(again, hash, sizeof(hash));
	}
	assert_false(nsec3_parse(hash, text, NSEC3_TEXT_SIZE - 1));
	text[unit_random(NSEC3_TEXT_SIZE)] = 'w';
	assert_false(nsec3_parse(hash, text, NSEC3_TEXT_SIZE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_longest_name),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_bad_params),
		cmocka_unit_test(test_base32),
	};

	unit_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
