/*
 * Methods about zones: getAllDomains, getDomainInfo, getUpdatedMasters, setNotified. A zone without
 * an SOA is not served, and getAllDomains leaves it out unless disabled ones are asked for, as the
 * gpgsql backend does.
 */
#include "base/json_text.h"
#include "protocol/call.h"

/* PowerDNS' older words are the protocol's. */
static const char *kind_text(enum zone_kind kind)
{
	switch (kind) {
	case ZONE_PRIMARY:
		return "master";
	case ZONE_SECONDARY:
		return "slave";
	case ZONE_PRODUCER:
		return "producer";
	case ZONE_CONSUMER:
		return "consumer";
	default:
		return "native";
	}
}

static void add_zone(struct buf *reply, const struct zone *zone)
{
	const struct zone_info *info = zone->info;
	char name[NAME_TEXT_MAX];
	uint32_t serial;

	if (!zone_serial(zone, &serial))
		serial = 0;
	BUF_ADD_LIT(reply, "{\"id\":");
	buf_add_i64(reply, zone->id);
	BUF_ADD_LIT(reply, ",\"zone\":\"");
	json_text_add(reply, name, name_print(name, zone->name, zone->name_len));
	BUF_ADD_LIT(reply, ".\",\"kind\":\"");
	buf_add_str(reply, kind_text(info->kind));
	BUF_ADD_LIT(reply, "\",\"serial\":");
	buf_add_u64(reply, serial);
	BUF_ADD_LIT(reply, ",\"notified_serial\":");
	buf_add_u64(reply, info->notified_serial);
	BUF_ADD_LIT(reply, ",\"last_check\":");
	buf_add_i64(reply, info->last_check);
	BUF_ADD_LIT(reply, ",\"masters\":[");
	buf_add(reply, info->text, info->masters_len);
	BUF_ADD_LIT(reply, "]}");
}

struct zone_filter {
	struct buf *reply;
	bool without_soa; /* zones that have none too */
	bool is_first;
};

static void filter_add(struct zone_filter *filter, const struct zone *zone)
{
	if (!filter->is_first)
		buf_add_char(filter->reply, ',');
	filter->is_first = false;
	add_zone(filter->reply, zone);
}

static void add_domain(void *arg, struct zone *zone)
{
	struct zone_filter *filter = arg;
	uint32_t serial;

	if (filter->without_soa || zone_serial(zone, &serial))
		filter_add(filter, zone);
}

static void add_updated_master(void *arg, struct zone *zone)
{
	uint32_t serial;

	if ((zone->info->kind == ZONE_PRIMARY || zone->info->kind == ZONE_PRODUCER) &&
		zone_serial(zone, &serial) &&
		(!zone->info->has_notified_serial || zone->info->notified_serial != serial))
		filter_add(arg, zone);
}

static void answer_zones(struct call *call, struct zone_filter *filter, mirror_zone_fn fn)
{
	filter->reply = call->reply;
	filter->is_first = true;
	BUF_ADD_LIT(call->reply, "{\"result\":[");
	mirror_each_zone(call->protocol->mirror, fn, filter);
	BUF_ADD_LIT(call->reply, "]}\n");
}

void method_get_all_domains(struct call *call)
{
	struct zone_filter filter = {.without_soa = false};

	if (call_bool_or(call, "include_disabled", false, &filter.without_soa))
		answer_zones(call, &filter, add_domain);
}

void method_get_updated_masters(struct call *call)
{
	struct zone_filter filter = {.without_soa = false};

	answer_zones(call, &filter, add_updated_master);
}

void method_get_domain_info(struct call *call)
{
	struct name name;

	if (!call_name(call, "name", &name))
		return;
	const struct zone *zone = mirror_find_zone(call->protocol->mirror, name.wire, name.len);
	if (zone == NULL) {
		/* PowerDNS asks for every ancestor of a name: not worth a log line. */
		BUF_ADD_LIT(call->reply, "{\"result\":false}\n");
		return;
	}
	BUF_ADD_LIT(call->reply, "{\"result\":");
	add_zone(call->reply, zone);
	BUF_ADD_LIT(call->reply, "}\n");
}

void method_set_notified(struct call *call)
{
	int64_t id;
	int64_t serial;

	if (!call_int(call, "id", INT32_MIN, INT32_MAX, &id) ||
		!call_int(call, "serial", 0, UINT32_MAX, &serial))
		return;
	if (mirror_find_zone_by_id(call->protocol->mirror, (int32_t)id) == NULL) {
		call_fail(call, "setNotified: there is no zone with id %ld", (long)id);
		return;
	}
	call->answer->kind = ANSWER_WRITE;
	call->answer->write = (struct write){
		.kind = WRITE_SET_NOTIFIED, .domain_id = (int32_t)id, .serial = (uint32_t)serial};
}
