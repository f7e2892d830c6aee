#include "http/reply.h"

#include "base/json_text.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

static void add_header(struct evhttp_request *request, const char *name, const char *value)
{
	(void)evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

void reply_send(struct evhttp_request *request, int status, const char *content_type,
	const struct buf *body)
{
	struct evbuffer *out = evhttp_request_get_output_buffer(request);
	bool is_head = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
	char length[24];

	/* evhttp would send the body of an answer to HEAD. */
	if (buf_failed(body) || (!is_head && evbuffer_add(out, body->data, body->len) < 0)) {
		evhttp_send_reply(request, HTTP_INTERNAL, NULL, NULL);
		return;
	}
	(void)snprintf(length, sizeof(length), "%zu", body->len);
	add_header(request, "Content-Length", length);
	add_header(request, "Content-Type", content_type);
	evhttp_send_reply(request, status, NULL, NULL);
}

void reply_error(struct evhttp_request *request, int status, const char *why)
{
	struct buf body;

	buf_init(&body);
	BUF_ADD_LIT(&body, "{\"success\":false,\"error\":\"");
	json_text_add(&body, why, strlen(why));
	BUF_ADD_LIT(&body, "\"}\n");
	reply_send(request, status, "application/json", &body);
	buf_fini(&body);
}

void reply_not_allowed(struct evhttp_request *request, const char *methods)
{
	add_header(request, "Allow", methods);
	reply_error(request, HTTP_BADMETHOD, "this method is not for this address");
}

const char *request_path(const struct evhttp_request *request)
{
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));

	return path == NULL || path[0] == '\0' ? "/" : path;
}

bool request_query(const struct evhttp_request *request, struct evkeyvalq *query)
{
	const char *text = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));

	TAILQ_INIT(query);
	if (text == NULL || text[0] == '\0')
		return true;
	/* A decoded value would end there, and mean something else. */
	if (strstr(text, "%00") != NULL)
		return false;
	return evhttp_parse_query_str(text, query) == 0;
}
