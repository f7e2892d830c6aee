/*
 * What is affected by a change: no answer that a change set alters may be left out, whatever the
 * change; and what is said of a simple change is no more than that.
 */
#include "unit.h"

#include "answer.h"
#include "dns/rrtype.h"
#include "fail_alloc.h"
#include "fail_pool.h"
#include "fill.h"
#include "mirror/change.h"
#include "mirror_check.h"

/* ---- a store ---- */

#define ZONES	6
#define RECORDS 120

struct stored_zone {
	int id; /* 0: there is none */
	bool has_key;
	int serial;
	int minimum;
};

struct stored_record {
	int zone; /* index of its name */
	char name[40];
	const char *type;
	char content[80];
	int ttl;
};

/* A zone of each name. */
struct store {
	struct stored_zone zones[ZONES];
	unsigned n_records;
	struct stored_record records[RECORDS];
	int last_id;
};

struct touched {
	bool zones[20]; /* by id */
	unsigned n_names;
	struct {
		int zone; /* index */
		char name[40];
	} names[30];
};

static const char *const zone_names[ZONES] = {"t", "a.t", "b.a.t", "u", "c.u", "v"};
static const char *const labels[] = {"a", "b", "*"};
static const char *const types[] = {
	"A", "A", "TXT", "NS", "CNAME", "CNAME", "MX", "SRV", "DNAME", "HTTPS", "NAPTR", "DS"};

static const char *before_target(const char *type)
{
	return strcmp(type, "MX") == 0	    ? "10 "
	       : strcmp(type, "SRV") == 0   ? "1 2 3 "
	       : strcmp(type, "HTTPS") == 0 ? "1 "
	       : strcmp(type, "NAPTR") == 0 ? "1 2 \"s\" \"a b\" \"!x!!\" "
					    : "";
}

static void random_name(char *name, size_t size, const char *zone)
{
	name[0] = '\0';
	for (size_t n = unit_random(4); n > 0; n--) {
		strncat(name, PICK(labels), size - strlen(name) - 1);
		strncat(name, ".", size - strlen(name) - 1);
	}
	strncat(name, zone, size - strlen(name) - 1);
}

static void touch_name(struct touched *touched, int zone, const char *name)
{
	touched->names[touched->n_names].zone = zone;
	(void)snprintf(touched->names[touched->n_names++].name, 40, "%s", name);
}

static void remove_records(struct store *store, int zone, const char *name)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < store->n_records; i++)
		if (store->records[i].zone != zone ||
			(name != NULL && strcmp(store->records[i].name, name) != 0))
			store->records[kept++] = store->records[i];
	store->n_records = kept;
}

static void add_record(struct store *store, int zone, const char *name)
{
	if (store->n_records == RECORDS)
		return;
	struct stored_record *record = &store->records[store->n_records++];
	char target[40];

	record->zone = zone;
	(void)snprintf(record->name, sizeof(record->name), "%s", name);
	record->type = PICK(types);
	record->ttl = 300 + (int)unit_random(2);
	random_name(target, sizeof(target), PICK(zone_names));
	if (strcmp(record->type, "A") == 0)
		(void)snprintf(record->content, sizeof(record->content), "192.0.2.%d",
			(int)unit_random(3));
	else if (strcmp(record->type, "TXT") == 0)
		(void)snprintf(
			record->content, sizeof(record->content), "\"%d\"", (int)unit_random(3));
	else if (strcmp(record->type, "DS") == 0)
		(void)snprintf(record->content, sizeof(record->content), "%d 8 1 %040d",
			(int)unit_random(3), 1);
	else
		(void)snprintf(record->content, sizeof(record->content), "%s%s%s",
			before_target(record->type), target, unit_random(2) == 0 ? "." : "");
}

/* ---- transactions ---- */

static void change_records(struct store *store, struct touched *touched, int zone)
{
	char name[40];

	random_name(name, sizeof(name), zone_names[zone]);
	touch_name(touched, zone, name);
	if (unit_random(3) > 0)
		remove_records(store, zone, name);
	for (size_t n = unit_random(3); n > 0; n--)
		add_record(store, zone, name);
	store->zones[zone].serial++;
	if (unit_random(30) == 0)
		store->zones[zone].minimum++;
	if (unit_random(60) == 0)
		store->zones[zone].serial = 0; /* no SOA */
	touch_name(touched, zone, zone_names[zone]);
}

static void change_zone(struct store *store, struct touched *touched, int index)
{
	struct stored_zone *zone = &store->zones[index];

	touched->zones[zone->id] = true;
	if (unit_random(3) > 0) { /* its keys */
		zone->has_key = !zone->has_key;
		return;
	}
	if (unit_random(2) == 0) { /* gone */
		zone->id = 0;
		remove_records(store, index, NULL);
		return;
	}
	store->last_id = store->last_id % 15 + 1; /* the same name under another id */
	for (size_t i = 0; i < ZONES; i++)
		if (store->zones[i].id == store->last_id)
			return;
	zone->id = store->last_id;
	touched->zones[zone->id] = true;
}

static void create_zone(struct store *store, struct touched *touched, int index)
{
	store->last_id = store->last_id % 15 + 1;
	for (size_t i = 0; i < ZONES; i++)
		if (store->zones[i].id == store->last_id)
			return;
	store->zones[index] = (struct stored_zone){store->last_id, unit_random(4) == 0, 1, 60};
	touched->zones[store->last_id] = true;
}

static void transaction(struct store *store, struct touched *touched)
{
	int zone = (int)unit_random(ZONES);

	if (store->zones[zone].id == 0)
		create_zone(store, touched, zone);
	else if (unit_random(15) == 0)
		change_zone(store, touched, zone);
	else
		change_records(store, touched, zone);
}

/* ---- the mirror ---- */

static void feed_record(struct change *change, int id, const char *name, const char *type,
	const char *content, int ttl, int *rc)
{
	struct record_row row = fill_record(id, name, type, content);
	const char *why;

	row.ttl = ttl;
	if (change_add_record(change, &row, &why) == ROW_NO_MEMORY)
		*rc = -1;
}

static void feed_zone(struct change *change, const struct store *store, int index, int *rc)
{
	const struct stored_zone *zone = &store->zones[index];
	struct domain_row domain = fill_domain(zone->id, zone_names[index], "NATIVE");
	struct key_row key = fill_key(zone->id, 1, "key");
	const char *why;
	char soa[60];

	if (change_add_domain(change, &domain, &why) == ROW_NO_MEMORY ||
		(zone->has_key && change_add_key(change, &key, &why) == ROW_NO_MEMORY))
		*rc = -1;
	(void)snprintf(soa, sizeof(soa), "ns.t. host.t. %d 1 2 3 %d", zone->serial, zone->minimum);
	if (zone->serial > 0)
		feed_record(change, zone->id, zone_names[index], "SOA", soa, 300, rc);
	for (unsigned i = 0; i < store->n_records; i++) {
		const struct stored_record *record = &store->records[i];
		if (record->zone == index)
			feed_record(change, zone->id, record->name, record->type, record->content,
				record->ttl, rc);
	}
}

/* A change set that does what was touched; NULL when memory was out. */
static struct change *make_change(
	struct mirror *mirror, const struct store *store, const struct touched *touched)
{
	struct change *change = change_new(mirror);
	int rc = 0;

	if (change == NULL)
		return NULL;
	for (int id = 1; id < 20 && rc == 0; id++)
		if (touched->zones[id])
			rc = change_touch_zone(change, id);
	for (unsigned i = 0; i < touched->n_names && rc == 0; i++)
		rc = change_touch_name(change, store->zones[touched->names[i].zone].id,
			fill_text(touched->names[i].name));
	/* What is not touched is ignored. */
	for (int i = 0; i < ZONES && rc == 0; i++)
		if (store->zones[i].id != 0)
			feed_zone(change, store, i, &rc);
	if (rc == 0)
		return change;
	change_abort(change);
	assert_true(change_clean_step(change, SIZE_MAX));
	return NULL;
}

static void commit(struct mirror *mirror, struct change *change, struct affected *affected)
{
	struct store_version version = {mirror->version.number + 1, 0};

	affected_init(affected);
	change_watch(change, affected);
	change_commit(change, version);
}

static void clean(struct mirror *mirror, struct change *change)
{
	while (!change_clean_step(change, 3))
		;
	while (!mirror_free_step(mirror, 3))
		;
}

/* ---- is it enough? ---- */

/* All names of up to three labels in each zone, and some in none. */
#define NAMES_MAX (4 * ZONES * 45)

struct universe {
	unsigned n;
	struct name names[NAMES_MAX];
	uint64_t answers[NAMES_MAX];
};

static void add_names(struct universe *universe, const char *name, int deeper)
{
	struct name parsed;
	char below[60];

	assert_int_equal(name_parse(&parsed, name, strlen(name)), NAME_OK);
	assert_true(universe->n < NAMES_MAX);
	universe->names[universe->n++] = parsed;
	for (size_t i = 0; deeper > 0 && i < COUNT(labels); i++) {
		(void)snprintf(below, sizeof(below), "%s.%s", labels[i], name);
		add_names(universe, below, deeper - 1);
	}
}

static struct universe *universe_new(void)
{
	struct universe *universe = calloc(1, sizeof(*universe));

	assert_non_null(universe);
	for (size_t i = 0; i < ZONES; i++)
		add_names(universe, zone_names[i], 3);
	add_names(universe, "w", 1);
	return universe;
}

static void ask_all(struct universe *universe, const struct mirror *mirror)
{
	for (unsigned i = 0; i < universe->n; i++)
		universe->answers[i] =
			answer_of(mirror, universe->names[i].wire, universe->names[i].len);
}

static bool is_affected(const struct affected *affected, const struct name *asked)
{
	if (affected->is_all)
		return true;
	for (const struct affected_name *name = affected->names; name != NULL; name = name->next)
		if (name->is_suffix ? name_is_in(asked->wire, asked->len, name->wire, name->len)
				    : asked->len == name->len &&
					      memcmp(asked->wire, name->wire, name->len) == 0)
			return true;
	return false;
}

static void print_names(const struct affected *affected)
{
	char text[AFFECTED_TEXT_MAX];

	for (const struct affected_name *name = affected->names; name != NULL; name = name->next)
		printf("# %.*s\n", (int)affected_print(text, name), text);
}

/* Returns how many names were affected and answer as before. */
static unsigned check_enough(
	struct universe *universe, const struct mirror *mirror, const struct affected *affected)
{
	unsigned too_many = 0;
	char text[NAME_TEXT_MAX];

	for (unsigned i = 0; i < universe->n; i++) {
		const struct name *name = &universe->names[i];
		uint64_t answer = answer_of(mirror, name->wire, name->len);
		bool is_said = is_affected(affected, name);
		too_many += is_said && answer == universe->answers[i];
		if (answer != universe->answers[i] && !is_said) {
			print_names(affected);
			fail_msg("%.*s changed, and is not affected",
				(int)name_print(text, name->wire, name->len), text);
		}
		universe->answers[i] = answer;
	}
	return too_many;
}

static bool zone_is_said(const struct affected *affected, const char *text)
{
	struct name name;

	assert_int_equal(name_parse(&name, text, strlen(text)), NAME_OK);
	for (const struct affected_name *zone = affected->zones; zone != NULL; zone = zone->next)
		if (zone->len == name.len && memcmp(zone->wire, name.wire, name.len) == 0)
			return true;
	return affected->is_all_zones;
}

/* A zone's id may be what was not there before, or is not there any more. */
static void check_zones(
	const struct store *before, const struct store *after, const struct affected *affected)
{
	for (size_t i = 0; i < ZONES; i++)
		if (before->zones[i].id != after->zones[i].id)
			assert_true(zone_is_said(affected, zone_names[i]));
}

static void test_nothing_is_left_out(void **state)
{
	struct mirror *mirror = mirror_new(300);
	struct store store = {0};
	struct universe *universe = universe_new();
	unsigned long too_many = 0;
	unsigned long said = 0;

	(void)state;
	assert_non_null(mirror);
	ask_all(universe, mirror);
	for (int i = 0; i < 3000; i++) {
		struct store next = store;
		struct touched touched = {0};
		struct affected affected;
		for (size_t n = 1 + unit_random(4); n > 0; n--)
			transaction(&next, &touched);
		struct change *change = make_change(mirror, &next, &touched);
		assert_non_null(change);
		commit(mirror, change, &affected);
		too_many += check_enough(universe, mirror, &affected);
		check_zones(&store, &next, &affected);
		said += affected.n_names;
		affected_fini(&affected);
		clean(mirror, change);
		mirror_check(mirror, true);
		store = next;
	}
	printf("# %lu affected, and %lu answers that were as before\n", said, too_many);
	free(universe);
	mirror_unref(mirror);
	assert_true(mirror_free_step(mirror, SIZE_MAX));
}

/* ---- is it too much? ---- */

static const char *const base[][3] = {
	{"t", "SOA", "ns.t. h.t. 1 2 3 4 5"},
	{"t", "NS", "ns.t"},
	{"t", "MX", "10 mail.t"},
	{"t", "TXT", "\"t\""},
	{"ns.t", "A", "192.0.2.1"},
	{"mail.t", "A", "192.0.2.2"},
	{"www.t", "CNAME", "Web.T."},
	{"w2.t", "CNAME", "www.t"},
	{"web.t", "A", "192.0.2.3"},
	{"apex.t", "CNAME", "t"},
	{"a.b.c.t", "A", "192.0.2.4"},
	{"d.c.t", "A", "192.0.2.5"},
	{"x.wild.t", "A", "192.0.2.6"},
	{"*.wild.t", "A", "192.0.2.7"},
	{"sub.t", "NS", "ns.sub.t"},
	{"ns.sub.t", "A", "192.0.2.8"},
	{"dn.t", "DNAME", "target.u"},
	{"_s._tcp.t", "SRV", "1 2 3 srv.u"},
	{"u", "SOA", "ns.t. h.t. 1 2 3 4 5"},
	{"u", "NS", "ns.t"},
	{"srv.u", "A", "192.0.2.9"},
	{"n.u", "NAPTR", "1 2 \"s\" \"SIP+D2U\" \"!\\\"!!\" _s._tcp.t"},
	{"h.u", "HTTPS", "1 srv.u alpn=h2"},
	{"al.u", "ALIAS", "far.example"},
	{"deep.target.u", "A", "192.0.2.10"},
	{"cover.u", "CNAME", "any.wild.t"},
	{"odd.u", "CNAME", "\"q\"x\\032\".t"},
	{"nq.u", "NAPTR", "1 2 \"s\" \"a b\" \"!\\\"\\\\!!\" \"q\"x\\032\".t."},
};

/* name, type: gets this content, or none; what is affected. */
static const struct {
	const char *name, *type, *content, *expected;
} simple[] = {
	{"web.t", "A", "192.0.2.99", "web.t. www.t. w2.t. t. "},
	{"mail.t", "A", "192.0.2.99", "mail.t. t. apex.t. "},
	{"ns.t", "A", "192.0.2.99", "ns.t. t. u. apex.t. "},
	{"new.t", "A", "192.0.2.99", "new.t. t. "},
	{"new.c.t", "A", "192.0.2.99", "new.c.t. t. "},
	{"d.c.t", "A", NULL, "d.c.t. t. "},
	{"a.b.c.t", "A", NULL, "a.b.c.t. b.c.t. t. "},
	{"e.f.g.t", "A", "192.0.2.1", "e.f.g.t. f.g.t. g.t. t. "},
	{"y.wild.t", "A", "192.0.2.1", "y.wild.t.$ t. "},
	{"y.z.wild.t", "A", "192.0.2.1", "z.wild.t.$ t. "},
	{"y.*.c.t", "A", "192.0.2.1", "c.t.$ t. "},
	{"*.wild.t", "A", "192.0.2.99", "wild.t.$ cover.u. t. "},
	{"*.c.t", "A", "192.0.2.99", "c.t.$ t. "},
	{"x.wild.t", "A", "192.0.2.99", "x.wild.t. t. "},
	{"ns.sub.t", "A", "192.0.2.99", "sub.t.$ t. "},
	{"sub.t", "NS", "ns.t", "sub.t.$ t. "},
	{"t", "TXT", "\"other\"", "t. apex.t. "},
	{"t", "SOA", "ns.t. h.t. 2 2 3 4 5", "t. "},
	{"t", "SOA", "ns.t. h.t. 2 2 3 4 6", "t.$ n.u. u. cover.u. odd.u. nq.u. "},
	{"deep.target.u", "A", "192.0.2.99", "deep.target.u. dn.t.$ u. "},
	{"target.u", "TXT", "\"x\"", "target.u. dn.t.$ u. "},
	{"other.target.u", "A", "192.0.2.99", "other.target.u. dn.t.$ u. "},
	{"srv.u", "A", "192.0.2.99", "srv.u. _s._tcp.t. h.u. n.u. u. "},
	{"dn.t", "DNAME", "else.u", "dn.t.$ t. "},
	{"h.u", "HTTPS", "1 srv.u alpn=h3", "h.u. u. "},
	{"\"q\"x\\032\".t", "A", "192.0.2.1", "\"q\"x\\032\".t. odd.u. nq.u. t. "},
};

static struct mirror *base_mirror(bool has_key)
{
	struct mirror *mirror = mirror_new(300);
	struct key_row key = fill_key(1, 1, "key");
	const char *why;

	assert_non_null(mirror);
	assert_true(fill_add_domain(mirror, 1, "t", "NATIVE"));
	assert_true(fill_add_domain(mirror, 2, "u", "NATIVE"));
	if (has_key)
		assert_int_equal(mirror_add_key(mirror, &key, &why), ROW_TAKEN);
	for (size_t i = 0; i < COUNT(base); i++) {
		size_t len = strlen(base[i][0]);
		assert_true(fill_add_record(mirror, base[i][0][len - 1] == 't' ? 1 : 2, base[i][0],
			base[i][1], base[i][2]));
	}
	return mirror;
}

/* The name's records of the base, with those of the type replaced. */
static void feed_name(
	struct change *change, int id, const char *name, const char *type, const char *content)
{
	int rc = 0;

	for (size_t i = 0; i < COUNT(base); i++)
		if (strcmp(base[i][0], name) == 0 && strcmp(base[i][1], type) != 0)
			feed_record(change, id, name, base[i][1], base[i][2], 3600, &rc);
	if (content != NULL)
		feed_record(change, id, name, type, content, 3600, &rc);
	assert_int_equal(rc, 0);
}

/* Names that point at one are in the order of their addresses. */
static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_words(char *out, char *text)
{
	char *words[20];
	size_t n = 0;
	char *rest;

	for (char *word = strtok_r(text, " ", &rest); word != NULL;
		word = strtok_r(NULL, " ", &rest)) {
		assert_true(n < COUNT(words));
		words[n++] = word;
	}
	qsort(words, n, sizeof(words[0]), compare_words);
	*out = '\0';
	for (size_t i = 0; i < n; i++)
		out += sprintf(out, "%s ", words[i]);
}

static void check_set(const struct affected *affected, const char *what, const char *expected)
{
	char text[4096];
	char sorted[4096];
	char sorted_expected[4096];
	size_t n = 0;

	for (const struct affected_name *name = affected->names; name != NULL; name = name->next) {
		assert_true(n < sizeof(text) - AFFECTED_TEXT_MAX - 2);
		n += affected_print(text + n, name);
		text[n++] = ' ';
	}
	text[n] = '\0';
	sort_words(sorted, text);
	(void)snprintf(text, sizeof(text), "%s", expected);
	sort_words(sorted_expected, text);
	if (strcmp(sorted, sorted_expected) != 0)
		fail_msg("%s: %s, not %s", what, sorted, sorted_expected);
	assert_false(affected->is_all);
}

static void finish(struct mirror *mirror, struct change *change, struct affected *affected)
{
	affected_fini(affected);
	clean(mirror, change);
	mirror_unref(mirror);
	assert_true(mirror_free_step(mirror, SIZE_MAX));
}

/* With the serial, as it is in every transaction. */
static void check_simple(
	bool has_key, const char *name, const char *type, const char *content, const char *expected)
{
	struct mirror *mirror = base_mirror(has_key);
	struct change *change = change_new(mirror);
	struct affected affected;
	bool is_u = name[strlen(name) - 1] == 'u';
	int id = is_u ? 2 : 1;
	const char *apex = is_u ? "u" : "t";

	assert_non_null(change);
	assert_int_equal(change_touch_name(change, id, fill_text(name)), 0);
	assert_int_equal(change_touch_name(change, id, fill_text(apex)), 0);
	feed_name(change, id, name, type, content);
	if (strcmp(name, apex) != 0)
		feed_name(change, id, apex, "SOA", "ns.t. h.t. 2 2 3 4 5");
	commit(mirror, change, &affected);
	check_set(&affected, name, expected);
	assert_int_equal(affected.n_zones, 0);
	finish(mirror, change, &affected);
}

static void test_simple_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(simple); i++)
		check_simple(false, simple[i].name, simple[i].type, simple[i].content,
			simple[i].expected);
}

static void test_signed_zone(void **state)
{
	(void)state;
	check_simple(true, "web.t", "A", "192.0.2.99", "web.t. www.t. w2.t. t. ");
	check_simple(true, "web.t", "TXT", "\"x\"", "t.$ n.u. u. cover.u. odd.u. nq.u. ");
	check_simple(true, "new.t", "A", "192.0.2.99", "t.$ n.u. u. cover.u. odd.u. nq.u. ");
	check_simple(true, "d.c.t", "A", NULL, "t.$ n.u. u. cover.u. odd.u. nq.u. ");
}

static void feed_zone_u(struct change *change)
{
	struct domain_row domain = fill_domain(2, "u", "NATIVE");
	const char *why;
	int rc = 0;

	assert_int_equal(change_touch_zone(change, 2), 0);
	assert_int_equal(change_add_domain(change, &domain, &why), ROW_TAKEN);
	for (size_t i = 0; i < COUNT(base); i++)
		if (base[i][0][strlen(base[i][0]) - 1] == 'u')
			feed_record(change, 2, base[i][0], base[i][1], base[i][2], 3600, &rc);
	assert_int_equal(rc, 0);
}

/* A change set of one step; what it affects. */
static void check_step(struct mirror *mirror, const char *what, const char *expected)
{
	struct change *change = change_new(mirror);
	struct affected affected;

	assert_non_null(change);
	if (strcmp(what, "zone u") == 0) {
		feed_zone_u(change);
	} else if (strcmp(what, "no signal") == 0) {
		assert_int_equal(change_touch_zone(change, 3), 0);
	} else {
		const char *content = strcmp(what, "CDS") == 0
					      ? "1 8 1 0123456789012345678901234567890123456789"
					      : NULL;
		assert_int_equal(change_touch_name(change, 2, fill_text("u")), 0);
		feed_name(change, 2, "u", "CDS", content);
	}
	commit(mirror, change, &affected);
	check_set(&affected, what, expected);
	affected_fini(&affected);
	clean(mirror, change);
}

/* PowerDNS makes the records of a signaling zone from other zones' keys, metadata and apex. */
static void test_signaling_zone(void **state)
{
	struct mirror *mirror = base_mirror(false);

	(void)state;
	assert_true(fill_add_domain(mirror, 3, "_signal.ns.t", "NATIVE"));
	assert_true(fill_add_metadata(mirror, 3, "SIGNALING-ZONE", "1"));
	assert_true(fill_add_record(mirror, 3, "_signal.ns.t", "SOA", "ns.t. host.t. 1 2 3 4 5"));
	check_step(mirror, "serial", "u. ");
	check_step(mirror, "CDS", "u. _signal.ns.t.$ ");
	check_step(mirror, "zone u", "u.$ dn.t.$ _s._tcp.t. _signal.ns.t.$ ");
	check_step(mirror, "no signal", "_signal.ns.t.$ ");
	check_step(mirror, "CDS", "u. ");
	mirror_unref(mirror);
	assert_true(mirror_free_step(mirror, SIZE_MAX));
}

/* A row from before the schema checked them may be there twice. */
static void test_twice_the_same(void **state)
{
	struct mirror *mirror = base_mirror(false);
	struct change *change = change_new(mirror);
	struct affected affected;
	int rc = 0;

	(void)state;
	assert_non_null(change);
	assert_true(fill_add_record(mirror, 1, "t", "TXT", "\"t\""));
	assert_int_equal(change_touch_name(change, 1, fill_text("t")), 0);
	feed_name(change, 1, "t", "SOA", "ns.t. h.t. 2 2 3 4 5");
	feed_record(change, 1, "t", "TXT", "\"other\"", 3600, &rc);
	assert_int_equal(rc, 0);
	commit(mirror, change, &affected);
	check_set(&affected, "twice the same", "t. apex.t. ");
	finish(mirror, change, &affected);
}

/* A zone of which very many names change is affected as a whole, and only it. */
static void test_many_names(void **state)
{
	struct mirror *mirror = base_mirror(false);
	struct change *change = change_new(mirror);
	struct affected affected;
	char name[16];
	int rc = 0;

	(void)state;
	assert_non_null(change);
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "n%d.u", i);
		assert_int_equal(change_touch_name(change, 2, fill_text(name)), 0);
		feed_record(change, 2, name, "A", "192.0.2.1", 300, &rc);
	}
	assert_int_equal(rc, 0);
	commit(mirror, change, &affected);
	check_set(&affected, "many names", "u.$ dn.t.$ _s._tcp.t. ");
	finish(mirror, change, &affected);
}

/* ---- without memory ---- */

static void test_out_of_memory(void **state)
{
	static const struct {
		void (*at)(unsigned n);
		bool (*done)(void);
	} failures[] = {{fail_alloc_at, fail_alloc_done}, {fail_pool_at, fail_pool_done}};
	struct mirror *mirror = mirror_new(300);
	struct universe *universe = universe_new();
	struct store store = {0};

	(void)state;
	assert_non_null(mirror);
	ask_all(universe, mirror);
	for (unsigned i = 0; i < 400; i++) {
		struct touched touched = {0};
		struct affected affected;
		for (size_t n = 1 + unit_random(4); n > 0; n--)
			transaction(&store, &touched);
		struct change *change = make_change(mirror, &store, &touched);
		assert_non_null(change);
		failures[i % 2].at(1 + i / 2 % 12);
		commit(mirror, change, &affected);
		failures[i % 2].at(0);
		(void)check_enough(universe, mirror, &affected);
		affected_fini(&affected);
		clean(mirror, change);
	}
	free(universe);
	mirror_unref(mirror);
	assert_true(mirror_free_step(mirror, SIZE_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_left_out),
		cmocka_unit_test(test_simple_changes),
		cmocka_unit_test(test_signed_zone),
		cmocka_unit_test(test_signaling_zone),
		cmocka_unit_test(test_twice_the_same),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_out_of_memory),
	};

	unit_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
