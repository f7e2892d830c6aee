/*
 * directBackendCmd: what `pdnsutil backend-cmd` says to csdnsd.
 */
#include "config.h"

#include "base/json_text.h"
#include "protocol/call.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void command_status(const struct protocol *protocol, struct buf *text)
{
	if (protocol->status != NULL)
		protocol->status(protocol->arg, text);
}

static void command_version(const struct protocol *protocol, struct buf *text)
{
	(void)protocol;
	buf_add_str(text, "csdns " PACKAGE_VERSION "\n");
}

static void command_reload(const struct protocol *protocol, struct buf *text)
{
	if (protocol->reload != NULL)
		protocol->reload(protocol->arg);
	buf_add_str(text, protocol->reload != NULL ? "loading the store again\n"
						   : "there is nothing to load\n");
}

static void command_help(const struct protocol *protocol, struct buf *text);

static const struct command {
	const char *name;
	void (*fn)(const struct protocol *protocol, struct buf *text);
	const char *what;
} commands[] = {
	{"help", command_help, "this text"},
	{"version", command_version, "the version of csdns"},
	{"status", command_status, "how csdnsd is: its database, its mirror, its connections"},
	{"reload", command_reload, "load the whole store again; it is answered from meanwhile"},
};

static void command_help(const struct protocol *protocol, struct buf *text)
{
	(void)protocol;
	for (size_t i = 0; i < COUNT(commands); i++)
		buf_printf(text, "%-8s %s\n", commands[i].name, commands[i].what);
}

/* A command that is not known gets the help. */
static const struct command *command_find(struct text query)
{
	for (size_t i = 0; i < COUNT(commands); i++)
		if (query.len == strlen(commands[i].name) &&
			memcmp(query.at, commands[i].name, query.len) == 0)
			return &commands[i];
	return &commands[0];
}

void method_direct_backend_cmd(struct call *call)
{
	struct text query;
	struct buf text;

	if (!call_text(call, "query", &query))
		return;
	buf_init(&text);
	command_find(query)->fn(call->protocol, &text);
	BUF_ADD_LIT(call->reply, "{\"result\":\"");
	json_text_add(call->reply, text.data, text.len);
	BUF_ADD_LIT(call->reply, "\"}\n");
	call->reply->failed |= buf_failed(&text);
	buf_fini(&text);
}
