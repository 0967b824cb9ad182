/*
 * A process that takes more memory than there is: it is killed, and the others live on. First argument: how many MiB it takes
 * (default 2, which there are). Second argument: the oom_score_adj of a small process, which waits; 1000 makes that one go first.
 * Third argument: the signals that end the two, 0 for none; the exit status then tells whether it was so, and nothing is printed.
 */
#include "observe.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static void set_adjustment(const char *value)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		printf("oom_score_adj: %s\n", strerrorname_np(errno));
	close(fd);
}

static int quiet;

static void tell(const char *who, int status)
{
	if (quiet)
		return;
	if (WIFSIGNALED(status))
		printf("%s: signal %d\n", who, WTERMSIG(status));
	else
		printf("%s: status %d\n", who, WEXITSTATUS(status));
	fflush(stdout);
}

/* Keeps a quarter MiB until the pipe closes; 0 when it still has what it wrote. Says when it has it. */
static int small(int pipe, int ready)
{
	char *p = map_private(64 * PAGE);
	char c = 'r';

	write_pages(p, 64);
	if (write(ready, &c, 1) != 1)
		return 1;
	close(ready);
	if (read(pipe, &c, 1) != 0)
		return 1;
	for (int i = 0; i < 64; i++)
		if (p[i * PAGE] != (char)(i + 1))
			return 2;
	return 0;
}

static int hog(size_t mib)
{
	long sum = 0;

	for (size_t i = 0; i < mib; i++) {
		char *p = map_private(256 * PAGE);

		write_pages(p, 256);
		sum += p[PAGE];
	}
	return sum != (long)mib * 2;
}

int main(int argc, char **argv)
{
	int pipes[2], ready[2], status, first, second;
	char c;

	quiet = argc > 3;
	if (pipe(pipes) || pipe(ready))
		return 1;
	pid_t waiting = fork();
	if (waiting == 0) {
		close(pipes[1]);
		set_adjustment(argc > 2 ? argv[2] : "0");
		_exit(small(pipes[0], ready[1]));
	}
	close(pipes[0]);
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		return 1;
	pid_t big = fork();
	if (big == 0) {
		close(pipes[1]);
		_exit(hog(argc > 1 ? strtoul(argv[1], NULL, 0) : 2));
	}
	waitpid(big, &status, 0);
	tell("the one that takes much", status);
	int ended = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	close(pipes[1]);
	waitpid(waiting, &status, 0);
	tell("the one that waits", status);
	if (quiet && sscanf(argv[3], "%d %d", &first, &second) == 2)
		return first != ended || second != (WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return 0;
}
