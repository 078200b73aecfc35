/*
 * The work folder: where one test program may write.
 *
 * It is made in $TMPDIR on first use and taken away, with all that is in it, by
 * workdir_remove() at the end. A test that dies leaves it for a look.
 */
#ifndef GODWIT_T_LIB_WORKDIR_H
#define GODWIT_T_LIB_WORKDIR_H

/* Its path, good for the life of the program. */
const char *workdir_path(void);

void workdir_remove(void);

#endif
