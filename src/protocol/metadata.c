/*
 * getDomainMetadata and getAllDomainMetadata: an unknown zone has none.
 */
#include "base/json_text.h"
#include "protocol/call.h"

#include <string.h>

static bool same_kind(const struct metadata *a, const struct metadata *b)
{
	return a->kind_len == b->kind_len && memcmp(a->text, b->text, a->kind_len) == 0;
}

/* The contents of all items of one kind, from the first of them on, as a JSON array. */
static void add_contents(struct buf *reply, const struct metadata *first)
{
	buf_add_char(reply, '[');
	for (const struct metadata *item = first; item != NULL; item = item->next) {
		if (!same_kind(item, first))
			continue;
		if (item != first)
			buf_add_char(reply, ',');
		buf_add_char(reply, '"');
		buf_add(reply, item->text + item->kind_len, item->content_len);
		buf_add_char(reply, '"');
	}
	buf_add_char(reply, ']');
}

static const struct metadata *first_of_kind(
	const struct metadata *list, const char *kind, size_t len)
{
	for (; list != NULL; list = list->next)
		if (list->kind_len == len && memcmp(list->text, kind, len) == 0)
			return list;
	return NULL;
}

static const struct metadata *zone_metadata(struct call *call, const struct name *name)
{
	const struct zone *zone = mirror_find_zone(call->protocol->mirror, name->wire, name->len);

	return zone == NULL ? NULL : zone->metadata;
}

void method_get_domain_metadata(struct call *call)
{
	struct name name;
	struct text kind;

	if (!call_name(call, "name", &name) || !call_text(call, "kind", &kind))
		return;
	struct buf escaped;
	buf_init(&escaped);
	json_text_add(&escaped, kind.at, kind.len);
	const struct metadata *first =
		first_of_kind(zone_metadata(call, &name), escaped.data, escaped.len);
	BUF_ADD_LIT(call->reply, "{\"result\":");
	if (first == NULL)
		BUF_ADD_LIT(call->reply, "[]");
	else
		add_contents(call->reply, first);
	BUF_ADD_LIT(call->reply, "}\n");
	call->reply->failed |= buf_failed(&escaped);
	buf_fini(&escaped);
}

void method_get_all_domain_metadata(struct call *call)
{
	struct name name;

	if (!call_name(call, "name", &name))
		return;
	const struct metadata *list = zone_metadata(call, &name);
	bool is_first = true;
	BUF_ADD_LIT(call->reply, "{\"result\":{");
	for (const struct metadata *item = list; item != NULL; item = item->next) {
		if (first_of_kind(list, item->text, item->kind_len) != item)
			continue;
		if (!is_first)
			buf_add_char(call->reply, ',');
		is_first = false;
		buf_add_char(call->reply, '"');
		buf_add(call->reply, item->text, item->kind_len);
		BUF_ADD_LIT(call->reply, "\":");
		add_contents(call->reply, item);
	}
	BUF_ADD_LIT(call->reply, "}}\n");
}
