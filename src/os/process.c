/*
 * How: posix_spawn(3), which tells when a command cannot even start. Its end
 * is looked for with WNOWAIT: as long as it is not reaped, its number and its
 * group's are nobody else's, so that signals never go astray. Waiting is done
 * in short sleeps, as there is no portable way to poll(2) for a process; only
 * commands that do not end by themselves cost any.
 */
#include "process.h"

#include "godwit/base/err.h"
#include "godwit/os/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

/* POSIX leaves this to its users; glibc has it in unistd.h all the same. */
extern char **environ; /* NOLINT(readability-redundant-declaration) */

enum {
	LOOK_AGAIN_MS = 5
};

#ifdef POSIX_SPAWN_SETSID
static const int detach_flag = POSIX_SPAWN_SETSID;
#else
static const int detach_flag = POSIX_SPAWN_SETPGROUP;
#endif

static int plan_signals(posix_spawnattr_t *attr, bool detached)
{
	short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
	sigset_t set;
	int error;

	check(sigemptyset(&set) == 0);
	error = posix_spawnattr_setsigmask(attr, &set);
	check(sigaddset(&set, SIGPIPE) == 0);
	if (error == 0)
		error = posix_spawnattr_setsigdefault(attr, &set);
	if (detached)
		flags = (short)(flags | detach_flag);
	return error != 0 ? error : posix_spawnattr_setflags(attr, flags);
}

static int plan_files(
	posix_spawn_file_actions_t *files, const struct process_plan *plan)
{
	int error = 0;

	if (plan->in_fd != -1)
		error = posix_spawn_file_actions_adddup2(files, plan->in_fd, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(
			files, plan->out_fd, 1);
	return error;
}

int process_start(const struct process_plan *plan, struct process *process_r)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	pid_t pid;
	int error;

	check(posix_spawn_file_actions_init(&files) == 0);
	check(posix_spawnattr_init(&attr) == 0);
	error = plan_files(&files, plan);
	if (error == 0)
		error = plan_signals(&attr, plan->detached);
	if (error == 0)
		error = posix_spawnp(&pid, plan->argv[0], &files, &attr,
			(char *const *)plan->argv, environ);
	if (error == 0)
		*process_r = (struct process){pid, plan->detached};
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	return error;
}

bool process_ended(const struct process *process, struct process_end *end_r)
{
	siginfo_t info;

	info.si_pid = 0;
	while (waitid(P_PID, (id_t)process->pid, &info,
		       WEXITED | WNOHANG | WNOWAIT) == -1) {
		if (errno != EINTR) {
			/* SIGCHLD is ignored: it went without a word. */
			*end_r = (struct process_end){0};
			return true;
		}
	}
	if (info.si_pid == 0)
		return false;
	*end_r = (struct process_end){0};
	if (info.si_code == CLD_EXITED)
		end_r->status = info.si_status;
	else
		end_r->signal = info.si_status;
	return true;
}

void process_describe(struct process_end end, struct buf *text)
{
	if (end.signal == 0)
		buf_addf(text, "exited with status %d", end.status);
	else
		buf_addf(text, "was ended by signal %d (%s)", end.signal,
			strsignal(end.signal));
}

static bool process_wait(const struct process *process, int64_t patience_ms)
{
	int64_t until_ms = os_clock_ms() + patience_ms;
	struct process_end end;

	while (!process_ended(process, &end)) {
		if (os_clock_ms() >= until_ms)
			return false;
		(void)poll(NULL, 0, LOOK_AGAIN_MS);
	}
	return true;
}

static void process_signal(const struct process *process, int number)
{
	(void)kill(process->detached ? -process->pid : process->pid, number);
}

void process_finish(struct process *process, int64_t patience_ms)
{
	if (!process_wait(process, patience_ms)) {
		process_signal(process, SIGTERM);
		(void)process_wait(process, patience_ms);
		process_signal(process, SIGKILL);
	} else if (process->detached) {
		process_signal(process, SIGTERM);
	}
	while (waitpid(process->pid, NULL, 0) == -1 && errno == EINTR)
		;
	*process = (struct process){0};
}
