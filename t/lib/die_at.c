/*
 * How: ptrace(2) stops the command at each of its system calls, so it dies at
 * the same step each time. What it starts itself is not touched.
 *
 * die_at STEP FILE COMMAND...: runs a command and kills it when it is about to
 * do for the STEPth time what something outside of it will notice: to write, to
 * send, to rename, to flush (0: never). How many of these it came to is written
 * to FILE. Ends as the command did; with 137 if it was killed.
 */
#include "godwit/base/err.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__GLIBC__) && defined(PTRACE_GET_SYSCALL_INFO)
#define CAN_TRACE 1
#else
#define CAN_TRACE 0
#endif

enum {
	KILLED = 128 + SIGKILL,
	CANNOT = 127,
	SYSCALL_STOP = SIGTRAP | 0x80, /* PTRACE_O_TRACESYSGOOD */
};

#if CAN_TRACE

static const long steps[] = {
	SYS_write,
	SYS_pwrite64,
	SYS_writev,
	SYS_pwritev,
	SYS_sendto,
	SYS_sendmsg,
	SYS_renameat,
	SYS_renameat2,
	SYS_linkat,
	SYS_unlinkat,
	SYS_mkdirat,
	SYS_fsync,
	SYS_fdatasync,
	SYS_syncfs,
	SYS_msync,
	SYS_ftruncate,
	SYS_utimensat,
#ifdef SYS_rename
	SYS_rename,
	SYS_unlink,
	SYS_link,
	SYS_mkdir,
	SYS_rmdir,
#endif
};

/* What ptrace(2) calls its data may be a number. */
static void *data(unsigned long number)
{
	return (void *)number; /* NOLINT(performance-no-int-to-ptr) */
}

/* Whether the command, which has stopped, is about to do a step. */
static bool is_at_step(pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, data(sizeof(info)), &info) <
			0 ||
		info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if ((long)info.entry.nr == steps[i])
			return true;
	}
	return false;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		check(errno == EINTR);
	return status;
}

/* Runs on to the end or to the step; `seen_r` counts. */
static int run(pid_t pid, long die_at, long *seen_r)
{
	int status = wait_for(pid);
	int signal = 0;

	(void)ptrace(PTRACE_SETOPTIONS, pid, NULL,
		data(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
	for (*seen_r = 0; WIFSTOPPED(status); status = wait_for(pid)) {
		if (WSTOPSIG(status) != SYSCALL_STOP)
			signal = WSTOPSIG(status);
		else if (is_at_step(pid) && ++*seen_r == die_at)
			(void)kill(pid, SIGKILL);
		if (signal == SIGTRAP) /* of exec itself */
			signal = 0;
		(void)ptrace(
			PTRACE_SYSCALL, pid, NULL, data((unsigned long)signal));
		signal = 0;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_command(long die_at, long *seen_r, char **command)
{
	pid_t pid = fork();

	check(pid >= 0);
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
			(void)execvp(command[0], command);
		perror(command[0]);
		_exit(CANNOT);
	}
	return run(pid, die_at, seen_r);
}

#else

static int run_command(long die_at, long *seen_r, char **command)
{
	(void)die_at;
	*seen_r = 0;
	(void)execvp(command[0], command);
	return CANNOT;
}

#endif

int main(int argc, char **argv)
{
	FILE *told;
	long seen;
	int status;

	if (argc < 4) {
		(void)fputs("usage: die_at STEP FILE COMMAND...\n", stderr);
		return 2;
	}
	status = run_command(strtol(argv[1], NULL, 10), &seen, argv + 3);
	told = fopen(argv[2], "w");
	if (told == NULL || fprintf(told, "%ld\n", seen) < 0 ||
		fclose(told) != 0)
		return CANNOT;
	return status;
}
