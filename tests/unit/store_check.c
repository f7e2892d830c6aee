#include "unit.h"

#include "store_check.h"

#include "dns/rrtype.h"
#include "mirror_check.h"

static bool same_text(const char *a, size_t len, const char *b)
{
	return strlen(b) == len && memcmp(a, b, len) == 0;
}

/* The content as the mirror keeps it. */
static void escape(char *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			*out++ = '\\';
		*out++ = *text;
	}
	*out = '\0';
}

static bool same_record(const struct rr *rr, const struct model_record *record)
{
	char content[2 * sizeof(record->content)];

	escape(content, record->content);
	return rr->type == rrtype_parse(record->type, strlen(record->type)) &&
	       rr->ttl == (uint32_t)record->ttl && rr->disabled == record->disabled &&
	       same_text(rr->content, rr->content_len, content);
}

void store_check_records(const struct model_zone *zone, const char *name, const struct rrs *rrs)
{
	const uint8_t *at = NULL;
	struct rr rr;

	for (unsigned i = 0; i < zone->n_records; i++) {
		if (strcmp(zone->records[i].name, name) != 0)
			continue;
		at = rrs_next(rrs, at, &rr);
		assert_non_null(at);
		assert_true(same_record(&rr, &zone->records[i]));
	}
	/* none has none: a walk of nothing begins at its end */
	if (at != NULL)
		assert_null(rrs_next(rrs, at, &rr));
	else
		assert_null(rrs);
}

bool store_is_below(const char *name, const char *above)
{
	size_t len = strlen(name);
	size_t above_len = strlen(above);

	if (above_len == 0 || strcmp(name, above) == 0)
		return true;
	return len > above_len && strcmp(name + len - above_len, above) == 0 &&
	       name[len - above_len - 1] == '.';
}

static bool model_exists(const struct model_zone *zone, const char *name)
{
	for (unsigned i = 0; i < zone->n_records; i++)
		if (!zone->records[i].disabled && store_is_below(zone->records[i].name, name))
			return true;
	return false;
}

static void check_name(const struct zone *zone, const struct model_zone *model, const char *text)
{
	struct name name;

	assert_int_equal(name_parse(&name, text, strlen(text)), NAME_OK);
	struct node *node = zone_find(zone, name.wire, (size_t)(name.len - zone->name_len));
	assert_int_equal(node != NULL && node_exists(node), model_exists(model, text));
	store_check_records(model, text, node == NULL ? NULL : node->rrs);
}

static enum zone_kind kind_of(const char *type)
{
	return strcmp(type, "MASTER") == 0  ? ZONE_PRIMARY
	       : strcmp(type, "SLAVE") == 0 ? ZONE_SECONDARY
					    : ZONE_NATIVE;
}

static void check_metadata(const struct zone *zone, const struct model_zone *model)
{
	const struct metadata *item = zone->metadata;
	char content[20];

	for (unsigned i = 0; i < model->n_metadata; i++, item = item->next) {
		struct metadata_row row = model_metadata_row(model, i);
		assert_non_null(item);
		escape(content, row.content.at);
		assert_true(same_text(item->text, item->kind_len, row.kind.at));
		assert_true(same_text(item->text + item->kind_len, item->content_len, content));
	}
	assert_null(item);
}

static bool is_secret(const struct secret *secret, unsigned i)
{
	static const char *const escaped[] = {"", "Private-key-format: v1.2\\u000a", "\\\"3\\\""};

	return same_text(secret->text, secret->len, escaped[i]);
}

static void check_keys(const struct zone *zone, const struct model_zone *model)
{
	const struct dnssec_key *key = zone->keys;

	for (unsigned i = 0; i < model->n_keys; i++, key = key->next) {
		assert_non_null(key);
		assert_int_equal(key->id, i + 1);
		assert_int_equal(key->flags, 257);
		assert_true(is_secret(key->content, i));
	}
	assert_null(key);
}

static void check_tsig_keys(const struct mirror *mirror, const struct model *model)
{
	const struct tsig_key *key = mirror->tsig_keys == NULL ? NULL : mirror->tsig_keys->first;
	struct name name;

	for (unsigned i = 0; i < model->n_tsig_keys; i++, key = key->next) {
		assert_non_null(key);
		assert_true(is_secret(key->secret, i));
		struct tsig_row row = model_tsig_row(i);
		assert_int_equal(name_parse(&name, row.name.at, row.name.len), NAME_OK);
		/* the third has the first one's name */
		assert_true(
			i == 2 || tsig_keys_find(mirror->tsig_keys, name.wire, name.len) == key);
	}
	assert_null(key);
	assert_null(tsig_keys_find(mirror->tsig_keys, (const uint8_t *)"\1x", 2));
}

static void check_zone(const struct zone *zone, const struct model_zone *model)
{
	char text[48];

	assert_int_equal(zone->info->kind, kind_of(model->type));
	assert_int_equal(zone->info->last_check, model->last_check);
	check_metadata(zone, model);
	check_keys(zone, model);
	assert_int_equal(zone->records, model->n_records);
	check_name(zone, model, model->name);
	for (unsigned i = 0; i < model->n_records; i++) {
		const char *name = model->records[i].name;
		for (; strcmp(name, model->name) != 0; name = strchr(name, '.') + 1) {
			check_name(zone, model, name);
			if (strchr(name, '.') == NULL)
				break; /* of the root */
		}
		if (model->records[i].name[0] != '\0') {
			(void)snprintf(text, sizeof(text), "%s.%s", model_random_label(),
				model->records[i].name);
			check_name(zone, model, text);
		}
	}
	for (int i = 0; i < 10; i++) {
		model_random_name(text, sizeof(text), model->name);
		check_name(zone, model, text);
	}
}

void store_check(const struct mirror *mirror, struct model *model, bool is_quiet)
{
	size_t zones = 0;

	mirror_check(mirror, is_quiet);
	check_tsig_keys(mirror, model);
	for (int id = 1; id < 10; id++) {
		const struct zone *zone = mirror_find_zone_by_id(mirror, id);
		const struct model_zone *expected = model_find(model, id);
		assert_int_equal(zone != NULL, expected != NULL);
		if (zone == NULL)
			continue;
		struct name name;
		zones++;
		assert_int_equal(
			name_parse(&name, expected->name, strlen(expected->name)), NAME_OK);
		assert_ptr_equal(mirror_find_zone(mirror, name.wire, name.len), zone);
		check_zone(zone, expected);
	}
	assert_int_equal(mirror_zones(mirror), zones);
}
