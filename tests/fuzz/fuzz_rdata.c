#include "fuzz.h"

#include "dns/rdata.h"

#include <string.h>

/* A type's text up to the first space, then the content. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *space = size > 0 ? memchr(text, ' ', size) : NULL;
	char scratch[RRTYPE_TEXT_SIZE];

	if (space == NULL)
		return 0;
	size_t type_len = (size_t)(space - text);
	const char *content = space + 1;
	size_t len = size - type_len - 1;

	uint16_t type = rrtype_parse(text, type_len);
	const char *name = rrtype_print(type, scratch);
	FUZZ_CHECK(type == 0 || rrtype_parse(name, strlen(name)) == type);
	const char *fault = rdata_fault(type, content, len);
	FUZZ_CHECK(fault == NULL || strlen(fault) > 0);
	(void)soa_serial(content, len);
	return 0;
}
