/*
 * How: a child, and wait4(). A small program starts it, because what a process
 * starts with counts as the memory that it had.
 *
 * measure SECONDS FILE COMMAND...: runs the command, and ends with its status.
 * The command is ended after so many seconds, and when measure is. FILE gets
 *
 *   status 0 wall_us 12345 cpu_us 2345 rss_kib 4096
 *
 * with the CPU time of user and system and the largest resident set.
 */
#include "godwit/base/bytes.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	USAGE = 64,
	BROKEN = 126,
	NOT_FOUND = 127
};

static long long microseconds(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		abort();
	return (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static long long used(const struct timeval *time)
{
	return (long long)time->tv_sec * 1000000 + time->tv_usec;
}

static pid_t start(char **argv, const sigset_t *mask)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)sigprocmask(SIG_SETMASK, mask, NULL);
		(void)execvp(argv[0], argv);
		perror(argv[0]);
		_exit(NOT_FOUND);
	}
	return pid;
}

static int run(char **argv, uint32_t seconds, struct rusage *usage)
{
	struct timespec limit = {.tv_sec = (time_t)seconds};
	sigset_t child;
	sigset_t before;
	int status;
	pid_t pid;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, &before);
	pid = start(argv, &before);
	if (pid < 0)
		return BROKEN;
	if (sigtimedwait(&child, NULL, &limit) < 0)
		(void)kill(pid, SIGKILL);
	if (wait4(pid, &status, 0, usage) != pid)
		return BROKEN;
	return WIFEXITED(status) ? WEXITSTATUS(status) : BROKEN;
}

int main(int argc, char **argv)
{
	struct rusage usage = {0};
	long long wall_us = microseconds();
	uint32_t seconds;
	FILE *file;
	int status;

	if (argc < 4 || !str_u32(str_of(argv[1]), &seconds)) {
		(void)fputs("usage: measure SECONDS FILE COMMAND...\n", stderr);
		return USAGE;
	}
	status = run(argv + 3, seconds, &usage);
	wall_us = microseconds() - wall_us;
	file = fopen(argv[2], "w");
	if (file == NULL)
		return BROKEN;
	(void)fprintf(file, "status %d wall_us %lld cpu_us %lld rss_kib %ld\n",
		status, wall_us, used(&usage.ru_utime) + used(&usage.ru_stime),
		usage.ru_maxrss);
	return fclose(file) == 0 ? status : BROKEN;
}
