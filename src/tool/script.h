/*
 * script: the schema's folder of SQL files, and running one of them.
 *
 * NNN-*.sql are run in order by install and upgrade and may be run again; upgrade/NNN.sql brings a
 * database from version NNN - 1 to NNN; remove.sql takes everything away.
 */
#ifndef CSDNS_TOOL_SCRIPT_H
#define CSDNS_TOOL_SCRIPT_H

#include <libpq-fe.h>

struct script_folder {
	const char *path;      /* borrowed */
	struct dirent **files; /* NNN-*.sql in order, n_files */
	int n_files;
	struct dirent **upgrades; /* upgrade/NNN.sql in order, n_upgrades */
	int n_upgrades;
	int version; /* that the files make: the number of the last upgrade, or 1 */
};

/* Lists the folder. 0, or -1 after telling why. */
int script_folder_open(struct script_folder *folder, const char *path)
	__attribute__((warn_unused_result));
void script_folder_close(struct script_folder *folder);

/* Runs a file of the folder ("remove.sql") in the connection's transaction, statement by statement.
 * 0, or -1 after telling file, line, statement and error. */
int script_run(PGconn *conn, const char *folder, const char *file)
	__attribute__((warn_unused_result));
/* Runs the upgrades after version `from`, in order. */
int script_run_upgrades(PGconn *conn, const struct script_folder *folder, int from)
	__attribute__((warn_unused_result));
/* Runs the numbered files. */
int script_run_files(PGconn *conn, const struct script_folder *folder)
	__attribute__((warn_unused_result));

#endif
