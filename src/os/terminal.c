/*
 * How: the prompt goes to /dev/tty and the echo is off only while the line is
 * typed. Signals that would end or stop us in between are held back, and
 * noticed by looking whether one is pending: so the echo is always restored
 * first, no handler is needed, and what the signal then does is whatever the
 * rest of the program has arranged.
 */
#include "password.h"

#include "fd.h"
#include "godwit/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum {
	LOOK_AGAIN_MS = 100
};

/* After SIGTSTP, if no other waits, the line is asked for again. */
static const int held[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

struct terminal {
	int fd;
	struct termios before;
	sigset_t mask_before;
	struct buf line;
};

/* Those that are not ignored anyway. */
static void signals_hold(struct terminal *terminal)
{
	struct sigaction action;
	sigset_t set;

	check(sigemptyset(&set) == 0);
	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		check(sigaction(held[i], NULL, &action) == 0);
		if (action.sa_handler != SIG_IGN)
			check(sigaddset(&set, held[i]) == 0);
	}
	check(sigprocmask(SIG_BLOCK, &set, &terminal->mask_before) == 0);
}

/* One that waits, or 0. */
static int signal_waiting(void)
{
	sigset_t pending;

	check(sigpending(&pending) == 0);
	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		if (sigismember(&pending, held[i]) == 1)
			return held[i];
	}
	return 0;
}

static void say(const struct terminal *terminal, struct str text)
{
	/* A prompt that cannot be shown can still be answered. */
	if (write(terminal->fd, text.ptr, text.len) == -1)
		return;
}

static void prompt(
	const struct terminal *terminal, const struct account *account)
{
	struct buf text = {0};

	buf_addf(&text, "Password for %.*s at %s: ", STR_FMT(account->user),
		account->host == NULL ? "the tunnel" : account->host);
	say(terminal, buf_str(&text));
	buf_clear(&text);
}

enum line_result {
	LINE_DONE,
	LINE_SIGNAL,
	LINE_FAILED
};

/* Up to and with its line end, or the end of input. */
static enum line_result read_line(struct terminal *terminal)
{
	struct pollfd ready = {.fd = terminal->fd, .events = POLLIN};
	ssize_t got;
	char c;

	while (terminal->line.len <= LIMIT_PASSWORD_BYTES) {
		if (signal_waiting() != 0)
			return LINE_SIGNAL;
		if (poll(&ready, 1, LOOK_AGAIN_MS) <= 0)
			continue;
		got = read(terminal->fd, &c, 1);
		if (got == -1 && errno != EINTR && errno != EAGAIN)
			return LINE_FAILED;
		if (got == 1)
			buf_addc(&terminal->line, c);
		if (got == 0 || (got == 1 && c == '\n'))
			return LINE_DONE;
	}
	return LINE_DONE;
}

/* One attempt at the line, with the echo off and signals held back. */
static enum line_result ask_once(struct terminal *terminal,
	const struct account *account, bool *stopped_r)
{
	enum line_result result = LINE_FAILED;
	struct termios quiet;

	signals_hold(terminal);
	quiet = terminal->before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_lflag |= ECHONL;
	buf_reset(&terminal->line);
	if (tcsetattr(terminal->fd, TCSAFLUSH, &quiet) == 0) {
		prompt(terminal, account);
		result = read_line(terminal);
		(void)tcsetattr(terminal->fd, TCSAFLUSH, &terminal->before);
	}
	if (result == LINE_SIGNAL)
		say(terminal, STR("\n"));
	*stopped_r = result == LINE_SIGNAL && signal_waiting() == SIGTSTP;
	/* A signal that waits does its work here. */
	check(sigprocmask(SIG_SETMASK, &terminal->mask_before, NULL) == 0);
	return result;
}

int password_ask(
	const struct account *account, struct secret *password, struct err *err)
{
	struct terminal terminal = {.fd = open("/dev/tty", O_RDWR | O_NOCTTY)};
	enum line_result result;
	bool stopped;
	int status = -1;

	if (terminal.fd == -1)
		return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
			"there is no terminal to ask for the password; set "
			"'password' in the configuration");
	fd_close_on_exec(terminal.fd);
	(void)buf_reserve(&terminal.line, LIMIT_PASSWORD_BYTES + 1);
	result = LINE_FAILED;
	if (tcgetattr(terminal.fd, &terminal.before) == 0) {
		do {
			result = ask_once(&terminal, account, &stopped);
		} while (stopped);
	}
	if (result == LINE_DONE)
		status = password_take(
			buf_str(&terminal.line), "the terminal", password, err);
	else
		(void)err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
			result == LINE_SIGNAL
				? "the password prompt was interrupted"
				: "the terminal cannot be asked for the "
				  "password");
	fd_close(&terminal.fd);
	buf_wipe(&terminal.line);
	return status;
}
