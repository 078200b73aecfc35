/*
 * How: fcntl(2) after the fact rather than the *_CLOEXEC flags that not every
 * system has. Nothing is started between the two: threads of this layer only
 * look up names.
 */
#include "fd.h"

#include "godwit/base/err.h"

#include <fcntl.h>
#include <unistd.h>

void fd_close_on_exec(int fd)
{
	check(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
}

void fd_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	check(flags != -1);
	check(fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
}

void fd_close(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

int fd_pipe(int fds[2])
{
	if (pipe(fds) == -1)
		return -1;
	fd_close_on_exec(fds[0]);
	fd_close_on_exec(fds[1]);
	return 0;
}
