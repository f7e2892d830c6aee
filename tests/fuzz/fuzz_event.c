#include "fuzz.h"

#include "sync/event.h"

#include <string.h>

/* What can go into a log, a label and the database. */
static void check_text(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	FUZZ_CHECK(len < size);
	for (size_t i = 0; i < len; i++)
		FUZZ_CHECK(text[i] > ' ' && text[i] < 0x7f && text[i] != '"' && text[i] != '\\');
}

static void check_hint(const struct cloud_event *event, size_t i)
{
	const struct event_hint *hint = &event->hints[i];

	FUZZ_CHECK(hint->kind < ENTITY_NONE);
	FUZZ_CHECK(uuid_is(hint->uuid));
	for (size_t k = 0; k < i; k++)
		FUZZ_CHECK(event->hints[k].kind != hint->kind ||
			   strcasecmp(event->hints[k].uuid, hint->uuid) != 0);
	if (hint->told == NULL)
		return;
	FUZZ_CHECK(event->form == EVENT_JOB && !event->is_failed && !hint->is_gone);
	const char *id = json_string_value(json_object_get(hint->told, "id"));
	FUZZ_CHECK(id != NULL && strcasecmp(id, hint->uuid) == 0);
	FUZZ_CHECK(json_is_array(json_object_get(hint->told, "nic")));
}

static void check(struct cloud_event *event, int rc, const char *why, size_t size)
{
	FUZZ_CHECK(strnlen(why, size) < size);
	FUZZ_CHECK(rc == 0 || (rc == -1 && why[0] != '\0'));
	check_text(event->type, sizeof(event->type));
	FUZZ_CHECK(event_form_name(event->form) != NULL && event_use_name(event->use) != NULL);
	FUZZ_CHECK(event->n_hints <= EVENT_HINTS_MAX);
	FUZZ_CHECK(
		rc < 0 ? event->n_hints == 0 : (event->use == EVENT_HINTS) == (event->n_hints > 0));
	for (size_t i = 0; i < event->n_hints; i++)
		check_hint(event, i);
	if (rc == 0)
		event_fini(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cloud_event event;
	char why[64]; /* short, so that it is cut */
	json_t *row;

	int rc = event_decode((const char *)data, size, &event, why, sizeof(why));
	check(&event, rc, why, sizeof(why));
	row = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	if (row == NULL)
		return 0;
	rc = event_decode_row(row, &event, why, sizeof(why));
	check(&event, rc, why, sizeof(why));
	json_decref(row);
	return 0;
}
