#include "fuzz.h"

#include "dns/name.h"

#include <string.h>

/* Text that parses prints to text that parses to the same name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct name name;
	struct name again;
	char text[NAME_TEXT_MAX];

	int rc = name_parse(&name, (const char *)data, size);
	if (rc != NAME_OK) {
		FUZZ_CHECK(strcmp(name_error_text(rc), "no error") != 0);
		return 0;
	}
	FUZZ_CHECK(name.len <= NAME_WIRE_MAX);
	size_t len = name_print(text, name.wire, name.len);
	FUZZ_CHECK(len <= sizeof(text));
	FUZZ_CHECK(name_parse(&again, text, len) == NAME_OK);
	FUZZ_CHECK(again.len == name.len && memcmp(again.wire, name.wire, name.len) == 0);
	FUZZ_CHECK(name_compare(name.wire, name.len, again.wire, again.len) == 0);

	size_t label = name_first_label(name.wire, name.len);
	FUZZ_CHECK(label <= name.len);
	FUZZ_CHECK(name_is_in(name.wire, name.len, name.wire + label, name.len - label));
	FUZZ_CHECK(name_compare(name.wire, name.len, name.wire + label, name.len - label) >= 0);
	return 0;
}
