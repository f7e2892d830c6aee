/*
 * csdns: the operator's command. The groups of commands are in src/tool.
 */
#include "tool/tool.h"
#include "tool/verb.h"

int main(int argc, char **argv)
{
	static const struct tool_group *const lists[] = {verb_groups, tool_sync, tool_events,
		tool_export, tool_import, tool_verify, tool_schema, NULL};

	return tool_main(lists, argc, argv);
}
