/*
 * import_api: a zone from another PowerDNS, over its HTTP API (doc.powerdns.com, "Zones endpoint").
 */
#include "base/utf8.h"
#include "tool/cell.h"
#include "tool/import.h"
#include "tool/server.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_S   10L
#define ANSWER_S    300L
#define ANSWER_MAX  ((size_t)512 * 1024 * 1024)
#define ERROR_SHOWN 200

/* A zone's id in the API: its name with the final dot, unusual octets as =XX. */
static void add_id(struct buf *out, const char *zone)
{
	for (; *zone != '\0'; zone++) {
		if (isalnum((unsigned char)*zone) || strchr(".-", *zone) != NULL)
			buf_add_char(out, *zone);
		else
			buf_printf(out, "=%02X", (unsigned)(unsigned char)*zone);
	}
	if (out->len > 0 && out->data[out->len - 1] != '.')
		buf_add_char(out, '.');
}

static void add_url(struct buf *out, const char *url, const char *zone)
{
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	buf_add(out, url, len);
	if (strstr(url, "/api/v1/servers/") == NULL)
		buf_add_str(out, "/api/v1/servers/localhost");
	buf_add_str(out, "/zones/");
	add_id(out, zone);
	buf_add_char(out, '\0');
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct buf *body = arg;

	if (body->len + size * n > ANSWER_MAX)
		return 0;
	buf_add(body, bytes, size * n);
	return buf_failed(body) ? 0 : size * n;
}

/* Sets what a request needs; false when memory is out. */
static bool set_up(CURL *curl, const char *url, const struct curl_slist *headers, struct buf *body,
	char *error)
{
	return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEDATA, body) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_TIMEOUT, ANSWER_S) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
}

/* What PowerDNS says of an error, for people. It may be anybody's text. */
static void tell_status(const char *url, long status, const struct buf *body)
{
	json_t *answer = json_loadb(body->data, body->len, 0, NULL);
	const char *why = json_string_value(json_object_get(answer, "error"));
	char start[ERROR_SHOWN];
	struct buf text;

	if (why == NULL)
		why = status == 401 ? "the key is not taken" : "no reason given";
	utf8_copy(start, sizeof(start), why);
	buf_init(&text);
	cell_add_escaped(&text, start, strlen(start));
	tool_error("%s: HTTP status %ld: %.*s", url, status, buf_failed(&text) ? 0 : (int)text.len,
		text.len > 0 ? text.data : "");
	buf_fini(&text);
	json_decref(answer);
}

/* 0 or -1 after telling. */
static int perform(const char *url, const struct curl_slist *headers, struct buf *body)
{
	char error[CURL_ERROR_SIZE] = "";
	long status = 0;
	CURL *curl = curl_easy_init();
	int rc = -1;

	if (curl == NULL || !set_up(curl, url, headers, body, error)) {
		tool_error("out of memory");
	} else {
		CURLcode code = curl_easy_perform(curl);
		(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		if (code != CURLE_OK)
			tool_error(
				"%s: %s", url, *error != '\0' ? error : curl_easy_strerror(code));
		else if (status != 200)
			tell_status(url, status, body);
		else
			rc = 0;
	}
	curl_easy_cleanup(curl);
	return rc;
}

static int fetch(const char *url, const char *key_file, struct buf *body)
{
	char *key = server_secret_read(key_file);
	char *header = NULL;
	int rc = -1;

	if (key == NULL)
		return -1;
	if (asprintf(&header, "X-API-Key: %s", key) < 0)
		header = NULL;
	struct curl_slist *headers = header != NULL ? curl_slist_append(NULL, header) : NULL;
	if (headers == NULL)
		tool_error("out of memory");
	else
		rc = perform(url, headers, body);
	curl_slist_free_all(headers);
	if (header != NULL)
		explicit_bzero(header, strlen(header));
	explicit_bzero(key, strlen(key));
	free(header);
	free(key);
	return rc;
}

/* One record set; -1 when memory is out or it is none. */
static int add_rrset(struct rr_list *list, const json_t *rrset)
{
	const char *name = json_string_value(json_object_get(rrset, "name"));
	const char *type = json_string_value(json_object_get(rrset, "type"));
	json_int_t ttl = json_integer_value(json_object_get(rrset, "ttl"));
	const json_t *records = json_object_get(rrset, "records");

	if (name == NULL || type == NULL || !json_is_array(records) || ttl < 0 || ttl > INT32_MAX)
		return -1;
	for (size_t i = 0; i < json_array_size(records); i++) {
		const json_t *record = json_array_get(records, i);
		const char *content = json_string_value(json_object_get(record, "content"));
		struct rr *rr = content != NULL
					? rr_list_add_text(list, name, (uint32_t)ttl, type, content)
					: NULL;
		if (rr == NULL)
			return -1;
		rr->disabled = json_is_true(json_object_get(record, "disabled"));
	}
	return 0;
}

static int add_all(const char *url, const struct buf *body, struct rr_list *list)
{
	json_error_t why;
	json_t *zone = json_loadb(body->data, body->len, 0, &why);
	const json_t *rrsets = json_object_get(zone, "rrsets");
	int rc = json_is_array(rrsets) ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < json_array_size(rrsets); i++)
		rc = add_rrset(list, json_array_get(rrsets, i));
	if (rc != 0)
		tool_error("%s: the answer is not a zone of PowerDNS' API", url);
	json_decref(zone);
	return rc;
}

int import_api(const char *zone, const char *url, const char *key_file, struct rr_list *list)
{
	struct buf address;
	struct buf body;
	int rc = -1;

	buf_init(&address);
	buf_init(&body);
	add_url(&address, url, zone);
	if (buf_failed(&address) || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		tool_error("out of memory");
	else if (fetch(address.data, key_file, &body) == 0)
		rc = add_all(address.data, &body, list);
	buf_fini(&body);
	buf_fini(&address);
	return rc;
}
