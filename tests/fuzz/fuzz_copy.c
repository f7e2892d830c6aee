#include "fuzz.h"

#include "feed/rows.h"
#include "pg/copy.h"

#include <string.h>

/* Fields lie in the row, one behind the other; rows of each kind parse or are refused. */
static void check_fields(const char *row, size_t len, const struct copy_field *fields, size_t n)
{
	const char *from = row;

	for (size_t i = 0; i < n; i++) {
		if (fields[i].at == NULL) {
			FUZZ_CHECK(fields[i].len == 0);
			continue;
		}
		FUZZ_CHECK(fields[i].at >= from);
		FUZZ_CHECK(fields[i].len <= (size_t)(row + len - fields[i].at));
		from = fields[i].at + fields[i].len;
	}
}

static void parse(const struct text *fields, size_t n)
{
	struct domain_row domain;
	struct record_row record;
	struct metadata_row metadata;

	if (n == DOMAIN_FIELDS)
		(void)domain_row_parse(&domain, fields);
	if (n == RECORD_FIELDS)
		(void)record_row_parse(&record, fields);
	if (n == METADATA_FIELDS)
		(void)metadata_row_parse(&metadata, fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct copy_field raw[FIELDS_MAX];
	struct text fields[FIELDS_MAX];
	size_t splits = 0;

	for (size_t n = 1; n <= FIELDS_MAX; n++) {
		char *row = malloc(size > 0 ? size : 1);
		FUZZ_CHECK(row != NULL);
		if (size > 0)
			memcpy(row, data, size);
		if (copy_split(row, size, raw, n)) {
			splits++;
			check_fields(row, size, raw, n);
			for (size_t i = 0; i < n; i++)
				fields[i] = (struct text){raw[i].at, raw[i].len};
			parse(fields, n);
		}
		free(row);
	}
	/* there is one number of fields that a row has */
	FUZZ_CHECK(splits <= 1);
	return 0;
}
