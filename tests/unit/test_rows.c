#include "unit.h"

#include "feed/rows.h"
#include "fill.h"

static void assert_number(const char *text, int64_t expected)
{
	int64_t value = 1234;

	assert_true(text_parse_i64(fill_text(text), &value));
	assert_true(value == expected);
}

static void assert_no_number(const char *text)
{
	int64_t value;

	assert_false(text_parse_i64(fill_text(text), &value));
}

static void test_numbers(void **state)
{
	(void)state;
	assert_number("0", 0);
	assert_number("-0", 0);
	assert_number("007", 7);
	assert_number("-2147483648", INT32_MIN);
	assert_number("9223372036854775807", INT64_MAX);
	assert_number("-9223372036854775807", -INT64_MAX);
	assert_number("-9223372036854775808", INT64_MIN);
	assert_no_number(NULL);
	assert_no_number("");
	assert_no_number("-");
	assert_no_number("--1");
	assert_no_number("+1");
	assert_no_number(" 1");
	assert_no_number("1 ");
	assert_no_number("1.0");
	assert_no_number("0x1");
	assert_no_number("9223372036854775808");
	assert_no_number("-9223372036854775809");
	assert_no_number("9999999999999999999");
	assert_no_number("18446744073709551616");
	assert_no_number("99999999999999999999");
	assert_no_number("100000000000000000000000000000000");
}

static void fill_fields(struct text *fields, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fields[i] = fill_text(texts[i]);
}

/* The fields of a row with one of them replaced. */
static const char *const *with(const char *const *texts, size_t n, size_t i, const char *text)
{
	static const char *copy[FIELDS_MAX];

	memcpy(copy, texts, n * sizeof(*texts));
	copy[i] = text;
	return copy;
}

static const char *const domain[DOMAIN_FIELDS] = {
	"12", "example.org", "SLAVE", "192.0.2.1", "1700000000", "4294967295", "me"};
static const char *const record[RECORD_FIELDS] = {
	"9000000000", "12", "www.example.org", "A", "192.0.2.1", "3600", "10", "t"};
static const char *const metadata[METADATA_FIELDS] = {"12", "KIND", "content"};

static bool domain_parses(const char *const *texts, struct domain_row *row)
{
	struct text fields[FIELDS_MAX];

	fill_fields(fields, texts, DOMAIN_FIELDS);
	return domain_row_parse(row, fields);
}

static void test_domain(void **state)
{
	struct domain_row row;

	(void)state;
	assert_true(domain_parses(domain, &row));
	assert_int_equal(row.id, 12);
	assert_memory_equal(row.name.at, "example.org", row.name.len);
	assert_memory_equal(row.type.at, "SLAVE", row.type.len);
	assert_memory_equal(row.master.at, "192.0.2.1", row.master.len);
	assert_int_equal(row.last_check, 1700000000);
	assert_true(row.has_notified_serial);
	assert_int_equal(row.notified_serial, UINT32_MAX);
	assert_memory_equal(row.account.at, "me", row.account.len);

	assert_true(domain_parses(with(domain, DOMAIN_FIELDS, 4, NULL), &row));
	assert_int_equal(row.last_check, 0);
	assert_true(domain_parses(with(domain, DOMAIN_FIELDS, 5, NULL), &row));
	assert_false(row.has_notified_serial);
	assert_true(domain_parses(with(domain, DOMAIN_FIELDS, 3, NULL), &row));
	assert_null(row.master.at);
	assert_true(domain_parses(with(domain, DOMAIN_FIELDS, 0, "-2147483648"), &row));
	assert_false(domain_parses(with(domain, DOMAIN_FIELDS, 0, "2147483648"), &row));
	assert_false(domain_parses(with(domain, DOMAIN_FIELDS, 0, "-2147483649"), &row));
	assert_false(domain_parses(with(domain, DOMAIN_FIELDS, 0, NULL), &row));
	assert_false(domain_parses(with(domain, DOMAIN_FIELDS, 4, "x"), &row));
	assert_false(domain_parses(with(domain, DOMAIN_FIELDS, 5, ""), &row));
}

static bool record_parses(const char *const *texts, struct record_row *row)
{
	struct text fields[FIELDS_MAX];

	fill_fields(fields, texts, RECORD_FIELDS);
	return record_row_parse(row, fields);
}

static void test_record(void **state)
{
	struct record_row row;

	(void)state;
	assert_true(record_parses(record, &row));
	assert_true(row.id == 9000000000);
	assert_int_equal(row.domain_id, 12);
	assert_memory_equal(row.name.at, "www.example.org", row.name.len);
	assert_memory_equal(row.type.at, "A", row.type.len);
	assert_memory_equal(row.content.at, "192.0.2.1", row.content.len);
	assert_true(row.has_ttl && row.has_prio && row.disabled);
	assert_int_equal(row.ttl, 3600);
	assert_int_equal(row.prio, 10);

	assert_true(record_parses(with(record, RECORD_FIELDS, 7, "f"), &row));
	assert_false(row.disabled);
	assert_true(record_parses(with(record, RECORD_FIELDS, 7, NULL), &row));
	assert_false(row.disabled);
	assert_true(record_parses(with(record, RECORD_FIELDS, 5, NULL), &row));
	assert_false(row.has_ttl);
	assert_true(record_parses(with(record, RECORD_FIELDS, 6, NULL), &row));
	assert_false(row.has_prio);
	assert_true(record_parses(with(record, RECORD_FIELDS, 3, NULL), &row));
	assert_null(row.type.at);
	assert_true(record_parses(with(record, RECORD_FIELDS, 5, "-9223372036854775807"), &row));
	assert_true(row.ttl == -INT64_MAX);
	assert_false(record_parses(with(record, RECORD_FIELDS, 0, NULL), &row));
	assert_true(record_parses(with(record, RECORD_FIELDS, 1, NULL), &row));
	assert_int_equal(row.domain_id, NO_DOMAIN);
	assert_false(record_parses(with(record, RECORD_FIELDS, 1, "2147483648"), &row));
	assert_false(record_parses(with(record, RECORD_FIELDS, 5, "1s"), &row));
	assert_false(record_parses(with(record, RECORD_FIELDS, 6, "-"), &row));
}

static void test_metadata(void **state)
{
	struct metadata_row row;
	struct text fields[FIELDS_MAX];

	(void)state;
	fill_fields(fields, metadata, METADATA_FIELDS);
	assert_true(metadata_row_parse(&row, fields));
	assert_int_equal(row.domain_id, 12);
	assert_memory_equal(row.kind.at, "KIND", row.kind.len);
	assert_memory_equal(row.content.at, "content", row.content.len);
	fields[2] = fill_text(NULL);
	assert_true(metadata_row_parse(&row, fields));
	assert_int_equal(row.content.len, 0);
	fields[0] = fill_text("twelve");
	assert_false(metadata_row_parse(&row, fields));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_domain),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_metadata),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
