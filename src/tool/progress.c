#include "tool/progress.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIRST_MS 500 /* shorter work shows nothing */
#define NEXT_MS	 100
#define BAR	 30 /* columns */

void progress_start(struct progress *progress, const char *what, uint64_t total, bool quiet)
{
	*progress = (struct progress){
		.what = what,
		.total = total,
		.drawn_ms = clock_ms(),
		.is_wanted = !quiet && isatty(STDERR_FILENO),
	};
}

static void draw(struct progress *progress)
{
	char bar[BAR + 1];

	if (progress->total == 0) {
		(void)fprintf(stderr, "\r%s %" PRIu64, progress->what, progress->done);
		return;
	}
	uint64_t done = progress->done < progress->total ? progress->done : progress->total;
	size_t full = (size_t)(done * BAR / progress->total);
	memset(bar, '#', full);
	memset(bar + full, '.', BAR - full);
	bar[BAR] = '\0';
	(void)fprintf(stderr, "\r%s [%s] %3u%% %" PRIu64 "/%" PRIu64, progress->what, bar,
		(unsigned)(done * 100 / progress->total), done, progress->total);
}

void progress_add(struct progress *progress, uint64_t n)
{
	progress->done += n;
	if (!progress->is_wanted)
		return;
	int64_t now = clock_ms();
	if (now - progress->drawn_ms < (progress->is_drawn ? NEXT_MS : FIRST_MS))
		return;
	draw(progress);
	(void)fflush(stderr);
	progress->drawn_ms = now;
	progress->is_drawn = true;
}

void progress_end(struct progress *progress)
{
	if (progress->is_drawn) {
		(void)fputs("\r\033[K", stderr);
		(void)fflush(stderr);
	}
	progress->is_drawn = false;
	progress->is_wanted = false;
}
