#include "unit.h"

#include "store_model.h"

#include "fill.h"

/* They lie in each other. */
static const char *const zone_names[] = {"t", "a.t", "b.a.t", "u", "", "c.u"};
static const char *const tsig_names[] = {"key.", "other.key", "key"};
static const char *const labels[] = {"a", "b", "c", "*"};
static const char *const types[] = {
	"A", "NS", "DS", "TXT", "CNAME", "TYPE1000", "MX", "SRV", "DNAME", "HTTPS", "NAPTR"};
/* The last ones decide on the order of names. */
static const char *const settings[][2] = {{"EVEN", "0"}, {"ODD", "1"}, {"EVEN", "2"}, {"ODD", "3"},
	{"EVEN", "4"}, {"ODD", "5"}, {"EVEN", "\"9\\"}, {"NSEC3PARAM", "1 0 1 ab"},
	{"NSEC3PARAM", "1 1 0 -"}, {"NSEC3PARAM", "1 1 2 00"}, {"NSEC3NARROW", "1"},
	{"PRESIGNED", "1"}};
static const char *const zone_types[] = {"NATIVE", "MASTER", "SLAVE"};

void model_random_name(char *name, size_t size, const char *zone)
{
	name[0] = '\0';
	for (size_t n = unit_random(5); n > 0; n--) {
		strncat(name, PICK(labels), size - strlen(name) - 1);
		if (n > 1 || zone[0] != '\0')
			strncat(name, ".", size - strlen(name) - 1);
	}
	strncat(name, zone, size - strlen(name) - 1);
}

struct model_zone *model_find(struct model *model, int id)
{
	for (size_t i = 0; i < ZONES; i++)
		if (model->zones[i].id == id)
			return &model->zones[i];
	return NULL;
}

const char *model_random_label(void)
{
	return PICK(labels);
}

static struct model_zone *model_find_name(struct model *model, const char *name)
{
	for (size_t i = 0; i < ZONES; i++)
		if (model->zones[i].id != 0 && strcmp(model->zones[i].name, name) == 0)
			return &model->zones[i];
	return NULL;
}

/* What stands before the name, by type. */
static const char *before_target(const char *type)
{
	return strcmp(type, "MX") == 0	    ? "10 "
	       : strcmp(type, "SRV") == 0   ? "1 2 3 "
	       : strcmp(type, "HTTPS") == 0 ? "1 "
	       : strcmp(type, "NAPTR") == 0 ? "1 2 \"s\" \"a b\" \"!\\\"!!\" "
					    : "";
}

/* Content with a name in one of the zones, or in none. */
static void random_reference(struct model_record *record)
{
	char target[32];

	if (unit_random(5) == 0)
		(void)snprintf(target, sizeof(target), "n%u.example.", (unsigned)unit_random(100));
	else
		model_random_name(target, sizeof(target) - 1, PICK(zone_names));
	(void)snprintf(record->content, sizeof(record->content), "%s%s%s",
		before_target(record->type), target, target[0] == '\0' ? "." : "");
}

static void random_record(struct model_record *record, const char *name)
{
	memset(record, 0, sizeof(*record));
	(void)snprintf(record->name, sizeof(record->name), "%s", name);
	record->type = PICK(types);
	if (strcmp(record->type, "A") == 0)
		(void)snprintf(record->content, sizeof(record->content), "192.0.2.%u",
			(unsigned)unit_random(256));
	else if (strcmp(record->type, "TXT") == 0)
		(void)snprintf(record->content, sizeof(record->content), "\"t\\\\%.*s\"",
			(int)unit_random(20), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	else if (strcmp(record->type, "DS") == 0)
		(void)snprintf(record->content, sizeof(record->content),
			"1 8 1 0123456789abcdef0123456789abcdef01234567");
	else if (strcmp(record->type, "TYPE1000") == 0)
		(void)snprintf(record->content, sizeof(record->content), "\\# 1 %02x",
			(unsigned)unit_random(256));
	else
		random_reference(record);
	record->ttl = (int)unit_random(10000);
	record->disabled = unit_random(4) == 0;
}

static void add_records(struct model_zone *zone, const char *name, size_t n)
{
	for (; n > 0 && zone->n_records < RECORDS; n--)
		random_record(&zone->records[zone->n_records++], name);
}

static void remove_records(struct model_zone *zone, const char *name)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < zone->n_records; i++)
		if (strcmp(zone->records[i].name, name) != 0)
			zone->records[kept++] = zone->records[i];
	zone->n_records = kept;
}

/* ---- what a transaction touches ---- */

static void touch_zone(struct journal *journal, int id)
{
	if (journal->n_zones < TOUCHED)
		journal->zones[journal->n_zones++] = id;
}

static bool journal_is_full(const struct journal *journal)
{
	return journal->n_zones + 4 > TOUCHED || journal->n_infos + 4 > TOUCHED ||
	       journal->n_names + 4 > TOUCHED;
}

static void touch_name(struct journal *journal, int id, const char *name)
{
	journal->names[journal->n_names].id = id;
	(void)snprintf(journal->names[journal->n_names++].name, 32, "%s", name);
}

static void op_create(struct model *model, struct journal *journal)
{
	struct model_zone *zone = model_find(model, 0);
	const char *name = PICK(zone_names);
	int id = 1 + (int)unit_random(8);
	char text[32];

	if (zone == NULL || model_find_name(model, name) != NULL || model_find(model, id) != NULL)
		return;
	memset(zone, 0, sizeof(*zone));
	zone->id = id;
	zone->name = name;
	zone->type = PICK(zone_types);
	for (size_t n = unit_random(12); n > 0; n--) {
		model_random_name(text, sizeof(text), name);
		add_records(zone, text, 1 + unit_random(2));
	}
	touch_zone(journal, id);
}

static void op_delete(struct model_zone *zone, struct journal *journal)
{
	touch_zone(journal, zone->id);
	memset(zone, 0, sizeof(*zone));
}

void model_change_name(struct model_zone *zone, struct journal *journal)
{
	char name[32];

	if (zone->n_records > 0 && unit_random(2) == 0)
		(void)snprintf(
			name, sizeof(name), "%s", zone->records[unit_random(zone->n_records)].name);
	else
		model_random_name(name, sizeof(name), zone->name);
	if (unit_random(3) > 0)
		remove_records(zone, name);
	if (unit_random(3) > 0)
		add_records(zone, name, 1 + unit_random(3));
	touch_name(journal, zone->id, name);
}

/* Every record below a name goes. */
static void op_prune(struct model_zone *zone, struct journal *journal)
{
	char name[32];

	for (int i = 0; i < 4 && zone->n_records > 0; i++) {
		(void)snprintf(
			name, sizeof(name), "%s", zone->records[unit_random(zone->n_records)].name);
		remove_records(zone, name);
		touch_name(journal, zone->id, name);
	}
}

static void op_info(struct model_zone *zone, struct journal *journal)
{
	zone->type = PICK(zone_types);
	zone->last_check = (int)unit_random(1000);
	journal->infos[journal->n_infos++] = zone->id;
}

static void op_metadata(struct model_zone *zone, struct journal *journal)
{
	zone->n_metadata = (unsigned)unit_random(METADATA + 1);
	for (unsigned i = 0; i < zone->n_metadata; i++)
		zone->metadata[i] = (int)unit_random(COUNT(settings));
	zone->n_keys = (unsigned)unit_random(3);
	touch_zone(journal, zone->id);
}

/* Two zones exchange their ids, or all but these. */
static void op_exchange(struct model *model, struct model_zone *zone, struct journal *journal)
{
	struct model_zone *other = &PICK(model->zones);

	if (other->id == 0 || other == zone)
		return;
	int id = zone->id;
	zone->id = other->id;
	other->id = id;
	touch_zone(journal, zone->id);
	touch_zone(journal, other->id);
}

/* A zone gets another name, its records with it. */
static void op_rename(struct model *model, struct model_zone *zone, struct journal *journal)
{
	const char *name = PICK(zone_names);
	char text[32];

	if (model_find_name(model, name) != NULL)
		return;
	zone->name = name;
	for (unsigned i = 0; i < zone->n_records; i++) {
		model_random_name(text, sizeof(text), name);
		memcpy(zone->records[i].name, text, sizeof(text));
	}
	touch_zone(journal, zone->id);
}

static void op_tsig_keys(struct model *model, struct journal *journal)
{
	model->n_tsig_keys = (unsigned)unit_random(COUNT(tsig_names) + 1);
	journal->has_tsig_keys = true;
}

void model_transact(struct model *model, struct journal *journal)
{
	struct model_zone *zone = &PICK(model->zones);
	size_t dice = unit_random(100);

	if (zone->id == 0 || journal_is_full(journal))
		op_create(model, journal);
	else if (dice < 3)
		op_tsig_keys(model, journal);
	else if (dice < 60)
		model_change_name(zone, journal);
	else if (dice < 75)
		op_prune(zone, journal);
	else if (dice < 83)
		op_info(zone, journal);
	else if (dice < 88)
		op_metadata(zone, journal);
	else if (dice < 93)
		op_exchange(model, zone, journal);
	else if (dice < 97)
		op_rename(model, zone, journal);
	else
		op_delete(zone, journal);
}

/* ---- rows of the model ---- */

static const char *stored_name(const char *name)
{
	return name != NULL && name[0] == '\0' ? "." : name;
}

struct text model_stored_name(const char *name)
{
	return fill_text(stored_name(name));
}

struct domain_row model_domain_row(const struct model_zone *zone)
{
	struct domain_row row = fill_domain(zone->id, stored_name(zone->name), zone->type);

	row.last_check = zone->last_check;
	return row;
}

struct record_row model_record_row(const struct model_zone *zone, unsigned i)
{
	const struct model_record *record = &zone->records[i];
	struct record_row row =
		fill_record(zone->id, stored_name(record->name), record->type, record->content);

	row.ttl = record->ttl;
	row.disabled = record->disabled;
	return row;
}

struct metadata_row model_metadata_row(const struct model_zone *zone, unsigned i)
{
	const char *const *setting = settings[zone->metadata[i]];

	return fill_metadata(zone->id, setting[0], setting[1]);
}

static const char *const key_contents[] = {"", "Private-key-format: v1.2\n", "\"3\""};

struct key_row model_key_row(const struct model_zone *zone, unsigned i)
{
	return fill_key(zone->id, (int)i + 1, key_contents[i]);
}

struct tsig_row model_tsig_row(unsigned i)
{
	return fill_tsig_key(tsig_names[i], i == 2 ? "hmac-md5" : "hmac-sha256", key_contents[i]);
}

int model_load(struct mirror *mirror, const struct model *model)
{
	const char *why;

	for (size_t i = 0; i < ZONES; i++) {
		const struct model_zone *zone = &model->zones[i];
		struct domain_row row = model_domain_row(zone);
		if (zone->id == 0)
			continue;
		enum row_result result = mirror_add_domain(mirror, &row, &why);
		for (unsigned k = 0; result == ROW_TAKEN && k < zone->n_metadata; k++) {
			struct metadata_row item = model_metadata_row(zone, k);
			result = mirror_add_metadata(mirror, &item, &why);
		}
		for (unsigned k = 0; result == ROW_TAKEN && k < zone->n_records; k++) {
			struct record_row record = model_record_row(zone, k);
			result = mirror_add_record(mirror, &record, &why);
		}
		for (unsigned k = 0; result == ROW_TAKEN && k < zone->n_keys; k++) {
			struct key_row key = model_key_row(zone, k);
			result = mirror_add_key(mirror, &key, &why);
		}
		if (result == ROW_NO_MEMORY)
			return -1;
		assert_int_equal(result, ROW_TAKEN);
	}
	for (unsigned i = 0; i < model->n_tsig_keys; i++) {
		struct tsig_row row = model_tsig_row(i);
		if (mirror_add_tsig_key(mirror, &row, &why) == ROW_NO_MEMORY)
			return -1;
	}
	return 0;
}
