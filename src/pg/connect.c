#include "pg/connect.h"

#include "base/thread.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* For each host, where the connection string has no connect_timeout; seconds. */
#define CONNECT_S "5"

struct connect {
	atomic_int owners; /* the loop and the thread; the last one frees */
	int fd;
	char *db;
	char *name;
	bool is_writable;
	PGconn *conn; /* the thread's until fd is readable */
};

static void drop(struct connect *connect)
{
	if (atomic_fetch_sub(&connect->owners, 1) > 1)
		return;
	PQfinish(connect->conn);
	(void)close(connect->fd);
	free(connect->db);
	free(connect->name);
	free(connect);
}

static void *run(void *arg)
{
	static const uint64_t one = 1;
	struct connect *connect = arg;
	/* What comes before the connection string is a default, what comes after it wins. */
	const char *keywords[] = {"connect_timeout", "fallback_application_name", "dbname",
		"client_encoding", connect->is_writable ? "target_session_attrs" : NULL, NULL};
	const char *values[] = {CONNECT_S, connect->name, connect->db, "UTF8", "read-write", NULL};

	connect->conn = PQconnectdbParams(keywords, values, 1);
	/* It cannot be full. */
	ssize_t n = write(connect->fd, &one, sizeof(one));
	(void)n;
	drop(connect);
	return NULL;
}

struct connect *connect_start(const struct pg_target *target)
{
	struct connect *connect = calloc(1, sizeof(*connect));

	if (connect == NULL)
		return NULL;
	atomic_init(&connect->owners, 1);
	connect->db = strdup(target->db);
	connect->name = strdup(target->name);
	connect->is_writable = target->is_writable;
	connect->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (connect->db != NULL && connect->name != NULL && connect->fd >= 0) {
		atomic_store(&connect->owners, 2);
		if (thread_start(run, connect) == 0)
			return connect;
		atomic_store(&connect->owners, 1);
	}
	drop(connect);
	return NULL;
}

int connect_fd(const struct connect *connect)
{
	return connect->fd;
}

PGconn *connect_take(struct connect *connect)
{
	PGconn *conn = connect->conn;

	connect->conn = NULL;
	drop(connect);
	return conn;
}

void connect_abandon(struct connect *connect)
{
	drop(connect);
}
