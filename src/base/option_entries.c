#include "base/option_entries.h"

#include "base/log.h"

#include <stdio.h>

int option_entry_check_log_level(const char *text, struct option_error *error)
{
	enum log_level level;

	if (log_level_parse(text, &level))
		return 0;
	(void)snprintf(error->text, sizeof(error->text),
		"could not use log-level \"%.200s\": it is error, warning, notice, info or debug",
		text);
	return -1;
}
