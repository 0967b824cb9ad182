/* RLIMIT_FSIZE: what fits is written, what does not is SIGXFSZ and EFBIG. */
#include "observe.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/uio.h>
#include <sys/wait.h>

static volatile sig_atomic_t signals;

static void on_signal(int signal)
{
	signals += signal == SIGXFSZ;
}

static void show(const char *what, long result)
{
	printf("%-28s %ld %s, signals %d\n", what, result, outcome(result), signals);
	signals = 0;
}

int main(void)
{
	static char bytes[8192];
	struct rlimit limit = { 10000, RLIM_INFINITY };
	struct iovec parts[2] = { { bytes, 3000 }, { bytes, 5000 } };
	int fd = temporary_file(0), ends[2];

	signal(SIGXFSZ, on_signal);
	setrlimit(RLIMIT_FSIZE, &limit);
	show("write 6000", write(fd, bytes, 6000));
	show("write 6000 more", write(fd, bytes, 6000));
	show("write at the limit", write(fd, bytes, 1));
	show("write nothing", write(fd, bytes, 0));
	show("pwrite below", pwrite(fd, bytes, 100, 9950));
	show("pwrite beyond", pwrite(fd, bytes, 100, 20000));
	show("pwritev across", pwritev(fd, parts, 2, 6000));
	show("ftruncate beyond", ftruncate(fd, 10001));
	show("ftruncate to the limit", ftruncate(fd, 10000));
	show("fallocate beyond", fallocate(fd, 0, 0, 10001));
	fcntl(fd, F_SETFL, O_APPEND);
	lseek(fd, 0, SEEK_SET);
	show("append", write(fd, bytes, 10));
	if (pipe(ends))
		return 1;
	limit.rlim_cur = 0;
	setrlimit(RLIMIT_FSIZE, &limit);
	show("pipes have no limit", write(ends[1], bytes, 10));
	pid_t child = fork();
	if (child == 0) {
		int status;

		signal(SIGXFSZ, SIG_DFL);
		status = pwrite(fd, bytes, 1, 0);
		_exit(status == 1);
	}
	int status;
	waitpid(child, &status, 0);
	dprintf(ends[1], "%d", 1);
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &limit);
	printf("killed by %d, core or not\n", WTERMSIG(status));
	return 0;
}
