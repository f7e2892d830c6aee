#include "tool/rr.h"

#include "tool/cell.h"
#include "tool/zone_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_ALIAS 65401 /* PowerDNS' own */

void rr_list_init(struct rr_list *list)
{
	*list = (struct rr_list){.items = NULL};
}

static void rr_fini(struct rr *rr)
{
	free(rr->name);
	free(rr->type);
	free(rr->content);
	free(rr->key);
	free(rr->fault);
	free(rr->where);
}

void rr_list_fini(struct rr_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		rr_fini(&list->items[i]);
	free(list->items);
	rr_list_init(list);
}

static bool is_whole(const struct rr *rr)
{
	return rr->name != NULL && rr->type != NULL && rr->content != NULL && rr->key != NULL;
}

/* Takes over what the record owns, also when it fails. */
static struct rr *append(struct rr_list *list, struct rr *rr)
{
	if (list->n == list->cap && is_whole(rr)) {
		size_t cap = list->cap > 0 ? list->cap * 2 : 64;
		struct rr *items = reallocarray(list->items, cap, sizeof(*items));
		if (items != NULL) {
			list->items = items;
			list->cap = cap;
		}
	}
	if (list->n == list->cap || !is_whole(rr)) {
		rr_fini(rr);
		return NULL;
	}
	list->items[list->n] = *rr;
	return &list->items[list->n++];
}

static char *copy_or_null(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

/* The text of a buffer, owned by the caller; NULL when memory is out. */
static char *text_of(struct buf *buf)
{
	buf_add_char(buf, '\0');
	char *text = buf_failed(buf) ? NULL : strdup(buf->data);
	buf_fini(buf);
	return text;
}

static void add_label(struct buf *out, const uint8_t *label, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = (char)tolower(label[i]);
		if (label[i] <= 0x20 || label[i] >= 0x7f)
			buf_printf(out, "\\%03u", (unsigned)label[i]);
		else if (c == '.' || c == '\\')
			buf_printf(out, "\\%c", c);
		else
			buf_add_char(out, c);
	}
}

/* A name as PowerDNS spells it in its tables. */
static char *name_text(const ldns_rdf *name)
{
	const uint8_t *at = ldns_rdf_data(name);
	const uint8_t *end = at + ldns_rdf_size(name);
	struct buf out;

	buf_init(&out);
	while (at<end && * at> 0) {
		if (out.len > 0)
			buf_add_char(&out, '.');
		add_label(&out, at + 1, *at);
		at += *at + 1;
	}
	if (out.len == 0)
		buf_add_char(&out, '.');
	return text_of(&out);
}

static void add_field(struct buf *out, const ldns_rdf *field)
{
	char *text = ldns_rdf2str(field);

	if (text == NULL) {
		out->failed = true;
		return;
	}
	size_t len = strlen(text);
	if (ldns_rdf_get_type(field) == LDNS_RDF_TYPE_DNAME && len > 1 && text[len - 1] == '.')
		len--;
	if (out->len > 0 && len > 0)
		buf_add_char(out, ' ');
	buf_add(out, text, len);
	free(text);
}

static char *content_text(const ldns_rr *rr)
{
	struct buf out;

	buf_init(&out);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		add_field(&out, ldns_rr_rdf(rr, i));
	while (out.len > 0 && out.data[out.len - 1] == ' ')
		out.len--;
	return text_of(&out);
}

static char *key_of(const ldns_rr *rr)
{
	ldns_rr *canonical = ldns_rr_clone(rr);
	ldns_buffer *wire = ldns_buffer_new(LDNS_MAX_PACKETLEN);
	struct buf out;

	buf_init(&out);
	if (canonical != NULL && wire != NULL) {
		ldns_rr2canonical(canonical);
		if (ldns_rr_rdata2buffer_wire(wire, canonical) != LDNS_STATUS_OK)
			out.failed = true;
		for (size_t i = 0; i < ldns_buffer_position(wire); i++)
			buf_printf(&out, "%02x", (unsigned)*ldns_buffer_at(wire, i));
	} else {
		out.failed = true;
	}
	ldns_buffer_free(wire);
	ldns_rr_free(canonical);
	return text_of(&out);
}

/* A name in text as PowerDNS spells it, or as it is where it is none. Owned. */
static char *spell_name(const char *name)
{
	ldns_rdf *rdf = ldns_dname_new_frm_str(name);
	char *text = rdf != NULL ? name_text(rdf) : strdup(name);

	ldns_rdf_deep_free(rdf);
	return text;
}

/* The same with a sign that it is no rdata. Owned. */
static char *key_of_text(const char *content)
{
	char *key = NULL;

	return asprintf(&key, "=%s", content) < 0 ? NULL : key;
}

/* A record that ldns does not know: by its text. */
static struct rr *add_raw(
	struct rr_list *list, const char *name, uint32_t ttl, const char *type, const char *content)
{
	bool is_name = strcmp(type, "ALIAS") == 0;
	struct rr new = {
		.name = spell_name(name),
		.type = strdup(type),
		.content = is_name ? spell_name(content) : strdup(content),
		.ttl = ttl,
	};

	if (new.content != NULL)
		new.key = key_of_text(new.content);
	return append(list, &new);
}

/* PowerDNS' ALIAS, which ldns does not know, comes with a name in wire form. */
static struct rr *add_alias(struct rr_list *list, const ldns_rr *rr)
{
	const ldns_rdf *data = ldns_rr_rdf(rr, 0);
	ldns_rdf *name = NULL;
	size_t at = 0;
	struct rr *added = NULL;

	if (ldns_wire2dname(&name, ldns_rdf_data(data), ldns_rdf_size(data), &at) != LDNS_STATUS_OK)
		return NULL;
	char *owner = name_text(ldns_rr_owner(rr));
	char *target = name_text(name);
	if (owner != NULL && target != NULL)
		added = add_raw(list, owner, ldns_rr_ttl(rr), "ALIAS", target);
	ldns_rdf_deep_free(name);
	free(owner);
	free(target);
	return added;
}

struct rr *rr_list_add(struct rr_list *list, const ldns_rr *rr, const char *where)
{
	if (ldns_rr_get_type(rr) == TYPE_ALIAS && ldns_rr_rd_count(rr) == 1)
		return add_alias(list, rr);
	struct rr new = {
		.name = name_text(ldns_rr_owner(rr)),
		.type = ldns_rr_type2str(ldns_rr_get_type(rr)),
		.content = content_text(rr),
		.key = key_of(rr),
		.where = copy_or_null(where),
		.ttl = ldns_rr_ttl(rr),
	};

	return append(list, &new);
}

/* NULL where ldns does not know it. */
static ldns_rr *parse(const char *name, uint32_t ttl, const char *type, const char *content)
{
	size_t len = strlen(name);
	char ttl_text[16];
	char *bare = strndup(name, len > 1 && name[len - 1] == '.' ? len - 1 : len);
	ldns_rdf *root = ldns_dname_new_frm_str(".");
	ldns_rr *rr = NULL;
	struct buf line;

	(void)snprintf(ttl_text, sizeof(ttl_text), "%" PRIu32, ttl);
	buf_init(&line);
	if (bare != NULL && root != NULL)
		zone_text_add(&line, bare, ttl_text, type, content);
	if (line.len > 0 && !buf_failed(&line))
		line.data[line.len - 1] = '\0'; /* ldns takes a line end for more text */
	if (line.len > 0 && !buf_failed(&line) &&
		ldns_rr_new_frm_str(&rr, line.data, ttl, root, NULL) != LDNS_STATUS_OK)
		rr = NULL;
	buf_fini(&line);
	ldns_rdf_deep_free(root);
	free(bare);
	return rr;
}

struct rr *rr_list_add_text(
	struct rr_list *list, const char *name, uint32_t ttl, const char *type, const char *content)
{
	ldns_rr *rr = parse(name, ttl, type, content);

	if (rr == NULL)
		return add_raw(list, name, ttl, type, content);
	struct rr *added = rr_list_add(list, rr, NULL);
	ldns_rr_free(rr);
	return added;
}

struct rr *rr_list_add_bad(struct rr_list *list, const char *name, const char *type,
	const char *content, const char *where, const char *fault)
{
	struct rr new = {
		.name = strdup(name),
		.type = strdup(type),
		.content = strdup(content),
		.key = strdup(""),
		.where = copy_or_null(where),
		.fault = strdup(fault),
	};
	bool is_bad = new.fault == NULL;
	struct rr *added = append(list, &new);

	return is_bad ? NULL : added;
}

int rr_compare(const struct rr *a, const struct rr *b)
{
	int rc = strcmp(a->name, b->name);

	if (rc == 0)
		rc = strcmp(a->type, b->type);
	return rc != 0 ? rc : strcmp(a->key, b->key);
}

static int compare_items(const void *a, const void *b)
{
	return rr_compare(a, b);
}

void rr_list_sort(struct rr_list *list)
{
	if (list->n > 1)
		qsort(list->items, list->n, sizeof(*list->items), compare_items);
}

bool rr_is_signing(const char *type)
{
	static const char *const types[] = {
		"RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "CDNSKEY", "CDS"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(type, types[i]) == 0)
			return true;
	}
	return false;
}

void rr_add_text(struct buf *out, const struct rr *rr)
{
	cell_add_escaped(out, rr->name, strlen(rr->name));
	buf_printf(out, " %" PRIu32 " %s ", rr->ttl, rr->type);
	cell_add_escaped(out, rr->content, strlen(rr->content));
	if (rr->disabled)
		buf_add_str(out, " (disabled)");
}

int rr_set_fault(struct rr *rr, const char *fault)
{
	char *copy = strdup(fault);

	free(rr->fault);
	rr->fault = copy;
	return copy != NULL ? 0 : -1;
}
