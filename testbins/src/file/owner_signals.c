/*
 * Whom a file signals: F_SETOWN and its kin, F_SETSIG, O_ASYNC of pipes and sockets, F_NOTIFY, a lease that is broken.
 */
#include "observe.h"
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void expect(const char *what, int fd)
{
	struct timespec patience = {1, 0}, none = {0, 0};
	siginfo_t info;
	sigset_t set;
	int signal;

	sigfillset(&set);
	signal = sigtimedwait(&set, &info, what[0] == '-' ? &none : &patience);
	if (signal < 0) {
		printf("%s: no signal\n", what);
		return;
	}
	printf("%s: signal %s%d, code %d", what, signal >= SIGRTMIN ? "RTMIN+" : "",
			signal >= SIGRTMIN ? signal - SIGRTMIN : signal, info.si_code);
	if (info.si_code > 0 && info.si_code <= 6 && signal != SIGCHLD)
		printf(", %s descriptor, band %lx", info.si_fd == fd ? "this" : "another", info.si_band);
	printf("\n");
}

/* Signals of which the kernel does not promise how many there are. */
static void forget(void)
{
	struct timespec none = {0, 0};
	sigset_t set;

	sigfillset(&set);
	while (sigtimedwait(&set, NULL, &none) > 0)
		;
}

static void arguments(void)
{
	struct f_owner_ex owner = {F_OWNER_TID, 0};
	int fds[2], who = 7;
	pid_t me = getpid(), child;

	if (pipe(fds))
		return;
	printf("owner at first: %d, signal %d\n", fcntl(fds[0], F_GETOWN), fcntl(fds[0], F_GETSIG));
	printf("nobody's id: %s, least: %s\n", outcome(fcntl(fds[0], F_SETOWN, 0x3ffffff)),
			outcome(fcntl(fds[0], F_SETOWN, INT_MIN)));
	printf("set: %s", outcome(fcntl(fds[0], F_SETOWN, me)));
	printf(", mine: %s\n", fcntl(fds[0], F_GETOWN) == me ? "yes" : "no");
	printf("group: %s", outcome(fcntl(fds[0], F_SETOWN, -getpgrp())));
	printf(", extended: %s", outcome(fcntl(fds[0], F_GETOWN_EX, &owner)));
	printf(", type %d, %s\n", owner.type, owner.pid == getpgrp() ? "my group" : "another");
	owner.type = 3;
	printf("unknown type: %s\n", outcome(fcntl(fds[0], F_SETOWN_EX, &owner)));
	owner.type = F_OWNER_TID;
	owner.pid = me;
	printf("task: %s", outcome(fcntl(fds[0], F_SETOWN_EX, &owner)));
	printf(", mine: %s\n", fcntl(fds[0], F_GETOWN) == me ? "yes" : "no");
	printf("bad address: %s\n", outcome(fcntl(fds[0], F_SETOWN_EX, 8)));
	child = fork();
	if (!child)
		_exit(0);
	fcntl(fds[0], F_SETOWN, child);
	waitpid(child, NULL, 0);
	printf("owner that is gone: %d\n", fcntl(fds[0], F_GETOWN));
	fcntl(fds[0], F_SETOWN, 0);
	printf("taken back: %d\n", fcntl(fds[0], F_GETOWN));
	printf("signal 65: %s, 10: %s", outcome(fcntl(fds[0], F_SETSIG, 65)), outcome(fcntl(fds[0], F_SETSIG, 10)));
	printf(", now %d\n", fcntl(fds[0], F_GETSIG));
	printf("pipe: FIOSETOWN %s\n", outcome(ioctl(fds[0], FIOSETOWN, &me)));
	close(fds[0]);
	close(fds[1]);
	fds[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	printf("socket: FIOSETOWN %s", outcome(ioctl(fds[0], FIOSETOWN, &me)));
	printf(", FIOGETOWN %s", outcome(ioctl(fds[0], FIOGETOWN, &who)));
	printf(", %s\n", who == me ? "me" : "another");
	close(fds[0]);
}

static void transfers(const char *what, int reader, int writer)
{
	char c;

	printf("%s\n", what);
	fcntl(reader, F_SETOWN, getpid());
	printf("flag: %s", outcome(fcntl(reader, F_SETFL, O_ASYNC)));
	printf(", is %s\n", fcntl(reader, F_GETFL) & O_ASYNC ? "on" : "off");
	if (write(writer, "a", 1) != 1)
		return;
	expect("-after a write", reader);
	fcntl(reader, F_SETSIG, SIGRTMIN + 3);
	if (read(reader, &c, 1) != 1 || write(writer, "b", 1) != 1)
		return;
	expect("-with a signal of its own", reader);
	fcntl(reader, F_SETSIG, SIGIO);
	if (read(reader, &c, 1) != 1 || write(writer, "c", 1) != 1)
		return;
	expect("-SIGIO asked for", reader);
	fcntl(reader, F_SETSIG, SIGCHLD);
	if (read(reader, &c, 1) != 1 || write(writer, "d", 1) != 1)
		return;
	expect("-SIGCHLD asked for", reader);
	fcntl(reader, F_SETFL, 0);
	if (read(reader, &c, 1) != 1 || write(writer, "e", 1) != 1)
		return;
	expect("-switched off", reader);
	close(reader);
	close(writer);
}

static void full_pipe(void)
{
	static char block[4096];
	int fds[2];

	if (pipe2(fds, O_NONBLOCK))
		return;
	while (write(fds[1], block, sizeof(block)) > 0)
		;
	fcntl(fds[1], F_SETOWN, getpid());
	fcntl(fds[1], F_SETSIG, SIGRTMIN + 1);
	fcntl(fds[1], F_SETFL, O_NONBLOCK | O_ASYNC);
	if (read(fds[0], block, sizeof(block)) != sizeof(block))
		return;
	expect("-room in a full pipe", fds[1]);
	close(fds[0]);
	close(fds[1]);
	forget();
}

static void notify(void)
{
	char dir[] = "/tmp/faultline.XXXXXX", name[64];
	int fd, file;

	if (!mkdtemp(dir))
		return;
	snprintf(name, sizeof(name), "%s/file", dir);
	fd = open(dir, O_RDONLY);
	fcntl(fd, F_SETSIG, SIGRTMIN + 2);
	printf("notify: %s\n", outcome(fcntl(fd, F_NOTIFY, DN_CREATE | DN_DELETE | DN_MULTISHOT)));
	file = open(name, O_CREAT | O_RDWR, 0600);
	expect("created", fd);
	printf("of a file: %s\n", outcome(fcntl(file, F_NOTIFY, DN_ACCESS)));
	fcntl(file, F_SETSIG, SIGRTMIN + 4);
	close(file);
	file = open(name, O_RDONLY);
	fcntl(file, F_SETSIG, SIGRTMIN + 4);
	printf("lease: %s\n", outcome(fcntl(file, F_SETLEASE, F_RDLCK)));
	printf("writer: %s\n", outcome(open(name, O_WRONLY | O_NONBLOCK)));
	expect("lease to be broken", file);
	fcntl(file, F_SETLEASE, F_UNLCK);
	close(file);
	unlink(name);
	expect("deleted", fd);
	close(fd);
	rmdir(dir);
}

int main(void)
{
	int fds[2];
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	arguments();
	forget();
	if (pipe(fds))
		return 1;
	transfers("pipe", fds[0], fds[1]);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return 1;
	transfers("socket", fds[0], fds[1]);
	full_pipe();
	notify();
	return 0;
}
