/* conf/config: reading the file, and who may have written it. */
#include "godwit/conf/config.h"

#include "godwit/base/limits.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char good[] = "accounts: {a: {tunnel: x, maildir: ~/m}}\n";
static const struct config_env env = {.home = "/home/alice"};

static struct arena arena;

static int load(const char *path, struct err *err)
{
	const struct config *config = NULL;

	return config_load(&arena, path, &env, &config, err);
}

static void file_write(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	check(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0 &&
		chmod(path, mode) == 0);
}

static void test_file(const char *folder)
{
	const char *path = arena_printf(&arena, "%s/godwit.yaml", folder);
	struct err err = {0};

	ok(load(path, &err) == -1, "a file that is not there is refused");
	is_str(str_of(err.text),
		str_of(arena_printf(&arena,
			"there is no config file %s: godwit.yaml(5) has one "
			"to start from",
			path)),
		"with a hint");
	is_int(err_status(err.cause), 78, "and the status of config");
	file_write(path, good, 0600);
	ok(load(path, &err) == 0, "a private file is read");
	file_write(path, good, 0664);
	ok(load(path, &err) == 0, "so is one of a group of one's own");
	file_write(path, good, 0646);
	ok(load(path, &err) == -1, "one that all may write to is refused");
	ok(load(folder, &err) == -1, "a folder is refused");
	check(unlink(path) == 0);
}

/* Runs config_load on a pipe that a child fills with `count` times `text`, a
 * byte at a time if that is once. */
static int load_piped(
	const char *text, size_t count, int *wait_status_r, struct err *err)
{
	const size_t piece = count == 1 ? 1 : strlen(text);
	int ends[2];
	pid_t child;
	int result;

	check(pipe(ends) == 0);
	child = fork();
	check(child >= 0);
	if (child == 0) {
		(void)close(ends[0]);
		for (size_t i = 0; i < count * strlen(text); i += piece) {
			if (write(ends[1], text + i % strlen(text), piece) < 0)
				_exit(1);
		}
		_exit(0);
	}
	(void)close(ends[1]);
	result = load(arena_printf(&arena, "/dev/fd/%d", ends[0]), err);
	(void)close(ends[0]);
	check(waitpid(child, wait_status_r, 0) == child);
	return result;
}

static void test_pipe(void)
{
	struct err err = {0};
	int wait_status;

	ok(load_piped(good, 1, &wait_status, &err) == 0,
		"a config is read from a pipe, a byte at a time");
	ok(load_piped("#aaaaaa\n", 1 << 20, &wait_status, &err) == -1,
		"a pipe that is too long for a config is refused");
	ok(wait_status != 0, "and left as soon as it is");
	is_str(str_of(err.text),
		str_of(arena_printf(&arena,
			"%.*s is larger than a config can "
			"be (1048576 bytes)",
			(int)strcspn(err.text, " "), err.text)),
		"with the limit");
}

int main(void)
{
	char folder[] = "/tmp/godwit-conf-XXXXXX";

	check(mkdtemp(folder) != NULL);
	test_file(folder);
	test_pipe();
	check(rmdir(folder) == 0);
	arena_clear(&arena);
	return tap_done();
}
