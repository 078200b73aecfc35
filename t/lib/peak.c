/*
 * How: the command is run as a child, and the kernel asked for the largest
 * resident set that children had.
 *
 * peak FILE COMMAND...: writes to FILE how many KiB of memory the command had
 * at most, and ends with its status.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(char **argv)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	FILE *file;
	int status;

	if (argc < 3)
		return 127;
	status = run(argv + 2);
	file = fopen(argv[1], "w");
	if (file == NULL || getrusage(RUSAGE_CHILDREN, &usage) != 0)
		return 127;
	(void)fprintf(file, "%ld\n", usage.ru_maxrss);
	return fclose(file) == 0 ? status : 127;
}
