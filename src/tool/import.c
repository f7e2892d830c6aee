/*
 * import: "csdns import": a zone that is elsewhere, into the store, in one transaction. What would
 * change is shown first: the change is made, judged and rolled back, so that a preview says what
 * the import itself will.
 */
#include "tool/import.h"

#include "tool/cell.h"
#include "tool/db.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAD_SHOWN 20

#define FIELD(name) offsetof(struct import_settings, name)

static const struct option_spec options[] = {
	TOOL_OPTIONS(struct import_settings),
	{.name = "file",
		.letter = 'f',
		.type = OPTION_STRING,
		.offset = FIELD(file),
		.value = "FILE",
		.help = "from a zone file; - is standard input"},
	{.name = "axfr",
		.type = OPTION_STRING,
		.offset = FIELD(axfr),
		.value = "SERVER[:PORT]",
		.help = "by transfer from a server"},
	{.name = "tsig-key-file",
		.type = OPTION_STRING,
		.offset = FIELD(tsig_key),
		.value = "FILE",
		.help = "for --axfr: a file with the key, as named has it or "
			"ALGORITHM:NAME:SECRET"},
	{.name = "api",
		.type = OPTION_STRING,
		.offset = FIELD(api),
		.value = "URL",
		.help = "from another PowerDNS, over its HTTP API: http://localhost:8081"},
	{.name = "api-key-file",
		.type = OPTION_STRING,
		.offset = FIELD(api_key),
		.value = "FILE",
		.help = "for --api: a file with the API's key"},
	{.name = "merge",
		.letter = 'm',
		.type = OPTION_FLAG,
		.offset = FIELD(merge),
		.help = "into a zone that is there: add what it lacks, keep what it has"},
	{.name = "replace",
		.type = OPTION_FLAG,
		.offset = FIELD(replace),
		.help = "a zone that is there: what is not imported goes, but for what rules made"},
	{.name = "yes",
		.letter = 'y',
		.type = OPTION_FLAG,
		.offset = FIELD(yes),
		.help = "do it; else it is only shown"},
	{.name = "skip-bad",
		.type = OPTION_FLAG,
		.offset = FIELD(skip_bad),
		.help = "store the others where some records cannot be stored"},
	{.name = "kind",
		.type = OPTION_STRING,
		.offset = FIELD(kind),
		.value = "KIND",
		.initial = "NATIVE",
		.help = "of a new zone: NATIVE or MASTER"},
	{.name = "quiet",
		.letter = 'q',
		.type = OPTION_FLAG,
		.offset = FIELD(quiet),
		.help = "no progress bar"},
	{.name = NULL},
};

static int fetch(struct import *import)
{
	const struct import_settings *settings = import->settings;
	int rc;

	progress_start(&import->progress, "reading", 0, settings->quiet);
	if (settings->file != NULL)
		rc = import_file(import->zone, settings->file, &import->wanted, &import->progress);
	else if (settings->axfr != NULL)
		rc = import_axfr(import->zone, settings->axfr, settings->tsig_key, &import->wanted,
			&import->progress);
	else
		rc = import_api(import->zone, settings->api, settings->api_key, &import->wanted);
	progress_end(&import->progress);
	return rc;
}

static void free_rr(struct rr *rr)
{
	struct rr_list one = {.items = calloc(1, sizeof(*rr)), .n = 1};

	if (one.items != NULL) {
		one.items[0] = *rr;
		rr_list_fini(&one);
	}
}

/* Sorts, and takes out what signing made and what is there twice. */
static void tidy(struct import *import)
{
	struct rr_list *list = &import->wanted;
	size_t n = 0;

	rr_list_sort(list);
	for (size_t i = 0; i < list->n; i++) {
		struct rr *rr = &list->items[i];
		bool is_signing = rr_is_signing(rr->type);
		bool is_twice =
			n > 0 && rr->fault == NULL && rr_compare(rr, &list->items[n - 1]) == 0;
		import->signing += is_signing;
		if (is_signing || is_twice)
			free_rr(rr);
		else
			list->items[n++] = *rr;
	}
	list->n = n;
}

static size_t count_bad(const struct import *import)
{
	size_t n = 0;

	for (size_t i = 0; i < import->wanted.n; i++)
		n += import->wanted.items[i].fault != NULL;
	return n;
}

static struct rr *find_soa(struct rr_list *list, const char *zone)
{
	for (size_t i = 0; i < list->n; i++) {
		struct rr *rr = &list->items[i];
		if (rr->fault == NULL && strcmp(rr->type, "SOA") == 0 &&
			strcmp(rr->name, zone) == 0)
			return rr;
	}
	return NULL;
}

/* Where the serial stands in a SOA's content, and its octets. */
static const char *serial_in(const char *content, size_t *len)
{
	for (int word = 0; word < 2; word++) {
		content += strcspn(content, " ");
		content += strspn(content, " ");
	}
	*len = strcspn(content, " ");
	return content;
}

/* A zone's serial only moves forward (RFC 1982): one that is older elsewhere would hide the change
 * from secondaries, and one that is the same is moved at commit. 0, or -1 when memory is out. */
static int keep_serial(struct rr *wanted, const struct rr *stored)
{
	size_t old_len;
	size_t new_len;
	const char *old = serial_in(stored->content, &old_len);
	const char *new = serial_in(wanted->content, &new_len);
	uint32_t step = (uint32_t)strtoul(new, NULL, 10) - (uint32_t)strtoul(old, NULL, 10);
	char *content;

	if (step > 0 && step < 0x80000000U)
		return 0;
	if (asprintf(&content, "%.*s%.*s%s", (int)(new - wanted->content), wanted->content,
		    (int)old_len, old, new + new_len) < 0)
		return -1;
	struct rr_list list;
	rr_list_init(&list);
	const struct rr *made = rr_list_add_text(&list, wanted->name, wanted->ttl, "SOA", content);
	char *key = made != NULL ? strdup(made->key) : NULL;
	rr_list_fini(&list);
	free(wanted->content);
	free(wanted->key);
	wanted->content = content;
	wanted->key = key;
	return key != NULL ? 0 : -1;
}

static int check_soa(struct import *import)
{
	struct rr *wanted = find_soa(&import->wanted, import->zone);
	const struct rr *stored = find_soa(&import->stored, import->zone);

	if (wanted == NULL && stored == NULL) {
		tool_error("there is no SOA record of \"%s\": is it that zone?", import->zone);
		return -1;
	}
	if (wanted == NULL || stored == NULL)
		return 0;
	if (keep_serial(wanted, stored) != 0) {
		tool_error("out of memory");
		return -1;
	}
	rr_list_sort(&import->wanted);
	return 0;
}

static int check_exists(const struct import *import)
{
	if (import->zone_id == 0 || import->settings->merge || import->settings->replace)
		return 0;
	tool_error("zone \"%s\" is there already: --merge adds to it, --replace makes it as it is "
		   "elsewhere",
		import->zone);
	return -1;
}

/* Judges records by themselves and among each other. Leaves the plan written in the transaction,
 * without what cannot be stored; whether that much is wanted is for the caller. */
static int make(struct import *import)
{
	size_t faults = 1;

	if (import_plan(import) != 0 || import_judge(import) != 0)
		return -1;
	while (faults > 0) {
		if (import_plan(import) != 0)
			return -1;
		progress_start(
			&import->progress, "storing", 2 * import->n_add, import->settings->quiet);
		int rc = import_write(import, &faults);
		progress_end(&import->progress);
		if (rc != 0)
			return -1;
	}
	return 0;
}

static void add_bad(struct buf *out, const struct rr *rr)
{
	if (rr->where != NULL)
		buf_printf(out, "%s: ", rr->where);
	if (*rr->name != '\0') {
		rr_add_text(out, rr);
		buf_add_str(out, ": ");
	}
	cell_add_escaped(out, rr->fault, strlen(rr->fault));
}

/* What cannot be stored, and why. */
static void tell_bad(const struct import *import, size_t n)
{
	size_t shown = 0;

	for (size_t i = 0; i < import->wanted.n && shown < BAD_SHOWN; i++) {
		struct buf line;
		if (import->wanted.items[i].fault == NULL)
			continue;
		buf_init(&line);
		add_bad(&line, &import->wanted.items[i]);
		tool_error("cannot be stored: %.*s", buf_failed(&line) ? 0 : (int)line.len,
			line.len > 0 ? line.data : "");
		buf_fini(&line);
		shown++;
	}
	if (n > shown)
		tool_error("and %zu more that cannot be stored", n - shown);
	if (!import->settings->skip_bad)
		tool_error("nothing is written; --skip-bad stores the others");
}

static void print_lines(char sign, struct rr *const *records, size_t n)
{
	struct buf line;

	buf_init(&line);
	for (size_t i = 0; i < n; i++) {
		buf_reset(&line, 65536);
		rr_add_text(&line, records[i]);
		(void)printf("%c %.*s\n", sign, (int)line.len, line.len > 0 ? line.data : "");
	}
	buf_fini(&line);
}

static int print_text(const struct import *import, size_t bad, bool is_done, bool is_new)
{
	if (!import->settings->yes) {
		print_lines('-', import->drop, import->n_drop);
		print_lines('+', import->add, import->n_add);
	}
	(void)printf("%s \"%s\": %zu added, %zu removed, %zu there already",
		is_new ? "new zone" : "zone", import->zone, import->n_add, import->n_drop,
		import->same);
	if (import->kept > 0)
		(void)printf(", %zu kept", import->kept);
	if (import->signing > 0)
		(void)printf(", %zu of DNSSEC left out", import->signing);
	if (bad > 0)
		(void)printf(", %zu cannot be stored", bad);
	(void)puts(is_done ? "" : "; nothing is written yet");
	if (!is_done && (bad == 0 || import->settings->skip_bad))
		(void)puts("--yes does it");
	return TOOL_OK;
}

static json_t *json_of(struct rr *const *records, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(array,
			json_pack("{s:s, s:I, s:s, s:s, s:b}", "name", records[i]->name, "ttl",
				(json_int_t)records[i]->ttl, "type", records[i]->type, "content",
				records[i]->content, "disabled", (int)records[i]->disabled));
	return array;
}

static json_t *json_of_bad(const struct import *import)
{
	json_t *array = json_array();

	for (size_t i = 0; i < import->wanted.n; i++) {
		const struct rr *rr = &import->wanted.items[i];
		if (rr->fault != NULL)
			(void)json_array_append_new(
				array, json_pack("{s:s, s:s, s:s, s:s?, s:s}", "name", rr->name,
					       "type", rr->type, "content", rr->content, "where",
					       rr->where, "reason", rr->fault));
	}
	return array;
}

static int print_json(const struct import *import, bool is_done, bool is_new)
{
	return tool_print_json(json_pack("{s:s, s:b, s:b, s:o, s:o, s:o, s:I, s:I, s:I}", "zone",
		import->zone, "new", (int)is_new, "written", (int)is_done, "add",
		json_of(import->add, import->n_add), "remove",
		json_of(import->drop, import->n_drop), "bad", json_of_bad(import), "same",
		(json_int_t)import->same, "kept", (json_int_t)import->kept, "signing",
		(json_int_t)import->signing));
}

/* Ends the transaction as the settings and the faults have it, and tells. */
static int finish(struct import *import, bool is_new)
{
	size_t bad = count_bad(import);
	bool is_stopped = bad > 0 && !import->settings->skip_bad;
	bool is_done = import->settings->yes && !is_stopped;

	if (db_exec(import->conn, is_done ? "COMMIT" : "ROLLBACK") != 0)
		return TOOL_FAILED;
	int rc = import->settings->common.json ? print_json(import, is_done, is_new)
					       : print_text(import, bad, is_done, is_new);
	if (bad > 0)
		tell_bad(import, bad);
	return is_stopped ? TOOL_FAILED : rc;
}

static int run_connected(struct import *import)
{
	if (import_begin(import) != 0 || check_exists(import) != 0)
		return TOOL_FAILED;
	bool is_new = import->zone_id == 0;
	if (fetch(import) != 0)
		return TOOL_FAILED;
	tidy(import);
	if (check_soa(import) != 0 || make(import) != 0)
		return TOOL_FAILED;
	return finish(import, is_new);
}

static const char *find_fault(const struct import_settings *settings)
{
	int sources = (settings->file != NULL) + (settings->axfr != NULL) + (settings->api != NULL);

	if (sources != 1)
		return "from where? One of --file, --axfr, --api";
	if (settings->api != NULL && settings->api_key == NULL)
		return "--api needs --api-key-file";
	if (settings->tsig_key != NULL && settings->axfr == NULL)
		return "--tsig-key-file is for --axfr";
	if (settings->merge && settings->replace)
		return "--merge and --replace: which?";
	if (strcmp(settings->kind, "NATIVE") != 0 && strcmp(settings->kind, "MASTER") != 0)
		return "--kind is NATIVE or MASTER";
	return NULL;
}

/* A zone's name as the store has it; owned. */
static char *stored_name(const char *name)
{
	size_t len = strlen(name);
	char *copy = strndup(name, len > 1 && name[len - 1] == '.' ? len - 1 : len);

	for (char *c = copy; c != NULL && *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

static int run_import(const void *arg, char **operands)
{
	struct import import = {.settings = arg};
	const char *fault = find_fault(import.settings);
	int rc = TOOL_FAILED;

	if (fault != NULL) {
		tool_error("%s; try \"csdns import --help\"", fault);
		return TOOL_USAGE;
	}
	cell_init();
	char *zone = stored_name(operands[0]);
	import.zone = zone;
	import.conn = zone != NULL ? db_connect(import.settings->common.db) : NULL;
	if (import.conn != NULL)
		rc = run_connected(&import);
	PQfinish(import.conn);
	rr_list_fini(&import.wanted);
	rr_list_fini(&import.stored);
	free(import.add);
	free(import.drop);
	free(zone);
	return rc;
}

static const struct tool_command commands[] = {
	{.name = "",
		.operands = "ZONE --file FILE | --axfr SERVER | --api URL",
		.min_operands = 1,
		.max_operands = 1,
		.run = run_import},
	{.name = NULL},
};

const struct tool_group tool_import[] = {
	{.name = "import",
		.help = "take over a zone from a file, a server or another PowerDNS",
		.commands = commands,
		.options = options,
		.settings_size = sizeof(struct import_settings)},
	{.name = NULL},
};
