/*
 * csdns: the operator's command. The groups of commands are in src/tool, one file each.
 */
#include "tool/tool.h"

int main(int argc, char **argv)
{
	static const struct tool_group *const groups[] = {&tool_schema, NULL};

	return tool_main(groups, argc, argv);
}
