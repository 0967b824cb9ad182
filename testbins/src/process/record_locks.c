/* POSIX record locks between processes: conflicts, splitting, what closing does, waiting, deadlock. */
#include "asleep.h"
#include "observe.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static int fd;

static long lock(int file, int command, int type, int whence, long start, long length)
{
	struct flock l = { .l_type = type, .l_whence = whence, .l_start = start, .l_len = length };

	return fcntl(file, command, &l);
}

static void say(const char *what, long result)
{
	printf("%-40s %s\n", what, outcome(result));
	fflush(stdout);
}

/* What another process sees of a range. */
static void seen(const char *what, long start, long length)
{
	fflush(stdout);
	pid_t parent = getpid(), child = fork();

	if (child == 0) {
		struct flock l = { .l_type = F_WRLCK, .l_start = start, .l_len = length };
		if (fcntl(fd, F_GETLK, &l))
			printf("%s: %s\n", what, strerrorname_np(errno));
		else if (l.l_type == F_UNLCK)
			printf("%-40s free\n", what);
		else
			printf("%-40s %s %ld+%ld whence %d by parent %d\n", what, l.l_type == F_RDLCK ? "read" : "write",
			       (long)l.l_start, (long)l.l_len, l.l_whence, l.l_pid == parent);
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void on_alarm(int signal)
{
	(void)signal;
}

int main(void)
{
	int to_child[2], to_parent[2];
	struct sigaction action = { .sa_handler = on_alarm };
	char c;

	fd = temporary_file(100);
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int reader = open(path, O_RDONLY);
	if (reader < 0 || pipe(to_child) || pipe(to_parent))
		return 1;
	say("lock 10+10", lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 10, 10));
	seen("all", 0, 0);
	say("make the middle a read lock", lock(fd, F_SETLK, F_RDLCK, SEEK_SET, 13, 4));
	seen("10+3", 10, 3);
	seen("13+4", 13, 4);
	seen("17+3", 17, 3);
	say("unlock 15+1", lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 15, 1));
	seen("14+1", 14, 1);
	seen("15+1", 15, 1);
	seen("16+1", 16, 1);
	say("lock 13+4 for writing again", lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 13, 4));
	seen("merged", 0, 0);
	say("negative length", lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 50, -5));
	seen("45+5", 40, 20);
	say("from the end", lock(fd, F_SETLK, F_WRLCK, SEEK_END, -1, 0));
	seen("99 to the end", 60, 0);
	say("before the start", lock(fd, F_SETLK, F_WRLCK, SEEK_SET, -1, 1));
	say("too far", lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 10, __LONG_MAX__));
	say("unknown whence", lock(fd, F_SETLK, F_WRLCK, 9, 0, 1));
	say("unknown type", lock(fd, F_SETLK, 9, SEEK_SET, 0, 1));
	say("F_GETLK of no lock", lock(fd, F_GETLK, F_UNLCK, SEEK_SET, 0, 1));
	say("write lock by a reader", lock(reader, F_SETLK, F_WRLCK, SEEK_SET, 0, 1));
	say("read lock by a reader", lock(reader, F_SETLK, F_RDLCK, SEEK_SET, 0, 1));
	say("bad pointer", fcntl(fd, F_SETLK, (void *)16));
	close(reader);
	seen("all, after another descriptor was closed", 0, 0);
	say("lock again", lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 10, 10));
	int twin = dup(fd);
	close(twin);
	seen("all, after a duplicate was closed", 0, 0);

	say("lock 0+1", lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 1));
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		say("child: not its own", lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 1));
		action.sa_flags = 0;
		sigaction(SIGALRM, &action, NULL);
		pthread_t interrupter = interrupt_in(SYS_fcntl, SIGALRM);
		say("child: interrupted", lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 1));
		pthread_join(interrupter, NULL);
		say("child: lock 1+1", lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 1, 1));
		if (write(to_parent[1], "x", 1) != 1)
			_exit(1);
		say("child: waited for", lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 1));
		if (write(to_parent[1], "y", 1) != 1 || read(to_child[0], &c, 1) != 1)
			_exit(1);
		_exit(0);
	}
	if (read(to_parent[0], &c, 1) != 1)
		return 1;
	until_asleep_in(child, SYS_fcntl);
	say("a circle", lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 1, 1));
	say("unlock", 0);
	lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 1);
	if (read(to_parent[0], &c, 1) != 1)
		return 1;
	say("the child's now", lock(fd, F_SETLK, F_RDLCK, SEEK_SET, 0, 1));
	if (write(to_child[1], "z", 1) != 1)
		return 1;
	say("when the child has ended", lock(fd, F_SETLKW, F_RDLCK, SEEK_SET, 0, 2));
	waitpid(child, NULL, 0);
	return 0;
}
