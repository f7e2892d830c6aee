/*
 * import_file: a zone file, read by ldns record by record, so that each line that it cannot read is
 * told and the others are read.
 */
#include "tool/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What goes on from record to record. */
struct zone_file {
	FILE *file;
	ldns_rdf *origin;
	ldns_rdf *owner;
	uint32_t ttl;
	int line;
};

static const char *reason(ldns_status status)
{
	if (status == LDNS_STATUS_SYNTAX_INCLUDE_ERR_NOTIMPL ||
		status == LDNS_STATUS_SYNTAX_INCLUDE)
		return "$INCLUDE is not followed";
	return ldns_get_errorstr_by_id(status);
}

static int add_bad(struct rr_list *list, const char *where, ldns_status status)
{
	return rr_list_add_bad(list, "", "", "", where, reason(status)) != NULL ? 0 : -1;
}

/* One record, directive or empty line. 0 or -1 when memory is out. */
static int read_one(struct zone_file *zone, struct rr_list *list, struct progress *progress)
{
	ldns_rr *rr = NULL;
	char where[32];

	ldns_status status = ldns_rr_new_frm_fp_l(
		&rr, zone->file, &zone->ttl, &zone->origin, &zone->owner, &zone->line);
	(void)snprintf(where, sizeof(where), "line %d", zone->line);
	switch (status) {
	case LDNS_STATUS_OK:
		break;
	case LDNS_STATUS_SYNTAX_EMPTY:
	case LDNS_STATUS_SYNTAX_TTL:
	case LDNS_STATUS_SYNTAX_ORIGIN:
		return 0;
	default:
		return add_bad(list, where, status);
	}
	int rc = rr_list_add(list, rr, where) != NULL ? 0 : -1;
	ldns_rr_free(rr);
	progress_add(progress, 1);
	return rc;
}

static int read_all(struct zone_file *zone, struct rr_list *list, struct progress *progress)
{
	int c;

	while ((c = fgetc(zone->file)) != EOF) {
		(void)ungetc(c, zone->file);
		if (read_one(zone, list, progress) != 0) {
			tool_error("out of memory");
			return -1;
		}
	}
	return 0;
}

int import_file(const char *zone, const char *path, struct rr_list *list, struct progress *progress)
{
	bool is_input = strcmp(path, "-") == 0;
	struct zone_file in = {
		.file = is_input ? stdin : fopen(path, "re"), .ttl = 3600, .line = 0};

	if (in.file == NULL) {
		tool_error("could not open \"%s\": %s", path, strerror(errno));
		return -1;
	}
	in.origin = ldns_dname_new_frm_str(zone);
	int rc = in.origin != NULL ? read_all(&in, list, progress) : -1;
	if (in.origin == NULL)
		tool_error("\"%s\" is not the name of a zone", zone);
	if (rc == 0 && ferror(in.file)) {
		tool_error("could not read \"%s\": %s", path, strerror(errno));
		rc = -1;
	}
	ldns_rdf_deep_free(in.origin);
	ldns_rdf_deep_free(in.owner);
	if (!is_input)
		(void)fclose(in.file);
	return rc;
}
