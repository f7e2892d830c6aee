/*
 * pipe: joins PowerDNS' pipe connector, which speaks over standard input and output, to csdnsd's
 * Unix socket. One request at a time: it is sent, and its reply passed on as it comes.
 *
 * When csdnsd goes away, the request in hand is asked again on a new connection where that does no
 * harm; otherwise it gets a reply that says what has become of it. PowerDNS waits without a limit
 * (timeout=0), so every request gets a reply in bounded time. What that reply is, see ask_failed.
 */
#ifndef CSDNS_PIPE_PIPE_H
#define CSDNS_PIPE_PIPE_H

struct pipe_settings {
	const char *socket;    /* borrowed, as long as it runs */
	long timeout_ms;       /* for csdnsd to be there, and to begin the reply to a read */
	long write_timeout_ms; /* for anything else to be answered */
};

/* Until end of file. Returns 0 then; 1 when PowerDNS is better served by a new process: it does not
 * take its reply, or a long reply was cut. */
int pipe_run(const struct pipe_settings *settings, int in_fd, int out_fd)
	__attribute__((warn_unused_result));

#endif
