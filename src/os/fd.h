/*
 * File descriptors as this layer wants them: not inherited, not blocking.
 */
#ifndef GODWIT_OS_FD_H
#define GODWIT_OS_FD_H

/* For a new descriptor: commands that are started do not get it. */
void fd_close_on_exec(int fd);

/* Calls on it return EAGAIN rather than wait. */
void fd_nonblocking(int fd);

/* Closes *fd if it is open; it becomes -1. */
void fd_close(int *fd);

/* A pipe, neither end inherited: [0] is read, [1] is written. 0, or -1 and
 * errno. */
int fd_pipe(int fds[2]);

#endif
