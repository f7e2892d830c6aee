#include "base/process_metrics.h"

#include "base/metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Fields of /proc/self/stat behind the program's name, the first of which is number 3. */
enum { FIELD_FIRST = 3, FIELD_UTIME = 14, FIELD_STIME = 15, FIELD_START = 22, FIELD_RSS = 24 };

/* false when the file is not as proc(5) says. */
static bool read_stat(uint64_t fields[FIELD_RSS + 1])
{
	char line[1024];
	FILE *file = fopen("/proc/self/stat", "re");

	if (file == NULL)
		return false;
	char *at = fgets(line, sizeof(line), file);
	(void)fclose(file);
	at = at == NULL ? NULL : strrchr(line, ')');
	for (int i = FIELD_FIRST; at != NULL && i <= FIELD_RSS; i++) {
		at = strchr(at + 1, ' ');
		if (at != NULL)
			fields[i] = strtoull(at + 1, NULL, 10);
	}
	return at != NULL;
}

/* Seconds since 1970 at which the machine started; 0 when it is not known. */
static uint64_t boot_time(void)
{
	FILE *file = fopen("/proc/stat", "re");
	char line[256];
	uint64_t seconds = 0;

	while (file != NULL && seconds == 0 && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "btime ", 6) == 0)
			seconds = strtoull(line + 6, NULL, 10);
	if (file != NULL)
		(void)fclose(file);
	return seconds;
}

static uint64_t count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (dir == NULL)
		return 0;
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		n += entry->d_name[0] != '.';
	(void)closedir(dir);
	return n - 1; /* but for the one that reads them */
}

static void add_ticks(const struct metric *metric, uint64_t ticks, uint64_t base_s)
{
	uint64_t hertz = (uint64_t)sysconf(_SC_CLK_TCK);

	metric_add_us(metric, NULL, (int64_t)(base_s * 1000000 + ticks * 1000000 / hertz));
}

static void stat_metrics(struct buf *out)
{
	uint64_t fields[FIELD_RSS + 1];
	uint64_t boot = boot_time();

	if (!read_stat(fields))
		return;
	struct metric cpu = metric_counter(
		out, "process_cpu_seconds_total", "Time of the CPU that the process has used.");
	add_ticks(&cpu, fields[FIELD_UTIME] + fields[FIELD_STIME], 0);
	metrics_gauge(out, "process_resident_memory_bytes", "Memory of the process that is in RAM.",
		fields[FIELD_RSS] * (uint64_t)sysconf(_SC_PAGESIZE));
	if (boot == 0)
		return;
	struct metric start = metric_gauge(out, "process_start_time_seconds",
		"When the process was started, in seconds since 1970.");
	add_ticks(&start, fields[FIELD_START], boot);
}

void process_metrics(struct buf *out)
{
	struct rlimit limit;

	stat_metrics(out);
	metrics_gauge(out, "process_open_fds", "Descriptors that are open.", count_descriptors());
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		metrics_gauge(out, "process_max_fds", "Descriptors that may be open.",
			(uint64_t)limit.rlim_cur);
}
