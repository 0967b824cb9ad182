/* Descriptors of processes: opening, waiting, signals, copies of descriptors, and CLONE_PIDFD. */
#include "observe.h"
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define P_PIDFD_ 3

static long pidfd_open_(pid_t pid, unsigned flags)
{
	return syscall(SYS_pidfd_open, pid, flags);
}

static long send_(long fd, int signal, siginfo_t *info, unsigned flags)
{
	return syscall(SYS_pidfd_send_signal, fd, signal, info, flags);
}

static int readable(int fd, int millis)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, millis) == 1 ? p.revents : 0;
}

static volatile sig_atomic_t got, got_code, got_value;

static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void)context;
	got = signal;
	got_code = info->si_code;
	got_value = info->si_value.sival_int;
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	siginfo_t info;
	int ends[2];
	char byte;

	sigaction(SIGUSR1, &action, NULL);
	if (pipe(ends))
		return 1;

	printf("open pid 0: %s\n", outcome(pidfd_open_(0, 0)));
	printf("open pid -1: %s\n", outcome(pidfd_open_(-1, 0)));
	printf("open bad flags: %s\n", outcome(pidfd_open_(getpid(), 1)));
	printf("open unused pid: %s\n", outcome(pidfd_open_(4194303, 0)));

	long self = pidfd_open_(getpid(), 0);
	printf("self: %s, cloexec %d, flags %x\n", outcome(self), fcntl(self, F_GETFD), fcntl(self, F_GETFL) & O_ACCMODE);
	printf("read: %s\n", outcome(read(self, &byte, 1)));
	printf("readable while running: %x\n", readable(self, 0));
	printf("signal 0: %s\n", outcome(send_(self, 0, NULL, 0)));
	printf("signal 99: %s\n", outcome(send_(self, 99, NULL, 0)));
	printf("signal, bad flags: %s\n", outcome(send_(self, 0, NULL, 64)));
	printf("signal to a pipe: %s\n", outcome(send_(ends[0], 0, NULL, 0)));
	printf("signal to nothing: %s\n", outcome(send_(99, 0, NULL, 0)));
	printf("signal: %s", outcome(send_(self, SIGUSR1, NULL, 0)));
	printf(" got %d code %d\n", got == SIGUSR1, got_code);
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGUSR1;
	info.si_code = SI_QUEUE;
	info.si_value.sival_int = 77;
	printf("queued: %s", outcome(send_(self, SIGUSR1, &info, 0)));
	printf(" code %d value %d\n", got_code == SI_QUEUE, got_value);
	info.si_signo = SIGUSR2;
	printf("queued under another number: %s\n", outcome(send_(self, SIGUSR1, &info, 0)));

	pid_t child = fork();
	if (child == 0) {
		if (read(ends[0], &byte, 1) != 1)
			_exit(1);
		_exit(7);
	}
	long fd = pidfd_open_(child, 0);
	long nonblocking = pidfd_open_(child, O_NONBLOCK);
	printf("child: %s %s\n", outcome(fd), outcome(nonblocking));
	printf("readable: %x\n", readable(fd, 0));
	memset(&info, 0, sizeof(info));
	printf("waitid on a non-blocking one: %s\n", outcome(waitid(P_PIDFD_, nonblocking, &info, WEXITED)));
	printf("waitid of a pipe: %s\n", outcome(waitid(P_PIDFD_, ends[0], &info, WEXITED)));
	printf("waitid of self: %s\n", outcome(waitid(P_PIDFD_, self, &info, WEXITED)));
	long copy = syscall(SYS_pidfd_getfd, fd, ends[1], 0);
	printf("getfd: %s, cloexec %d\n", outcome(copy), fcntl(copy, F_GETFD));
	printf("getfd of nothing: %s\n", outcome(syscall(SYS_pidfd_getfd, fd, 999, 0)));
	printf("getfd, flags: %s\n", outcome(syscall(SYS_pidfd_getfd, fd, ends[1], 1)));
	printf("getfd of a pipe: %s\n", outcome(syscall(SYS_pidfd_getfd, ends[0], ends[1], 0)));
	printf("write to the copy: %zd\n", write(copy, "x", 1));
	printf("readable at the end: %x\n", readable(fd, 5000));
	printf("signal to a zombie: %s\n", outcome(send_(fd, SIGTERM, NULL, 0)));
	printf("waitid: %s", outcome(waitid(P_PIDFD_, fd, &info, WEXITED)));
	printf(" child %d code %d status %d\n", info.si_pid == child, info.si_code, info.si_status);
	printf("readable after: %x\n", readable(fd, 0));
	printf("signal after: %s\n", outcome(send_(fd, SIGTERM, NULL, 0)));
	printf("getfd after: %s\n", outcome(syscall(SYS_pidfd_getfd, fd, 0, 0)));
	printf("waitid after: %s\n", outcome(waitid(P_PIDFD_, fd, &info, WEXITED)));

	int made = -1;
	struct clone_args args = { .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&made, .exit_signal = SIGCHLD };
	child = syscall(SYS_clone3, &args, sizeof(args));
	if (child == 0) {
		pause();
		_exit(1);
	}
	printf("clone3: %s, descriptor %d, cloexec %d\n", outcome(child), made >= 0, fcntl(made, F_GETFD));
	printf("kill: %s", outcome(send_(made, SIGKILL, NULL, 0)));
	printf(" readable %x", readable(made, 5000));
	printf(" waitid: %s", outcome(waitid(P_PIDFD_, made, &info, WEXITED)));
	printf(" code %d status %d\n", info.si_code, info.si_status);

	child = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &made, 0, 0);
	if (child == 0)
		_exit(3);
	printf("clone: %s readable %x", outcome(child), readable(made, 5000));
	printf(" waitid: %s", outcome(waitid(P_PIDFD_, made, &info, WEXITED)));
	printf(" status %d\n", info.si_status);
	printf("clone with two uses of one pointer: %s\n",
	       outcome(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &made, 0, 0)));
	return 0;
}
