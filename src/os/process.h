/*
 * Commands that this layer starts: tunnels and password commands.
 *
 * They get our environment, stderr and working directory, none of our other
 * descriptors, and signals as if fresh from a shell. Each is ended and reaped
 * here; nothing relies on SIGCHLD.
 */
#ifndef GODWIT_OS_PROCESS_H
#define GODWIT_OS_PROCESS_H

#include "godwit/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
	pid_t pid;
	bool detached;
};

struct process_plan {
	const char *const *argv; /* argv[0] is looked for in PATH */
	int in_fd;               /* becomes its stdin; -1: it shares ours */
	int out_fd;              /* becomes its stdout */

	/* It gets a session of its own: no terminal to stop at, no ^C, and it
	 * is ended together with its children. */
	bool detached;
};

/* How a command ended: by a signal, or (signal 0) with a status. */
struct process_end {
	int signal;
	int status;
};

/* Returns 0, or an errno that says why the command cannot be started. */
int process_start(const struct process_plan *plan, struct process *process_r);

/* Whether it has ended by itself, and how. Does not reap it. */
bool process_ended(const struct process *process, struct process_end *end_r);

/* Adds "exited with status 3" or "was ended by signal 9 (Killed)". */
void process_describe(struct process_end end, struct buf *text);

/*
 * Waits up to `patience_ms` for it to end by itself, then asks (SIGTERM), as
 * long again, then makes it (SIGKILL), and reaps it.
 */
void process_finish(struct process *process, int64_t patience_ms);

#endif
