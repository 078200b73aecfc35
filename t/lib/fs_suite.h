/*
 * What every file system must do: one suite for the fake one and the real ones.
 *
 * Each test program that has a file system gives the suite an empty folder on
 * it and the means to plant what the port itself cannot make. So the fake is
 * as good as what it stands for.
 */
#ifndef GODWIT_T_LIB_FS_SUITE_H
#define GODWIT_T_LIB_FS_SUITE_H

#include "godwit/engine/ports/fs.h"

struct fs_suite {
	const char *label; /* begins each sentence */
	const struct fs_port *port;
	const char *root; /* an empty folder, not shared */
	bool folds_case;  /* what it is known to do */

	/* Other programs; paths are absolute. */
	void (*plant_link)(void *ctx, const char *path, const char *target);
	void (*plant_fifo)(void *ctx, const char *path);
	/* Takes all permissions away; false if this user has them anyway. */
	bool (*deny)(void *ctx, const char *path);
	void *ctx;
};

/* Leaves the folder full of things. */
void fs_suite_run(const struct fs_suite *suite);

#endif
