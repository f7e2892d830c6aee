#include "config.h"

#include "serve/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define BACKLOG 512

static int fail(char *error, size_t size, const char *what, const char *value, const char *why)
{
	(void)snprintf(error, size, "could not %s \"%s\": %s", what, value, why);
	return -1;
}

static bool parse_number(const char *text, unsigned long *number)
{
	char *end;

	errno = 0;
	*number = strtoul(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && text[0] != '-' &&
	       *number <= 0xfffffffeUL;
}

bool user_find(const char *name, uid_t *uid)
{
	const struct passwd *entry = getpwnam(name);
	unsigned long number;

	if (entry != NULL)
		*uid = entry->pw_uid;
	else if (parse_number(name, &number))
		*uid = (uid_t)number;
	else
		return false;
	return true;
}

static bool group_find(const char *name, gid_t *gid)
{
	const struct group *entry = getgrnam(name);
	unsigned long number;

	if (entry != NULL)
		*gid = entry->gr_gid;
	else if (parse_number(name, &number))
		*gid = (gid_t)number;
	else
		return false;
	return true;
}

/* What connecting to a socket says of it. Only one that nobody listens on any more is refused so.
 */
static int connect_error(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return errno;
	int error =
		connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;
	(void)close(fd);
	return error;
}

/* A file that an earlier process left behind is removed. 0, or -1 with the reason. */
static int remove_stale(const struct sockaddr_un *address, char *error, size_t size)
{
	struct stat file;

	if (lstat(address->sun_path, &file) < 0)
		return 0;
	if (!S_ISSOCK(file.st_mode))
		return fail(
			error, size, "listen on", address->sun_path, "it is there and no socket");
	int why = connect_error(address);
	/* EAGAIN: its queue is full. */
	if (why == 0 || why == EAGAIN)
		return fail(error, size, "listen on", address->sun_path, "another process does");
	if (why != ECONNREFUSED && why != ENOENT)
		return fail(
			error, size, "find out who listens on", address->sun_path, strerror(why));
	if (unlink(address->sun_path) < 0 && errno != ENOENT)
		return fail(error, size, "remove", address->sun_path, strerror(errno));
	return 0;
}

static int set_access(const struct listener_settings *settings, char *error, size_t size)
{
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;

	if (settings->owner != NULL && !user_find(settings->owner, &uid))
		return fail(error, size, "find user", settings->owner, "no such user");
	if (settings->group != NULL && !group_find(settings->group, &gid))
		return fail(error, size, "find group", settings->group, "no such group");
	if ((uid != (uid_t)-1 || gid != (gid_t)-1) && chown(settings->path, uid, gid) < 0)
		return fail(error, size, "change the owner of", settings->path, strerror(errno));
	if (chmod(settings->path, settings->mode) < 0)
		return fail(error, size, "change the mode of", settings->path, strerror(errno));
	return 0;
}

int listener_open(const struct listener_settings *settings, char *error, size_t size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(settings->path);

	if (len == 0 || len >= sizeof(address.sun_path))
		return fail(error, size, "listen on", settings->path,
			"a socket's path has 1 to 107 octets");
	memcpy(address.sun_path, settings->path, len + 1);
	if (remove_stale(&address, error, size) < 0)
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(error, size, "make socket", settings->path, strerror(errno));
	/* Nobody can connect before owner and mode are right. */
	mode_t mask = umask(0777);
	int rc = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	(void)umask(mask);
	if (rc < 0) {
		(void)fail(error, size, "listen on", settings->path, strerror(errno));
		(void)close(fd);
		return -1;
	}
	if (set_access(settings, error, size) < 0) {
		listener_close(fd, settings->path);
		return -1;
	}
	if (listen(fd, BACKLOG) < 0) {
		(void)fail(error, size, "listen on", settings->path, strerror(errno));
		listener_close(fd, settings->path);
		return -1;
	}
	return fd;
}

void listener_close(int fd, const char *path)
{
	/* First the file: once nobody listens, the next process may put its own there. */
	if (path != NULL)
		(void)unlink(path);
	(void)close(fd);
}

int listener_inherited(char *error, size_t size)
{
#ifdef HAVE_SYSTEMD
	int n = sd_listen_fds(1);

	if (n == 0)
		return -1;
	if (n != 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) <= 0) {
		(void)snprintf(error, size,
			"could not use what systemd passed: "
			"one listening Unix stream socket is wanted");
		return -2;
	}
	if (fcntl(SD_LISTEN_FDS_START, F_SETFL, O_NONBLOCK) < 0) {
		(void)snprintf(error, size, "could not use the socket that systemd passed: %s",
			strerror(errno));
		return -2;
	}
	return SD_LISTEN_FDS_START;
#else
	(void)error;
	(void)size;
	return -1;
#endif
}
