/*
 * hosts: which of several hosts is tried first. libpq tries them in their order, and goes on to the
 * next only when one refuses; for one that does not answer at all it would wait for ever, and the
 * next attempt would begin with it again. So whoever gives up on an attempt has the first host put
 * at the end.
 */
#ifndef CSDNS_PG_HOSTS_H
#define CSDNS_PG_HOSTS_H

#include <libpq-fe.h>

struct hosts {
	char *db;   /* the connection string that the order is for */
	char *host; /* this and what follows: NULL where the connection string decides */
	char *hostaddr;
	char *port;
};

/* Most keywords of hosts_get. */
#define HOSTS_KEYWORDS 3

/* For an attempt to connect to db: another one than the last time begins with its own order. */
void hosts_begin(struct hosts *hosts, const char *db);
/* After an attempt that conn made in vain. Where memory is out nothing changes. */
void hosts_rotate(struct hosts *hosts, PGconn *conn);
/* Back to the connection string's own order; also frees what it holds. */
void hosts_forget(struct hosts *hosts);
/* Writes keywords and values for PQconnectStartParams, borrowed; returns how many. */
int hosts_get(const struct hosts *hosts, const char **keywords, const char **values);

#endif
