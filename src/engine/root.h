/*
 * Root: the Maildir's root folder, if it may be trusted.
 *
 * A root that is empty or another folder than in the last run is refused, since
 * all that is not in it would look deleted. A device's number alone proves
 * little: the kernel gives it anew when a disk is mounted. So a root that only
 * its device tells from the last run's is trusted if not one message that the
 * journal knows is missing, for then nothing looks deleted.
 */
#ifndef GODWIT_SRC_ENGINE_ROOT_H
#define GODWIT_SRC_ENGINE_ROOT_H

#include "pass.h"

/* Opens pass->root, making it in the first run that applies, and has the
 * journal, if there is one, remember it; it stays NULL where there is none. -1
 * and err (ERR_ACCOUNT) also when it is refused. */
int root_open(struct pass *pass, struct err *err);

#endif
