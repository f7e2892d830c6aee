/*
 * replay: runs a fuzz target on every file of its corpus, one TAP line each.
 *
 * The corpus of program fuzz_X is tests/fuzz/corpus/X of the source tree, or the files and folders
 * given as arguments.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_SIZE 4096
#define INPUT_MAX (16 << 20)

static unsigned count;
static unsigned failed;

static void tell(int ok, const char *path)
{
	count++;
	failed += !ok;
	(void)printf("%sok %u - %s\n", ok ? "" : "not ", count, path);
	(void)fflush(stdout);
}

/* A copy of the exact size, so that a read behind its end is seen. */
static int replay_stream(FILE *file)
{
	char *all = malloc(INPUT_MAX);

	if (all == NULL)
		return 0;
	size_t size = fread(all, 1, INPUT_MAX, file);
	int ok = !ferror(file);
	char *exact = malloc(size > 0 ? size : 1);
	if (exact != NULL)
		memcpy(exact, all, size);
	free(all);
	ok = ok && exact != NULL && LLVMFuzzerTestOneInput((const uint8_t *)exact, size) == 0;
	free(exact);
	return ok;
}

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "re");

	if (file == NULL) {
		tell(0, path);
		return;
	}
	/* a target that aborts leaves this as the last line */
	(void)printf("# %s\n", path);
	(void)fflush(stdout);
	tell(replay_stream(file), path);
	(void)fclose(file);
}

static void replay_folder(const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[PATH_SIZE];
		(void)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			replay_file(path);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static void replay(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		replay_folder(path);
	else
		replay_file(path);
}

int main(int argc, char **argv)
{
	char folder[PATH_SIZE];
	const char *top = getenv("srcdir");
	const char *slash = strrchr(argv[0], '/');
	const char *program = slash != NULL ? slash + 1 : argv[0];

	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1 && strncmp(program, "fuzz_", 5) == 0) {
		(void)snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s",
			top != NULL ? top : ".", program + 5);
		replay(folder);
	}
	(void)printf("1..%u%s\n", count, count == 0 ? " # SKIP no corpus" : "");
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
