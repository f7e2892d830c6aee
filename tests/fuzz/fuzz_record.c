#include "fuzz.h"

#include "../unit/fill.h"
#include "dns/rdata.h"

#include <string.h>

/* The next line of the input, or NULL at its end. */
static struct text next_line(const char **at, const char *end)
{
	struct text line = {NULL, 0};

	if (*at >= end)
		return line;
	const char *newline = memchr(*at, '\n', (size_t)(end - *at));
	line.at = *at;
	line.len = (size_t)((newline == NULL ? end : newline) - *at);
	*at = newline == NULL ? end : newline + 1;
	return line;
}

static int64_t number(struct text text)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n = n * 10 + (uint64_t)(text.at[i] - '0');
	return (int64_t)n;
}

/* What is taken is in the zone and can be given to PowerDNS. */
static void check_record(const struct record *record, const struct zone *zone)
{
	FUZZ_CHECK(record->name == record->full.wire);
	FUZZ_CHECK(record->name_len + zone->name_len == record->full.len);
	FUZZ_CHECK(memcmp(record->name + record->name_len, zone->name, zone->name_len) == 0);
	FUZZ_CHECK(record->rr.type != 0);
	FUZZ_CHECK(record->rr.ttl <= INT32_MAX);
	FUZZ_CHECK(
		rdata_fault(record->rr.type, record->rr.content, record->rr.content_len) == NULL);
}

static void check_row(struct zone *zone, const struct record_row *row)
{
	struct record record;
	struct buf scratch;
	const char *why = NULL;

	buf_init(&scratch);
	enum row_result result = record_from_row(&record, &scratch, zone, row, 300, &why);
	FUZZ_CHECK(result == ROW_TAKEN || result == ROW_IGNORED || result == ROW_LEFT_OUT);
	FUZZ_CHECK(result != ROW_LEFT_OUT || (why != NULL && strlen(why) > 0));
	if (result == ROW_TAKEN) {
		check_record(&record, zone);
		struct node *node = zone_make(zone, record.name, record.name_len);
		FUZZ_CHECK(node != NULL && zone_append(zone, node, &record.rr) == 0);
		FUZZ_CHECK(node_exists(node) == !record.rr.disabled);
		FUZZ_CHECK(zone->records == 1);
	}
	buf_fini(&scratch);
}

/* Lines: name, type, TTL, priority, "t" for disabled, and the content, which may hold newlines. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data;
	const char *end = at + size;
	struct domain_row domain = fill_domain(1, "example.org", "NATIVE");
	struct record_row row = {.domain_id = 1};
	struct name name;
	size_t budget = SIZE_MAX;

	row.name = next_line(&at, end);
	row.type = next_line(&at, end);
	struct text ttl = next_line(&at, end);
	struct text prio = next_line(&at, end);
	struct text disabled = next_line(&at, end);
	row.has_ttl = ttl.len > 0;
	row.ttl = number(ttl);
	row.has_prio = prio.len > 0;
	row.prio = number(prio);
	row.disabled = disabled.len == 1;
	if (at < end)
		row.content = (struct text){at, (size_t)(end - at)};

	struct pool *pool = pool_new();
	FUZZ_CHECK(pool != NULL && name_parse(&name, "example.org", 11) == NAME_OK);
	struct zone *zone = zone_new(pool, &name, &domain);
	FUZZ_CHECK(zone != NULL);
	check_row(zone, &row);
	FUZZ_CHECK(zone_free_step(zone, &budget));
	FUZZ_CHECK(pool_used(pool) == 0);
	pool_free(pool);
	return 0;
}
