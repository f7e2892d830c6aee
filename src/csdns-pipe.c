/*
 * csdns-pipe: the coprocess of PowerDNS' pipe connector. Options, then the pipe.
 */
#include "config.h"

#include "base/log.h"
#include "base/option_entries.h"
#include "pipe/pipe.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct settings {
	char *socket;
	long timeout_ms;
	long write_timeout_ms;
	bool help;
	bool version;
};

#define FIELD(field) offsetof(struct settings, field)

static const struct option_spec specs[] = {
	{.name = "socket",
		.type = OPTION_STRING,
		.offset = FIELD(socket),
		.value = "PATH",
		.initial = "/run/csdns/csdnsd.sock",
		.help = "the Unix socket that csdnsd listens on"},
	{.name = "timeout",
		.type = OPTION_SECONDS,
		.offset = FIELD(timeout_ms),
		.value = "TIME",
		.initial = "2s",
		.min = 1,
		.max = 3600000,
		.help = "how long a request waits for csdnsd to be there, and a read for its reply "
			"to go on"},
	{.name = "write-timeout",
		.type = OPTION_SECONDS,
		.offset = FIELD(write_timeout_ms),
		.value = "TIME",
		.initial = "60s",
		.min = 1,
		.max = 86400000,
		.help = "the same for the reply to a write, and inside of a transaction"},
	OPTION_ENTRY_HELP(FIELD(help)),
	OPTION_ENTRY_VERSION(FIELD(version)),
	{.name = NULL},
};

#define SPECS (sizeof(specs) / sizeof(specs[0]))

static int parse(struct settings *settings, int argc, char **argv, struct option_error *error)
{
	bool seen[SPECS] = {false};

	if (options_init(specs, settings) < 0) {
		(void)snprintf(error->text, sizeof(error->text), "out of memory");
		return -1;
	}
	return options_parse_without_operands(specs, settings, seen, argc, argv, error);
}

static void print_help(void)
{
	printf("Usage: csdns-pipe [OPTION]...\n"
	       "Joins PowerDNS' pipe connector to csdnsd. PowerDNS starts it:\n"
	       "remote-connection-string=pipe:command=/usr/bin/csdns-pipe,timeout=0\n\n"
	       "Options:\n");
	options_print_help(specs);
	printf("\nManual: csdns-pipe(8).\n");
}

static int join(const struct settings *settings)
{
	struct pipe_settings pipe = {
		.socket = settings->socket,
		.timeout_ms = settings->timeout_ms,
		.write_timeout_ms = settings->write_timeout_ms,
	};

	/* PowerDNS passes on what it has open: its own sockets, and its ends of other coprocesses'
	 * pipes, which would not see that it ends. */
	closefrom(STDERR_FILENO + 1);
	(void)signal(SIGPIPE, SIG_IGN);
	return pipe_run(&pipe, STDIN_FILENO, STDOUT_FILENO) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct settings settings = {0};
	struct option_error error;
	int status = EXIT_SUCCESS;

	log_init("csdns-pipe");
	if (parse(&settings, argc, argv, &error) < 0) {
		(void)fprintf(stderr, "csdns-pipe: %s\n", error.text);
		status = 2;
	} else if (settings.help) {
		print_help();
	} else if (settings.version) {
		printf("csdns-pipe %s\n", PACKAGE_VERSION);
	} else {
		status = join(&settings);
	}
	options_fini(specs, &settings);
	return status;
}
