/* os/login: the password, from each place that it may come from. */
#include "godwit/base/limits.h"
#include "godwit/engine/account.h"
#include "godwit/os/login.h"

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum {
	PATIENCE_MS = 20000
};

struct world {
	struct os_login os;
	struct login_port port;
	char dir[40];
	char path[64]; /* a file in dir */
};

static struct account account_of(enum account_password_source source)
{
	return (struct account){
		.host = "mail.example.org",
		.user = STR("alice"),
		.timeout_ms = PATIENCE_MS,
		.password = {.source = source},
	};
}

/* Either the password or, as what is wrong with it, a part of the sentence. */
static void test(const struct world *world, const struct account *account,
	struct str password, const char *fault, const char *what)
{
	struct secret secret = {0};
	struct err err = {.text = "(no error)"};
	int result =
		world->port.password(world->port.ctx, account, &secret, &err);

	if (fault == NULL) {
		is_str(secret_get(&secret), password, "%s", what);
	} else if (!ok(result == -1 && err.cause == ERR_LOGIN &&
				   err.retry == ERR_NEVER &&
				   strstr(err.text, fault) != NULL &&
				   secret_get(&secret).len == 0,
			   "%s", what)) {
		tap_note("the sentence is: %s", err.text);
	}
	secret_clear(&secret);
}

static void test_shell(const struct world *world, const char *script,
	struct str password, const char *fault, const char *what)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	struct account account = account_of(ACCOUNT_PASSWORD_COMMAND);

	account.password.command.argv = argv;
	test(world, &account, password, fault, what);
}

static void test_command_output(const struct world *world)
{
	static const struct str none = {0};
	struct buf big = {0};

	test_shell(world, "echo s3cret", STR("s3cret"), NULL,
		"a command's output is the password, without its line end");
	test_shell(world, "printf s3cret", STR("s3cret"), NULL,
		"a line end is not needed");
	test_shell(world, "printf 's3cret\\r\\nuser: alice\\n'", STR("s3cret"),
		NULL, "only the first line counts, its CR does not");
	test_shell(world, "printf ' s3 cret \\n'", STR(" s3 cret "), NULL,
		"blanks are the password's");
	test_shell(world, "printf 'p\\303\\244ss\\001\\n'",
		STR("p\xc3\xa4ss\x01"), NULL, "any byte may be in it");
	test_shell(world, "printf 's3c\\000ret\\n'", none, "NUL byte",
		"but a NUL");
	test_shell(world, "true", none,
		"the password command gives no password: it is empty",
		"no output is no password");
	test_shell(world, "echo", none, "its first line is empty",
		"an empty line is no password");
	for (size_t i = 0; i < LIMIT_PASSWORD_BYTES; i++)
		buf_addc(&big, 'a');
	test_shell(world, "head -c 65536 /dev/zero | tr '\\000' a",
		buf_str(&big), NULL, "64 KiB may be a password");
	buf_clear(&big);
}

/* There, a command that cannot be started is one that exits with 127. */
static bool under_valgrind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

static void test_command_failures(const struct world *world)
{
	static const struct str none = {0};
	const char *const missing[] = {"/nonexistent/pass", "show", NULL};
	struct account account = account_of(ACCOUNT_PASSWORD_COMMAND);

	test_shell(world, "echo s3cret; exit 3", none,
		"the password command exited with status 3",
		"the output of a command that fails is not believed");
	test_shell(world, "echo s3cret; kill -9 $$", none,
		"was ended by signal 9", "nor that of one that is killed");
	test_shell(world, "exec 2>/dev/null; /nonexistent/pass", none,
		"exited with status 127: there is no such command",
		"a shell that finds no command is understood");
	test_shell(world, "exec yes", none, "gives more than 64 KiB",
		"a command that never stops talking is ended");
	if (under_valgrind())
		return;
	account.password.command.argv = missing;
	test(world, &account, none,
		"cannot start the password command /nonexistent/pass: No such",
		"a command that is not there is named");
}

/* The number that a script wrote to world->path. */
static pid_t written_pid(const struct world *world)
{
	FILE *file = fopen(world->path, "r");
	char line[20] = "";

	check(file != NULL && fgets(line, sizeof(line), file) != NULL);
	check(fclose(file) == 0 && unlink(world->path) == 0);
	return (pid_t)strtol(line, NULL, 10);
}

static void test_slow_command(const struct world *world)
{
	struct account account = account_of(ACCOUNT_PASSWORD_COMMAND);
	char script[200];
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	pid_t pid;

	account.password.command.argv = argv;
	account.timeout_ms = 1000;
	(void)snprintf(script, sizeof(script),
		"echo $$ >%s; echo s3cret; exec sleep 1000", world->path);
	test(world, &account, (struct str){0}, "has not ended after 1 s",
		"a command that hangs is given up");
	ok(kill(written_pid(world), 0) == -1 && errno == ESRCH,
		"and ended, and reaped");
	(void)snprintf(script, sizeof(script),
		"echo $$ >%s; trap '' TERM; exec >&-; while :; do sleep 1; "
		"done",
		world->path);
	test(world, &account, (struct str){0}, "has not ended after 1 s",
		"one that closes its output and does not want to end, too");
	ok(kill(written_pid(world), 0) == -1 && errno == ESRCH,
		"and ended, and reaped");
	account.timeout_ms = PATIENCE_MS;
	(void)snprintf(script, sizeof(script),
		"sleep 1000 & echo $! >%s; echo s3cret", world->path);
	test(world, &account, STR("s3cret"), NULL,
		"a daemon that holds on to the output does not matter");
	pid = written_pid(world);
	check(pid > 0 && kill(pid, SIGKILL) == 0);
}

static void test_command_stderr(const struct world *world)
{
	char text[100] = "";
	int own = dup(2);
	int fds[2];

	check(own != -1 && pipe(fds) == 0 && dup2(fds[1], 2) == 2);
	test_shell(world, "echo locked >&2; exit 1", (struct str){0},
		"exited with status 1", "a command may complain");
	check(dup2(own, 2) == 2 && close(own) == 0 && close(fds[1]) == 0);
	check(read(fds[0], text, sizeof(text) - 1) >= 0 && close(fds[0]) == 0);
	is_str(str_of(text), STR("locked\n"), "and the user sees it");
}

static void file_write(const char *path, struct str text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	check(fd != -1);
	check(write(fd, text.ptr, text.len) == (ssize_t)text.len);
	check(fchmod(fd, mode) == 0 && close(fd) == 0);
}

static void test_file(const struct world *world, struct str text, mode_t mode,
	const char *fault, const char *what)
{
	struct account account = account_of(ACCOUNT_PASSWORD_FILE);

	file_write(world->path, text, mode);
	account.password.file = world->path;
	test(world, &account, STR("s3cret"), fault, what);
	check(unlink(world->path) == 0);
}

static void test_files(const struct world *world)
{
	struct buf big = {0};

	test_file(world, STR("s3cret\nmore\n"), 0600, NULL,
		"a file's first line is the password");
	test_file(world, STR("s3cret"), 0400, NULL,
		"a file that even we only read is fine");
	test_file(world, STR("s3cret\n"), 0640, "run: chmod 600 /",
		"a file that its group can read is refused");
	test_file(world, STR("s3cret\n"), 0604, "is open to other users",
		"one that others can read, too");
	test_file(world, STR("s3cret\n"), 0602, "is open to other users",
		"one that others can write, too");
	test_file(world, STR(""), 0600, "the password file gives no password",
		"an empty file is no password");
	while (big.len <= LIMIT_PASSWORD_BYTES)
		buf_addz(&big, "s3cret\n");
	test_file(world, buf_str(&big), 0600, "more than 64 KiB",
		"a huge file is refused");
	buf_clear(&big);
}

static void test_file_kinds(const struct world *world)
{
	struct account account = account_of(ACCOUNT_PASSWORD_FILE);
	char link[80];

	(void)snprintf(link, sizeof(link), "%s/link", world->dir);
	account.password.file = link;
	check(symlink(world->path, link) == 0);
	test(world, &account, STR(""), "cannot open the password file",
		"a link to nowhere is an error");
	file_write(world->path, STR("s3cret\n"), 0600);
	test(world, &account, STR("s3cret"), NULL, "a link is followed");
	check(chmod(world->path, 0644) == 0);
	test(world, &account, STR(""), "is open to other users",
		"and what it leads to is judged");
	check(unlink(link) == 0 && unlink(world->path) == 0);
	account.password.file = world->dir;
	test(world, &account, STR(""), "not a regular file",
		"a folder is no password file");
	account.password.file = world->path;
	check(mkfifo(world->path, 0600) == 0);
	test(world, &account, STR(""), "not a regular file",
		"a FIFO is none, and nobody waits for it");
	check(unlink(world->path) == 0);
	file_write(world->path, STR("s3cret\n"), 0600);
	if (geteuid() == 0) {
		check(chown(world->path, 12345, (gid_t)-1) == 0);
		test(world, &account, STR(""), "belongs to another user",
			"a file of somebody else is refused");
	}
	check(unlink(world->path) == 0);
}

static void test_env(const struct world *world)
{
	struct account account = account_of(ACCOUNT_PASSWORD_ENV);

	account.password.env = "GODWIT_TEST_PASSWORD";
	check(unsetenv("GODWIT_TEST_PASSWORD") == 0);
	test(world, &account, STR(""),
		"variable GODWIT_TEST_PASSWORD, which is to hold the password, "
		"is not set",
		"a variable that is not set is named");
	check(setenv("GODWIT_TEST_PASSWORD", "", 1) == 0);
	test(world, &account, STR(""), "variable gives no password",
		"an empty one is no password");
	check(setenv("GODWIT_TEST_PASSWORD", "s3cret", 1) == 0);
	test(world, &account, STR("s3cret"), NULL,
		"a variable's value is the password");
	check(unsetenv("GODWIT_TEST_PASSWORD") == 0);
}

/* A user at a terminal: the child asks, we answer. */
struct user {
	int terminal; /* the master's side */
	int result;   /* the child writes the password or the error to it */
	pid_t pid;
	struct buf seen;
};

static void on_signal(int number)
{
	(void)number;
}

_Noreturn static void ask(const struct world *world, const char *terminal,
	int result, bool handle)
{
	struct account account = account_of(ACCOUNT_PASSWORD_ASK);
	const struct sigaction action = {
		.sa_handler = handle ? on_signal : SIG_DFL};
	struct secret secret = {0};
	struct err err = {0};
	struct str text;
	int fd;

	check(setsid() != -1);
	if (terminal != NULL) {
		fd = open(terminal, O_RDWR);
		check(fd != -1 && ioctl(fd, TIOCSCTTY, 0) == 0);
	}
	/* Who runs us in the background has it ignored. */
	check(sigaction(SIGINT, &action, NULL) == 0);
	if (world->port.password(world->port.ctx, &account, &secret, &err) == 0)
		text = secret_get(&secret);
	else
		text = str_of(err.text);
	check(write(result, text.ptr, text.len) == (ssize_t)text.len);
	secret_clear(&secret);
	_exit(0);
}

static struct user user_open(
	const struct world *world, bool has_terminal, bool handle)
{
	struct user user = {.terminal = posix_openpt(O_RDWR | O_NOCTTY)};
	const char *terminal = NULL;
	int fds[2];

	check(user.terminal != -1 && grantpt(user.terminal) == 0 &&
		unlockpt(user.terminal) == 0);
	if (has_terminal)
		terminal = ptsname(user.terminal);
	check(pipe(fds) == 0);
	user.result = fds[0];
	user.pid = fork();
	check(user.pid != -1);
	if (user.pid == 0) {
		check(close(user.terminal) == 0 && close(user.result) == 0);
		ask(world, terminal, fds[1], handle);
	}
	check(close(fds[1]) == 0);
	return user;
}

/* Reads what the terminal shows until it shows `words` (again). */
static bool user_sees(struct user *user, const char *words)
{
	struct pollfd ready = {.fd = user->terminal, .events = POLLIN};
	ssize_t got;

	buf_reset(&user->seen);
	while (strstr(buf_z(&user->seen), words) == NULL) {
		if (poll(&ready, 1, PATIENCE_MS) != 1)
			return false;
		got = read(user->terminal, buf_reserve(&user->seen, 256), 256);
		if (got <= 0)
			return false;
		buf_commit(&user->seen, (size_t)got);
	}
	return true;
}

static void user_types(const struct user *user, struct str text)
{
	check(write(user->terminal, text.ptr, text.len) == (ssize_t)text.len);
}

static bool user_echo(const struct user *user)
{
	struct termios termios;

	check(tcgetattr(user->terminal, &termios) == 0);
	return (termios.c_lflag & (tcflag_t)ECHO) != 0;
}

/* What came of it; the child's status to *status_r. */
static struct buf user_result(struct user *user, int *status_r)
{
	struct buf text = {0};
	ssize_t got;

	while ((got = read(user->result, buf_reserve(&text, 256), 256)) > 0)
		buf_commit(&text, (size_t)got);
	check(waitpid(user->pid, status_r, 0) == user->pid);
	return text;
}

static void user_close(struct user *user)
{
	check(close(user->terminal) == 0 && close(user->result) == 0);
	buf_clear(&user->seen);
}

static const char prompt[] = "Password for alice at mail.example.org: ";

static void test_terminal(const struct world *world)
{
	struct user user = user_open(world, true, false);
	struct buf result;
	int status;

	ok(user_sees(&user, prompt), "on a terminal, the user is asked");
	ok(!user_echo(&user), "without echo");
	user_types(&user, STR("s3 cret\n"));
	result = user_result(&user, &status);
	is_str(buf_str(&result), STR("s3 cret"),
		"and the line is the password");
	ok(user_echo(&user), "after which the echo is back");
	(void)user_sees(&user, "something else");
	is_str(buf_str(&user.seen), STR("\r\n"), "and nothing of it was shown");
	buf_clear(&result);
	user_close(&user);
}

static void test_terminal_empty(const struct world *world)
{
	struct user user = user_open(world, true, false);
	struct buf result;
	int status;

	ok(user_sees(&user, prompt), "the user is asked");
	user_types(&user, STR("\x04"));
	result = user_result(&user, &status);
	is_str(buf_str(&result),
		STR("the terminal gives no password: it is empty"),
		"and may have none");
	buf_clear(&result);
	user_close(&user);
}

static void test_terminal_interrupt(const struct world *world, bool handle)
{
	struct user user = user_open(world, true, handle);
	struct buf result;
	int status;

	ok(user_sees(&user, prompt) && !user_echo(&user), "the user is asked");
	user_types(&user, STR("\x03"));
	result = user_result(&user, &status);
	if (handle)
		is_str(buf_str(&result),
			STR("the password prompt was interrupted"),
			"a ^C that is handled ends the prompt");
	else
		ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT,
			"a ^C ends the program, as it would anywhere");
	ok(user_echo(&user), "but not without turning the echo on again");
	buf_clear(&result);
	user_close(&user);
}

static void test_terminal_stop(const struct world *world)
{
	struct user user = user_open(world, true, false);
	struct buf result;
	int status;

	ok(user_sees(&user, prompt), "the user is asked");
	user_types(&user, STR("half\x1a"));
	ok(user_sees(&user, prompt), "after ^Z and fg, asked again");
	user_types(&user, STR("s3cret\n"));
	result = user_result(&user, &status);
	is_str(buf_str(&result), STR("s3cret"), "for the whole line");
	buf_clear(&result);
	user_close(&user);
}

static void test_no_terminal(const struct world *world)
{
	struct user user = user_open(world, false, false);
	int status;
	struct buf result = user_result(&user, &status);

	is_str(buf_str(&result),
		STR("there is no terminal to ask for the password; set "
		    "'password' in the configuration"),
		"without a terminal (cron), the sentence says what to set");
	buf_clear(&result);
	user_close(&user);
}

int main(void)
{
	struct world world = {.dir = "/tmp/godwit-password-XXXXXX"};

	check(mkdtemp(world.dir) != NULL);
	(void)snprintf(world.path, sizeof(world.path), "%s/file", world.dir);
	os_login_open(&world.os, &world.port);
	test_command_output(&world);
	test_command_failures(&world);
	test_slow_command(&world);
	test_command_stderr(&world);
	test_files(&world);
	test_file_kinds(&world);
	test_env(&world);
	test_terminal(&world);
	test_terminal_empty(&world);
	test_terminal_interrupt(&world, false);
	test_terminal_interrupt(&world, true);
	test_terminal_stop(&world);
	test_no_terminal(&world);
	os_login_close(&world.os);
	check(rmdir(world.dir) == 0);
	return tap_done();
}
