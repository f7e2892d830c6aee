/*
 * What is affected by changes that are rare: in a zone that came signed; of a name that very many
 * point at; and where what points at it is written in an unusual way.
 */
#include "unit.h"

#include "fill.h"
#include "mirror/change.h"
#include "mirror_check.h"

static struct mirror *new_mirror(void)
{
	struct mirror *mirror = mirror_new(300);

	assert_non_null(mirror);
	assert_true(fill_add_domain(mirror, 1, "t", "SLAVE"));
	return mirror;
}

/* The address of a name in zone 1 is another one. */
static struct affected change_address(struct mirror *mirror, const char *name)
{
	struct record_row row = fill_record(1, name, "A", "192.0.2.99");
	struct change *change = change_new(mirror);
	struct store_version version = {1, 0};
	struct affected affected;
	const char *why;

	assert_non_null(change);
	assert_int_equal(change_touch_name(change, 1, fill_text(name)), 0);
	assert_int_equal(change_add_record(change, &row, &why), ROW_TAKEN);
	affected_init(&affected);
	change_watch(change, &affected);
	change_commit(change, version);
	assert_true(change_clean_step(change, SIZE_MAX));
	return affected;
}

static bool is_affected(const struct affected *affected, const char *text)
{
	struct name asked;

	assert_int_equal(name_parse(&asked, text, strlen(text)), NAME_OK);
	for (const struct affected_name *name = affected->names; name != NULL; name = name->next)
		if (name->is_suffix ? name_is_in(asked.wire, asked.len, name->wire, name->len)
				    : asked.len == name->len &&
					      memcmp(asked.wire, name->wire, name->len) == 0)
			return true;
	return false;
}

static void finish(struct mirror *mirror, struct affected *affected)
{
	affected_fini(affected);
	mirror_unref(mirror);
	assert_true(mirror_free_step(mirror, SIZE_MAX));
}

/* The signatures, and the proofs of all that is not there, came with the change. */
static void test_presigned(void **state)
{
	(void)state;
	for (int is_presigned = 0; is_presigned < 2; is_presigned++) {
		struct mirror *mirror = new_mirror();
		assert_true(fill_add_metadata(mirror, 1, "PRESIGNED", is_presigned ? "1" : "0"));
		assert_true(fill_add_record(mirror, 1, "t", "SOA", "ns.t h.t 1 2 3 4 5"));
		assert_true(fill_add_record(mirror, 1, "web.t", "A", "192.0.2.1"));
		struct affected affected = change_address(mirror, "web.t");
		assert_true(is_affected(&affected, "web.t"));
		assert_int_equal(is_affected(&affected, "other.t"), is_presigned);
		finish(mirror, &affected);
	}
}

static void test_unusual_contents(void **state)
{
	static const struct {
		const char *name, *type, *content;
	} pointing[] = {
		{"m.u", "MX", "10\tweb.t"},
		{"s.u", "SRV", "1 2\t3\tWEB.t."},
		{"e.u", "CNAME", "w\\101b.t"},
		{"n.u", "NAPTR",
			"1 2 \"s\" \"\" \"!\\\"...............................................\" "
			"web.t"},
		{"l.u", "NAPTR",
			"1 2 \"s\" \"E2U\" "
			"\"!"
			"0123456789012345678901234567890123456789012345678901234567890123"
			"0123456789012345678901234567890123456789012345678901234567890123"
			"0123456789012345678901234567890123456789012345678901234567890123"
			"0123456789012345678901234567890123456789012345678901234567890"
			"\" web.t"},
		{"h.u", "HTTPS", "1 web.t alpn=h2"},
	};
	struct mirror *mirror = new_mirror();

	(void)state;
	assert_true(fill_add_domain(mirror, 2, "u", "NATIVE"));
	assert_true(fill_add_record(mirror, 1, "web.t", "A", "192.0.2.1"));
	assert_true(fill_add_record(mirror, 2, "other.u", "CNAME", "webb.t"));
	for (size_t i = 0; i < COUNT(pointing); i++)
		assert_true(fill_add_record(
			mirror, 2, pointing[i].name, pointing[i].type, pointing[i].content));
	struct affected affected = change_address(mirror, "web.t");
	for (size_t i = 0; i < COUNT(pointing); i++)
		if (!is_affected(&affected, pointing[i].name))
			fail_msg("%s %s is not affected", pointing[i].name, pointing[i].content);
	assert_false(is_affected(&affected, "other.u"));
	affected_fini(&affected);
	/* What is stored is escaped for JSON, and says the same. */
	struct change *change = change_new(mirror);
	struct store_version version = {2, 0};
	assert_non_null(change);
	for (size_t i = 0; i < COUNT(pointing); i++)
		assert_int_equal(change_touch_name(change, 2, fill_text(pointing[i].name)), 0);
	change_commit(change, version);
	assert_true(change_clean_step(change, SIZE_MAX));
	mirror_check(mirror, true);
	affected = change_address(mirror, "web.t");
	for (size_t i = 0; i < COUNT(pointing); i++)
		if (is_affected(&affected, pointing[i].name))
			fail_msg("%s %s is gone, and affected", pointing[i].name,
				pointing[i].content);
	finish(mirror, &affected);
}

/* So many that it is cheaper to say everything. */
static void test_very_many_referrers(void **state)
{
	struct mirror *mirror = new_mirror();
	char name[24];

	(void)state;
	assert_true(fill_add_domain(mirror, 2, "u", "NATIVE"));
	assert_true(fill_add_record(mirror, 1, "web.t", "A", "192.0.2.1"));
	for (int i = 0; i < 60000; i++) {
		(void)snprintf(name, sizeof(name), "n%d.u", i);
		assert_true(fill_add_record(mirror, 2, name, "CNAME", "web.t"));
	}
	struct affected affected = change_address(mirror, "web.t");
	assert_true(affected.is_all);
	assert_false(affected.is_all_zones);
	finish(mirror, &affected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_presigned),
		cmocka_unit_test(test_unusual_contents),
		cmocka_unit_test(test_very_many_referrers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
