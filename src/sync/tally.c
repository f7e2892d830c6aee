#include "config.h"

#include "sync/tally.h"

#include "base/metrics.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The last of each stands for all others. */
static const char *const sources[] = {"webhook", "kafka", "rabbitmq", "catchup", "other"};
static const char *const types[] = {"VM.CREATE", "VM.DESTROY", "VM.EXPUNGE", "VM.RECOVER",
	"VM.START", "VM.STOP", "VM.REBOOT", "VM.UPDATE", "VM.UPGRADE", "VM.MIGRATE", "VM.MOVE",
	"VM.RESTORE", "VM.IMPORT", "VM.UNMANAGE", "NIC.CREATE", "NIC.DELETE", "NIC.UPDATE",
	"NIC.SECONDARY.IP.ASSIGN", "NIC.SECONDARY.IP.UNASSIGN", "NIC.SECONDARY.IP.CONFIGURE",
	"NET.IPASSIGN", "NET.IPRELEASE", "NET.IPRESERVE", "NET.IPUPDATE", "NET.IP6ASSIGN",
	"NET.IP6RELEASE", "NET.IP6UPDATE", "PORTABLE.IP.ASSIGN", "PORTABLE.IP.RELEASE",
	"STATICNAT.ENABLE", "STATICNAT.DISABLE", "NETWORK.CREATE", "NETWORK.UPDATE",
	"NETWORK.DELETE", "NETWORK.RESTART", "NETWORK.MIGRATE", "VPC.CREATE", "VPC.UPDATE",
	"VPC.DELETE", "VPC.RESTART", "ACCOUNT.CREATE", "ACCOUNT.UPDATE", "ACCOUNT.DELETE",
	"ACCOUNT.ENABLE", "ACCOUNT.DISABLE", "DOMAIN.CREATE", "DOMAIN.UPDATE", "DOMAIN.DELETE",
	"DOMAIN.MOVE", "PROJECT.CREATE", "PROJECT.UPDATE", "PROJECT.DELETE", "PROJECT.ACTIVATE",
	"PROJECT.SUSPEND", "USER.MOVE",
	/* New states, of ResourceStateEvents. */
	"Running", "Stopped", "Destroyed", "Expunging", "Error", "Starting", "Stopping",
	"Migrating", "other"};
static const char *const outcomes[TALLY_OUTCOMES] = {
	"taken", "replay", "early", "ignored", "unknown", "malformed", "failed"};

struct tally {
	uint64_t counts[COUNT(sources)][COUNT(types)][TALLY_OUTCOMES];
};

struct tally *tally_new(void)
{
	return calloc(1, sizeof(struct tally));
}

void tally_free(struct tally *tally)
{
	free(tally);
}

static size_t find(const char *const *names, size_t n, const char *name)
{
	size_t i = 0;

	while (i < n - 1 && strcmp(names[i], name) != 0)
		i++;
	return i;
}

uint64_t *tally_row(struct tally *tally, const char *source, const char *type)
{
	return tally
		->counts[find(sources, COUNT(sources), source)][find(types, COUNT(types), type)];
}

void tally_add(
	struct tally *tally, const char *source, const char *type, enum tally_outcome outcome)
{
	tally_row(tally, source, type)[outcome]++;
}

void tally_pass(struct tally *tally, const char *source, const struct cloud_event *event)
{
	tally_add(tally, source, event->type,
		event->use == EVENT_EARLY     ? TALLY_EARLY
		: event->use == EVENT_UNKNOWN ? TALLY_UNKNOWN
					      : TALLY_IGNORED);
}

void tally_write(const struct tally *tally, struct buf *out)
{
	struct metric metric = metric_counter(out, "csdns_sync_events_total",
		"Events of the cloud by source, type and outcome: taken, replay of one that was "
		"taken before, early (nothing has happened yet), ignored (of no concern to DNS), "
		"unknown (names no entity), malformed, failed (not stored, the source is told).");
	static const size_t row = COUNT(types) * (size_t)TALLY_OUTCOMES;
	const uint64_t *counts = &tally->counts[0][0][0];

	for (size_t i = 0; i < COUNT(sources) * row; i++) {
		const struct metric_label labels[] = {{"source", sources[i / row]},
			{"type", types[i % row / TALLY_OUTCOMES]},
			{"outcome", outcomes[i % TALLY_OUTCOMES]}, {NULL, NULL}};
		if (counts[i] > 0)
			metric_add(&metric, labels, counts[i]);
	}
}
