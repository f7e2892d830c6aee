/*
 * without_ldns: the commands that need ldns, where csdns was built without it.
 */
#include "tool/tool.h"

static int refuse(const struct tool_group *group, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	tool_error("this csdns was built without ldns, and \"csdns %s\" needs it (configure "
		   "--with-ldns)",
		group->name);
	return TOOL_FAILED;
}

const struct tool_group tool_import[] = {
	{.name = "import", .help = "not in this csdns: built without ldns", .run = refuse},
	{.name = NULL},
};

const struct tool_group tool_verify[] = {
	{.name = "verify", .help = "not in this csdns: built without ldns", .run = refuse},
	{.name = NULL},
};
