/*
 * getDomainKeys, getTSIGKey, getTSIGKeys. What these write is secret: it goes into the reply and
 * nowhere else.
 */
#include "base/json_text.h"
#include "protocol/call.h"

static void add_bool(struct buf *reply, bool value)
{
	buf_add_str(reply, value ? "true" : "false");
}

static void add_key(struct buf *reply, const struct dnssec_key *key)
{
	BUF_ADD_LIT(reply, "{\"id\":");
	buf_add_i64(reply, key->id);
	BUF_ADD_LIT(reply, ",\"flags\":");
	buf_add_u64(reply, key->flags);
	BUF_ADD_LIT(reply, ",\"active\":");
	add_bool(reply, key->active);
	BUF_ADD_LIT(reply, ",\"published\":");
	add_bool(reply, key->published);
	BUF_ADD_LIT(reply, ",\"content\":\"");
	buf_add(reply, key->content->text, key->content->len);
	BUF_ADD_LIT(reply, "\"}");
}

/* An unknown zone has none. */
void method_get_domain_keys(struct call *call)
{
	struct name name;

	if (!call_name(call, "name", &name))
		return;
	const struct zone *zone = mirror_find_zone(call->protocol->mirror, name.wire, name.len);
	const struct dnssec_key *key = zone == NULL ? NULL : zone->keys;
	call->answer->is_secret = key != NULL;
	BUF_ADD_LIT(call->reply, "{\"result\":[");
	for (; key != NULL; key = key->next) {
		add_key(call->reply, key);
		if (key->next != NULL)
			buf_add_char(call->reply, ',');
	}
	BUF_ADD_LIT(call->reply, "]}\n");
}

/* ---- TSIG keys ---- */

static void add_algorithm_and_secret(struct buf *reply, const struct tsig_key *key)
{
	BUF_ADD_LIT(reply, "\"algorithm\":\"");
	buf_add(reply, key->text, key->algorithm_len);
	BUF_ADD_LIT(reply, "\",\"content\":\"");
	buf_add(reply, key->secret->text, key->secret->len);
	BUF_ADD_LIT(reply, "\"}");
}

void method_get_tsig_key(struct call *call)
{
	struct name name;

	if (!call_name(call, "name", &name))
		return;
	const struct tsig_key *key =
		tsig_keys_find(call->protocol->mirror->tsig_keys, name.wire, name.len);
	if (key == NULL) {
		/* Anybody on the network may ask with any key's name: not worth a log line. */
		BUF_ADD_LIT(call->reply, "{\"result\":false}\n");
		return;
	}
	call->answer->is_secret = true;
	BUF_ADD_LIT(call->reply, "{\"result\":{");
	add_algorithm_and_secret(call->reply, key);
	BUF_ADD_LIT(call->reply, "}\n");
}

static void add_tsig_key(struct buf *reply, const struct tsig_key *key)
{
	char name[NAME_TEXT_MAX];
	size_t len =
		name_print(name, (const uint8_t *)key->text + key->algorithm_len, key->name_len);

	BUF_ADD_LIT(reply, "{\"name\":\"");
	json_text_add(reply, name, len);
	BUF_ADD_LIT(reply, ".\",");
	add_algorithm_and_secret(reply, key);
}

void method_get_tsig_keys(struct call *call)
{
	const struct tsig_keys *keys = call->protocol->mirror->tsig_keys;
	const struct tsig_key *key = keys == NULL ? NULL : keys->first;

	call->answer->is_secret = key != NULL;
	BUF_ADD_LIT(call->reply, "{\"result\":[");
	for (; key != NULL; key = key->next) {
		add_tsig_key(call->reply, key);
		if (key->next != NULL)
			buf_add_char(call->reply, ',');
	}
	BUF_ADD_LIT(call->reply, "]}\n");
}
