/*
 * progress: a bar on standard error for work that takes long. Nothing is shown where standard error
 * is no terminal, or before half a second has passed.
 */
#ifndef CSDNS_TOOL_PROGRESS_H
#define CSDNS_TOOL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what; /* "exporting"; borrowed */
	uint64_t total;	  /* 0: not known */
	uint64_t done;
	int64_t drawn_ms; /* when it was drawn last, or began; clock_ms() */
	bool is_wanted;
	bool is_drawn; /* something stands on the line */
};

/* quiet: never shows anything. */
void progress_start(struct progress *progress, const char *what, uint64_t total, bool quiet);
void progress_add(struct progress *progress, uint64_t n);
/* Takes the bar away; to be called before anything else is printed. */
void progress_end(struct progress *progress);

#endif
