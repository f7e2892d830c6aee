#include "unit.h"

#include "dns/rrtype.h"
#include "fail_alloc.h"
#include "fill.h"

static struct pool *pool;
static struct zone *zone;
static struct buf scratch;

static int setup(void **state)
{
	struct domain_row row = fill_domain(7, "example.org", "NATIVE");
	struct name name;

	(void)state;
	pool = pool_new();
	if (pool == NULL || name_parse(&name, "example.org", 11) != NAME_OK)
		return -1;
	zone = zone_new(pool, &name, &row);
	buf_init(&scratch);
	return zone == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_fini(&scratch);
	pool_free(pool);
	return 0;
}

static void assert_taken(const struct record_row *row, struct record *record)
{
	const char *why = NULL;

	assert_int_equal(record_from_row(record, &scratch, zone, row, 300, &why), ROW_TAKEN);
}

static void assert_content(const struct record *record, const char *content)
{
	assert_int_equal(record->rr.content_len, strlen(content));
	assert_memory_equal(record->rr.content, content, strlen(content));
}

static void assert_left_out(const struct record_row *row, const char *why)
{
	struct record record;
	const char *given = NULL;

	assert_int_equal(record_from_row(&record, &scratch, zone, row, 300, &given), ROW_LEFT_OUT);
	assert_non_null(given);
	assert_string_equal(given, why);
}

static void test_taken(void **state)
{
	struct record_row row = fill_record(7, "www.example.org", "A", "192.0.2.1");
	struct record record;
	const char *why;

	(void)state;
	assert_taken(&row, &record);
	assert_int_equal(record.name_len, 4);
	assert_memory_equal(record.name, "\3www", 4);
	assert_int_equal(record.rr.type, RRTYPE_A);
	assert_false(record.rr.disabled);
	assert_int_equal(record.rr.ttl, 3600);
	assert_content(&record, "192.0.2.1");

	/* As gpgsql: a type in lower case is one, a name with a final dot is never found. */
	row = fill_record(7, "www.example.org", "cname", "a");
	assert_taken(&row, &record);
	assert_int_equal(record.rr.type, RRTYPE_CNAME);
	row = fill_record(7, "www.example.org.", "A", "192.0.2.1");
	assert_int_equal(record_from_row(&record, &scratch, zone, &row, 300, &why), ROW_LEFT_OUT);
	assert_string_equal(why, "name ends with a dot");
	row = fill_record(7, "www\\..example.org", "A", "192.0.2.1");
	assert_taken(&row, &record);

	row = fill_record(7, "example.org", "TYPE65534", "\\# 1 00");
	row.disabled = true;
	assert_taken(&row, &record);
	assert_int_equal(record.name_len, 0);
	assert_int_equal(record.rr.type, 65534);
	assert_true(record.rr.disabled);
}

/* gpgsql finds no other spelling, and two of one name would take each other's place. */
static void test_another_spelling(void **state)
{
	static const char *const names[] = {"WWW.example.org", "\\119ww.example.org",
		"a\\046b.example.org", "sp ace.example.org", "caf\xc3\xa9.example.org",
		"example.o\\rg", "www.Example.org"};
	struct record_row row;
	struct record record;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		row = fill_record(7, names[i], "A", "192.0.2.1");
		assert_left_out(&row, "name is not spelled as PowerDNS spells it");
	}
	row = fill_record(7, "a\\.b.sp\\032ace.example.org", "A", "192.0.2.1");
	assert_taken(&row, &record);
}

static void test_empty_non_terminal(void **state)
{
	struct record_row row = fill_record(7, "ent.example.org", "", "");
	struct record record;
	const char *why;

	(void)state;
	assert_int_equal(record_from_row(&record, &scratch, zone, &row, 300, &why), ROW_IGNORED);
	row.type.at = NULL;
	assert_int_equal(record_from_row(&record, &scratch, zone, &row, 300, &why), ROW_IGNORED);
}

static void test_ttl(void **state)
{
	struct record_row row = fill_record(7, "a.example.org", "A", "192.0.2.1");
	struct record record;

	(void)state;
	row.ttl = 0;
	assert_taken(&row, &record);
	assert_int_equal(record.rr.ttl, 0);
	row.ttl = INT32_MAX;
	assert_taken(&row, &record);
	assert_int_equal(record.rr.ttl, INT32_MAX);
	row.ttl = (int64_t)INT32_MAX + 1;
	assert_left_out(&row, "TTL out of range");
	row.ttl = -1;
	assert_left_out(&row, "TTL out of range");
	row.ttl = INT64_MIN;
	assert_left_out(&row, "TTL out of range");
	row.has_ttl = false;
	assert_taken(&row, &record);
	assert_int_equal(record.rr.ttl, 300);
}

static void test_priority(void **state)
{
	struct record_row row = fill_record(7, "example.org", "MX", "mail.example.org");
	struct record record;

	(void)state;
	row.has_prio = true;
	row.prio = 10;
	assert_taken(&row, &record);
	assert_content(&record, "10 mail.example.org");
	row.prio = 65536;
	assert_left_out(&row, "number is out of range");
	row.prio = -1;
	assert_left_out(&row, "not a number");
	row.prio = INT64_MAX;
	assert_left_out(&row, "number is out of range");
	row.content = fill_text("10 mail.example.org");
	row.has_prio = false;
	assert_taken(&row, &record);
	assert_content(&record, "10 mail.example.org");

	row = fill_record(7, "_x._tcp.example.org", "SRV", "5 443 host.example.org");
	row.has_prio = true;
	row.prio = 0;
	assert_taken(&row, &record);
	assert_content(&record, "0 5 443 host.example.org");

	/* other types do not look at it */
	row = fill_record(7, "example.org", "A", "192.0.2.1");
	row.has_prio = true;
	row.prio = 10;
	assert_taken(&row, &record);
	assert_content(&record, "192.0.2.1");
}

static void test_left_out(void **state)
{
	struct record_row row = fill_record(7, NULL, "A", "192.0.2.1");

	(void)state;
	assert_left_out(&row, "no name");
	row.name = fill_text("a..example.org");
	assert_left_out(&row, "empty label");
	row.name = fill_text("a\\256.example.org");
	assert_left_out(&row, "bad escape in name");
	row.name = fill_text("example.net");
	assert_left_out(&row, "name outside its zone");
	row.name = fill_text("org");
	assert_left_out(&row, "name outside its zone");
	row.name = fill_text("aexample.org");
	assert_left_out(&row, "name outside its zone");
	row.name = fill_text("example.org");
	row.type = fill_text("NOTYPE");
	assert_left_out(&row, "unknown type");
	row.type = fill_text("A");
	row.content = fill_text(NULL);
	assert_left_out(&row, "no content");
	row.content.at = "192.0.2.1\0";
	row.content.len = 10;
	assert_left_out(&row, "binary zero");
}

static void test_out_of_memory(void **state)
{
	struct record_row row = fill_record(7, "example.org", "MX", "mail.example.org");
	struct record record;
	const char *why;

	(void)state;
	buf_fini(&scratch);
	row.has_prio = true;
	row.prio = 10;
	fail_alloc_at(1);
	assert_int_equal(record_from_row(&record, &scratch, zone, &row, 300, &why), ROW_NO_MEMORY);
	assert_true(fail_alloc_done());
	/* the next row is not spoilt by it */
	assert_taken(&row, &record);
	assert_content(&record, "10 mail.example.org");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_another_spelling),
		cmocka_unit_test(test_empty_non_terminal),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
