/*
 * How: what a source gives is collected in a buf that never grows, as growing
 * would leave copies behind, and is wiped. A command shares our terminal,
 * stdin and stderr, so that it can ask and complain; it is looked at until it
 * has ended as well as closed its output, since either alone may never happen
 * (a daemon that it started holds the pipe, or it closes the pipe and hangs).
 */
#include "password.h"

#include "fd.h"
#include "godwit/base/limits.h"
#include "godwit/os/clock.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LOOK_AGAIN_MS = 20,

	/* For a command that was given up to end by itself. */
	COMMAND_PATIENCE_MS = 200,
};

static int password_fail(struct err *err, const char *source, const char *why)
{
	return err_set(
		err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN, "%s %s", source, why);
}

int password_take(struct str text, const char *source, struct secret *password,
	struct err *err)
{
	struct str line = str_sub(text, 0, str_find(text, '\n'));

	if (line.len < text.len && str_ends(line, STR("\r")))
		line.len--;
	if (line.len == 0)
		return password_fail(err, source,
			text.len == 0 ? "gives no password: it is empty"
				      : "gives no password: its first line "
					"is empty");
	if (text.len > LIMIT_PASSWORD_BYTES)
		return password_fail(err, source, "gives more than 64 KiB");
	if (str_find(line, '\0') < line.len)
		return password_fail(
			err, source, "gives a NUL byte within the password");
	secret_set(password, line);
	return 0;
}

enum read_result {
	READ_MORE,
	READ_END,
	READ_FAILED
};

/* Reads what there is, up to one byte more than a password may have. */
static enum read_result read_some(int fd, struct buf *text)
{
	size_t room = LIMIT_PASSWORD_BYTES + 1 - text->len;
	ssize_t got;

	if (room == 0)
		return READ_END;
	got = read(fd, buf_reserve(text, room), room);
	if (got == -1)
		return errno == EINTR || errno == EAGAIN ? READ_MORE
							 : READ_FAILED;
	buf_commit(text, (size_t)got);
	return got == 0 ? READ_END : READ_MORE;
}

struct command {
	struct process process;
	int fd;
	int64_t deadline_ms;
	struct buf text;
	bool output_over;
	bool ended;
	struct process_end end;
};

static void command_look(struct command *command)
{
	struct pollfd ready = {.fd = command->fd, .events = POLLIN};
	size_t before = command->text.len;

	(void)poll(&ready, command->output_over ? 0 : 1, LOOK_AGAIN_MS);
	/* First whether it has ended, then what it wrote before. */
	if (!command->ended)
		command->ended =
			process_ended(&command->process, &command->end);
	if (command->output_over)
		return;
	command->output_over =
		read_some(command->fd, &command->text) != READ_MORE;
	if (command->ended && command->text.len == before)
		command->output_over = true;
}

static int command_judge(const struct command *command,
	const struct account *account, struct secret *password, struct err *err)
{
	struct buf how = {0};

	if (command->text.len > LIMIT_PASSWORD_BYTES)
		return password_take(buf_str(&command->text),
			"the password command", password, err);
	if (!command->ended || !command->output_over)
		return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
			"the password command has not ended after %g s",
			account->timeout_ms / 1000.0);
	if (command->end.signal == 0 && command->end.status == 0)
		return password_take(buf_str(&command->text),
			"the password command", password, err);
	process_describe(command->end, &how);
	(void)err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
		"the password command %s%s", buf_z(&how),
		command->end.status == 127 ? ": there is no such command" : "");
	buf_clear(&how);
	return -1;
}

static int from_command(
	const struct account *account, struct secret *password, struct err *err)
{
	struct process_plan plan = {
		.argv = account->password.command.argv, .in_fd = -1};
	struct command command = {0};
	int fds[2];
	int result;

	if (fd_pipe(fds) == -1)
		return password_fail(
			err, "the password command", strerror(errno));
	plan.out_fd = fds[1];
	result = process_start(&plan, &command.process);
	fd_close(&fds[1]);
	if (result != 0) {
		fd_close(&fds[0]);
		return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
			"cannot start the password command %s: %s",
			plan.argv[0], strerror(result));
	}
	fd_nonblocking(fds[0]);
	command.fd = fds[0];
	command.deadline_ms = os_clock_ms() + account->timeout_ms;
	(void)buf_reserve(&command.text, LIMIT_PASSWORD_BYTES + 1);
	while (!(command.ended && command.output_over) &&
		command.text.len <= LIMIT_PASSWORD_BYTES &&
		os_clock_ms() < command.deadline_ms)
		command_look(&command);
	fd_close(&command.fd);
	result = command_judge(&command, account, password, err);
	process_finish(&command.process, COMMAND_PATIENCE_MS);
	buf_wipe(&command.text);
	return result;
}

/* Judged by what was opened, so that neither a link nor a quick exchange of
 * files deceives. */
static int file_check(int fd, const char *path, struct err *err)
{
	struct stat stat;

	if (fstat(fd, &stat) == -1)
		return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
			"cannot look at the password file %s: %s", path,
			strerror(errno));
	if (!S_ISREG(stat.st_mode))
		return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
			"the password file %s is not a regular file", path);
	if (stat.st_uid != geteuid() && stat.st_uid != 0)
		return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
			"the password file %s belongs to another user", path);
	if ((stat.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
			"the password file %s is open to other users; run: "
			"chmod 600 %s",
			path, path);
	return 0;
}

static int from_file(
	const struct account *account, struct secret *password, struct err *err)
{
	const char *path = account->password.file;
	enum read_result more = READ_MORE;
	struct buf text = {0};
	int result = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd == -1)
		return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
			"cannot open the password file %s: %s", path,
			strerror(errno));
	(void)buf_reserve(&text, LIMIT_PASSWORD_BYTES + 1);
	if (file_check(fd, path, err) == 0) {
		while (more == READ_MORE)
			more = read_some(fd, &text);
		if (more == READ_FAILED)
			(void)err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
				"cannot read the password file %s: %s", path,
				strerror(errno));
		else
			result = password_take(buf_str(&text),
				"the password file", password, err);
	}
	fd_close(&fd);
	buf_wipe(&text);
	return result;
}

static int from_env(
	const struct account *account, struct secret *password, struct err *err)
{
	const char *value = getenv(account->password.env);

	if (value == NULL)
		return err_set(err, ERR_ACCOUNT, ERR_NEVER, ERR_LOGIN,
			"the environment variable %s, which is to hold the "
			"password, is not set",
			account->password.env);
	return password_take(str_of(value),
		"the password's environment variable", password, err);
}

int password_get(
	const struct account *account, struct secret *password, struct err *err)
{
	switch (account->password.source) {
	case ACCOUNT_PASSWORD_COMMAND:
		return from_command(account, password, err);
	case ACCOUNT_PASSWORD_FILE:
		return from_file(account, password, err);
	case ACCOUNT_PASSWORD_ENV:
		return from_env(account, password, err);
	case ACCOUNT_PASSWORD_ASK:
		break;
	}
	return password_ask(account, password, err);
}
