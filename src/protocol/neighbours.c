/*
 * getBeforeAndAfterNamesAbsolute: the neighbours of a name in the NSEC chain, or of a hash in the
 * NSEC3 chain. PowerDNS asks with the name relative to its zone, or with the hash as a name, and
 * takes the same back; "unhashed" is always the complete name that "before" stands for.
 */
#include "base/json_text.h"
#include "mirror/denial.h"
#include "protocol/call.h"

static bool find_hash(
	const struct zone *zone, const struct name *name, struct neighbours *neighbours)
{
	uint8_t hash[NSEC3_HASH_SIZE];

	return name_label_count(name->wire, name->len) == 1 &&
	       nsec3_parse(hash, (const char *)name->wire + 1, name->wire[0]) &&
	       zone_hash_neighbours(zone, hash, neighbours);
}

static void add_name(struct buf *reply, const uint8_t *wire, size_t len)
{
	char text[NAME_TEXT_MAX];

	json_text_add(reply, text, name_print(text, wire, len));
}

static void add_neighbour(struct buf *reply, const struct zone *zone, const struct node *node)
{
	char hash[NSEC3_TEXT_SIZE];

	if (!zone_has_hashes(zone)) {
		add_name(reply, node->name, node->name_len);
		return;
	}
	nsec3_print(hash, node_tail_const(node)->hash);
	buf_add(reply, hash, sizeof(hash));
}

static void add_unhashed(struct buf *reply, const struct zone *zone, const struct node *node)
{
	add_name(reply, node->name, node->name_len);
	if (node->name_len > 0 && zone->name_len > 0)
		buf_add_char(reply, '.');
	add_name(reply, zone->name, zone->name_len);
	buf_add_char(reply, '.');
}

void method_get_before_and_after_names_absolute(struct call *call)
{
	const struct zone *zone = call_zone_id(call, "id");
	struct neighbours neighbours;
	struct name name;

	if (zone == NULL || !call_name(call, "qname", &name))
		return;
	bool found = zone_has_hashes(zone)
			     ? find_hash(zone, &name, &neighbours)
			     : zone_name_neighbours(zone, name.wire, name.len, &neighbours);
	if (!found) {
		/* PowerDNS has heard of another NSEC3PARAM than we, or not yet of ours. */
		BUF_ADD_LIT(call->reply, "{\"result\":false}\n");
		return;
	}
	BUF_ADD_LIT(call->reply, "{\"result\":{\"unhashed\":\"");
	add_unhashed(call->reply, zone, neighbours.before);
	BUF_ADD_LIT(call->reply, "\",\"before\":\"");
	add_neighbour(call->reply, zone, neighbours.before);
	BUF_ADD_LIT(call->reply, "\",\"after\":\"");
	add_neighbour(call->reply, zone, neighbours.after);
	BUF_ADD_LIT(call->reply, "\"}}\n");
}
