/* How: mkdtemp() and nftw(). */
#include "workdir.h"

#include "godwit/base/err.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[4096];

const char *workdir_path(void)
{
	const char *tmp = getenv("TMPDIR");

	if (path[0] != '\0')
		return path;
	check(snprintf(path, sizeof(path), "%s/godwit-test-XXXXXX",
		      tmp == NULL ? "/tmp" : tmp) < (int)sizeof(path));
	check(mkdtemp(path) != NULL);
	return path;
}

static int remove_one(
	const char *file, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(file);
}

void workdir_remove(void)
{
	if (path[0] != '\0')
		check(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
	path[0] = '\0';
}
