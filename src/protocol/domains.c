/*
 * Methods about zones: getAllDomains, getDomainInfo, getUpdatedMasters,
 * getUnfreshSlaveInfos. A zone without
 * an SOA is not served, and getAllDomains leaves it out unless disabled ones are asked for, as the
 * gpgsql backend does.
 */
#include "base/clock.h"
#include "base/json_text.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"
#include "protocol/listing.h"

#include <stdlib.h>

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

/* The zones of the mirror as they were when the request came; what is said of each is from when
 * its part is written. */
struct domains_listing {
	struct listing listing; /* first member */
	struct mirror *mirror;	/* a reference; it keeps zones that go meanwhile */
	bool (*is_listed)(const struct zone *zone);
	size_t next;
	size_t n;
	struct zone *zones[];
};

static bool has_soa(const struct zone *zone)
{
	uint32_t serial;

	return zone_serial(zone, &serial);
}

static bool is_any(const struct zone *zone)
{
	(void)zone;
	return true;
}

static bool is_updated_master(const struct zone *zone)
{
	const struct zone_info *info = zone->info;
	uint32_t serial;

	return (info->kind == ZONE_PRIMARY || info->kind == ZONE_PRODUCER) &&
	       zone_serial(zone, &serial) &&
	       (!info->has_notified_serial || info->notified_serial != serial);
}

/* Time to look whether the primary has something new? A disabled SOA counts too, as it does for the
 * gpgsql backend; without one it is time. */
static bool is_unfresh(const struct zone *zone)
{
	const struct zone_info *info = zone->info;
	int64_t refresh = 0;
	struct rr rr;

	if (info->kind != ZONE_SECONDARY && info->kind != ZONE_CONSUMER)
		return false;
	for (const uint8_t *at = NULL; (at = rrs_next(zone->apex->rrs, at, &rr)) != NULL;)
		if (rr.type == RRTYPE_SOA)
			refresh = soa_refresh(rr.content, rr.content_len);
	return info->last_check + refresh <= clock_real_us() / 1000000;
}

static int domains_listing_step(struct listing *base, size_t budget, struct buf *reply)
{
	struct domains_listing *listing = (struct domains_listing *)base;

	for (; budget > 0 && listing->next < listing->n; budget--) {
		const struct zone *zone = listing->zones[listing->next++];
		if (!listing->is_listed(zone))
			continue;
		listing_separate(base, reply);
		add_zone(reply, zone);
	}
	return listing->next == listing->n;
}

static void domains_listing_free(struct listing *base)
{
	struct domains_listing *listing = (struct domains_listing *)base;

	mirror_release_zones(listing->mirror);
	mirror_unref(listing->mirror);
	free(listing);
}

static void add_to_listing(void *arg, struct zone *zone)
{
	struct domains_listing *listing = arg;

	listing->zones[listing->n++] = zone;
}

static void answer_zones(struct call *call, bool (*is_listed)(const struct zone *zone))
{
	struct mirror *mirror = call->protocol->mirror;
	const size_t pointer = sizeof(void *); /* of zones[]; clang-tidy takes it for a mistake */
	struct domains_listing *listing =
		calloc(1, sizeof(*listing) + mirror_zones(mirror) * pointer);

	if (listing == NULL) {
		call_answer_listing(call, NULL);
		return;
	}
	listing->listing.step = domains_listing_step;
	listing->listing.free = domains_listing_free;
	listing->mirror = mirror;
	listing->is_listed = is_listed;
	mirror_ref(mirror);
	mirror_keep_zones(mirror);
	mirror_each_zone(mirror, add_to_listing, listing);
	call_answer_listing(call, &listing->listing);
}

void method_get_all_domains(struct call *call)
{
	bool with_all;

	if (call_bool_or(call, "include_disabled", false, &with_all))
		answer_zones(call, with_all ? is_any : has_soa);
}

void method_get_updated_masters(struct call *call)
{
	answer_zones(call, is_updated_master);
}

void method_get_unfresh_slave_infos(struct call *call)
{
	answer_zones(call, is_unfresh);
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
