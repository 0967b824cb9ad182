/*
 * Locks of open files (F_OFD_*): conflicts with others of the process and with POSIX locks, dup, fork, what closing
 * does, waiting, and what /proc tells.
 */
#include "asleep.h"
#include "observe.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

static long lock(int file, int command, int type, long start, long length)
{
	struct flock l = {.l_type = type, .l_start = start, .l_len = length};

	return fcntl(file, command, &l);
}

static void say(const char *what, long result)
{
	printf("%-44s %s\n", what, outcome(result));
	fflush(stdout);
}

static void seen(const char *what, int file, int command, int type)
{
	struct flock l = {.l_type = type};

	if (fcntl(file, command, &l))
		printf("%-44s %s\n", what, outcome(-1));
	else if (l.l_type == F_UNLCK)
		printf("%-44s free\n", what);
	else
		printf("%-44s %s %ld+%ld by %s\n", what, l.l_type == F_RDLCK ? "read" : "write", (long)l.l_start,
				(long)l.l_len, l.l_pid == -1 ? "a file" : l.l_pid == getpid() ? "me" : "another");
	fflush(stdout);
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Lines of a file of /proc that tell of this inode, sorted. */
static void lines(const char *path, int fd)
{
	char line[256], inode[32], kind[32], access[32], found[16][128];
	struct stat st;
	int pid, n = 0;
	FILE *file = fopen(path, "r");

	fstat(fd, &st);
	snprintf(inode, sizeof(inode), ":%lu ", st.st_ino);
	while (file && n < 16 && fgets(line, sizeof(line), file)) {
		char *at = strstr(line, inode);
		if (!at || !strstr(line, "ADVISORY"))
			continue;
		char *colon = strchr(line + (strncmp(line, "lock:", 5) ? 0 : 5), ':') + 2;
		int waits = !strncmp(colon, "-> ", 3);
		if (sscanf(colon + (waits ? 3 : 0), "%31s ADVISORY %31s %d", kind, access, &pid) != 3)
			continue;
		snprintf(found[n++], sizeof(found[0]), "  %s%s %s %s %.40s", waits ? "-> " : "", kind, access,
				pid == -1 ? "-1" : pid == getpid() ? "me" : "another", at + strlen(inode));
	}
	if (file)
		fclose(file);
	qsort(found, n, sizeof(found[0]), compare);
	for (int i = 0; i < n; i++)
		printf("%s", found[i]);
}

static void nothing(int signal)
{
	(void)signal;
}

int main(void)
{
	struct sigaction action = {.sa_handler = nothing};
	struct flock with_pid = {.l_type = F_WRLCK, .l_pid = 1};
	char path[64], info[64];
	int first = temporary_file(100), second, twin, status;
	pid_t child;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", first);
	second = open(path, O_RDWR);
	snprintf(info, sizeof(info), "/proc/self/fdinfo/%d", first);
	say("with a process id", fcntl(first, F_OFD_SETLK, &with_pid));
	say("bad pointer", fcntl(first, F_OFD_SETLK, 16));
	say("unknown type", lock(first, F_OFD_SETLK, 7, 0, 1));
	say("first: write 10+10", lock(first, F_OFD_SETLK, F_WRLCK, 10, 10));
	say("second, same process: write 15+1", lock(second, F_OFD_SETLK, F_WRLCK, 15, 1));
	say("second: write 20+10", lock(second, F_OFD_SETLK, F_WRLCK, 20, 10));
	seen("second sees", second, F_OFD_GETLK, F_WRLCK);
	seen("first sees", first, F_OFD_GETLK, F_WRLCK);
	seen("first, its own", first, F_OFD_GETLK, F_UNLCK);
	seen("POSIX sees", first, F_GETLK, F_WRLCK);
	say("POSIX in the way of its own file", lock(first, F_SETLK, F_RDLCK, 12, 1));
	say("POSIX write 40+10", lock(first, F_SETLK, F_WRLCK, 40, 10));
	say("file against POSIX", lock(first, F_OFD_SETLK, F_RDLCK, 45, 1));
	say("file, to the end", lock(first, F_OFD_SETLK, F_RDLCK, 60, 0));
	printf("fdinfo:\n");
	lines(info, first);
	twin = dup(first);
	close(twin);
	say("a duplicate closed: the file's stays", lock(second, F_OFD_SETLK, F_WRLCK, 10, 1));
	say("but not the POSIX one", lock(second, F_OFD_SETLK, F_WRLCK, 40, 1));
	say("unlock the middle", lock(first, F_OFD_SETLK, F_UNLCK, 13, 2));
	say("second: write 13+2", lock(second, F_OFD_SETLK, F_WRLCK, 13, 2));
	fflush(stdout);
	child = fork();
	if (!child) {
		say("child: the file is its own, too", lock(first, F_OFD_SETLK, F_RDLCK, 10, 3));
		sigaction(SIGALRM, &action, NULL);
		pthread_t interrupter = interrupt_in(SYS_fcntl, SIGALRM);
		say("child: interrupted", lock(first, F_OFD_SETLKW, F_WRLCK, 20, 1));
		pthread_join(interrupter, NULL);
		_exit(0);
	}
	waitpid(child, &status, 0);
	say("what the child made a read lock", lock(second, F_OFD_SETLK, F_RDLCK, 10, 3));
	fflush(stdout);
	child = fork();
	if (!child) {
		close(first);
		_exit(lock(second, F_OFD_SETLKW, F_WRLCK, 16, 1) ? 1 : 0);
	}
	until_asleep_in(child, SYS_fcntl);
	printf("waiting:\n");
	lines("/proc/locks", first);
	close(first);
	waitpid(child, &status, 0);
	printf("closed, and the child has it: status %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	return 0;
}
