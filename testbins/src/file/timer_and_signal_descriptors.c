/*
 * timerfd and signalfd: arguments, what is read, poll, select and epoll, blocking reads, and bits beyond select's count.
 */
#include "observe.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#define MS 1000000L

static void timers(void)
{
	struct itimerspec soon = {.it_value = {0, 200 * MS}}, old, bad = {.it_value = {0, 1000000000}};
	struct itimerspec often = {.it_value = {0, MS}, .it_interval = {0, MS}}, off = {0};
	struct itimerspec late = {.it_value = {600, 0}};
	struct timespec since, now;
	uint64_t ticks = 0;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct pollfd p = {fd, POLLIN, 0};

	printf("unknown clock: %s, unknown flag: %s, other clock: %s\n", outcome(timerfd_create(99, 0)),
			outcome(timerfd_create(CLOCK_REALTIME, 1)), outcome(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0)));
	printf("read while off: %s\n", outcome(read(fd, &ticks, 8)));
	printf("bad time: %s, unknown flag: %s\n", outcome(timerfd_settime(fd, 0, &bad, NULL)),
			outcome(timerfd_settime(fd, 8, &soon, NULL)));
	printf("of another file: %s, of none: %s\n", outcome(timerfd_settime(1, 0, &soon, NULL)),
			outcome(timerfd_gettime(99, &old)));
	timerfd_settime(fd, 0, &late, NULL);
	timerfd_gettime(fd, &old);
	printf("left: %s, interval %ld\n", old.it_value.tv_sec > 0 && old.it_value.tv_sec <= 600 ? "in time" : "wrong",
			old.it_interval.tv_nsec);
	printf("poll before: %d", poll(&p, 1, 0));
	timerfd_settime(fd, 0, &soon, NULL);
	printf(", poll after: %d", poll(&p, 1, 5000));
	printf(", events %x\n", p.revents);
	printf("read of 4 bytes: %s", outcome(read(fd, &ticks, 4)));
	printf(", of 8: %zd", read(fd, &ticks, 8));
	printf(", ticks %lu", ticks);
	printf(", again: %s\n", outcome(read(fd, &ticks, 8)));
	clock_gettime(CLOCK_MONOTONIC, &since);
	timerfd_settime(fd, 0, &often, NULL);
	usleep(20000);
	int counted = read(fd, &ticks, 8) == 8;
	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t passed = (uint64_t)((now.tv_sec - since.tv_sec) * 1000 + (now.tv_nsec - since.tv_nsec) / MS);
	printf("every millisecond for 20: %s", counted && ticks >= 15 && ticks <= passed + 1 ? "many" : "few");
	timerfd_settime(fd, 0, &off, &old);
	printf(", old interval %ld, off: %s\n", old.it_interval.tv_nsec, outcome(read(fd, &ticks, 8)));
	fcntl(fd, F_SETFL, 0);
	clock_gettime(CLOCK_MONOTONIC, &soon.it_value);
	timerfd_settime(fd, TFD_TIMER_ABSTIME, &soon, NULL);
	printf("absolute, blocking read: %zd", read(fd, &ticks, 8));
	printf(", ticks %lu\n", ticks);
	printf("write: %s, lseek: %s\n", outcome(write(fd, &ticks, 8)), outcome(lseek(fd, 0, SEEK_SET)));
	close(fd);
}

static void show(int fd)
{
	struct signalfd_siginfo info[4];
	ssize_t n = read(fd, info, sizeof(info));

	if (n < 0)
		printf("  nothing: %s\n", outcome(n));
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(info[0]); i++)
		printf("  signal %d code %d from %s, uid %u, value %d\n", info[i].ssi_signo, info[i].ssi_code,
				info[i].ssi_pid == (unsigned)getpid() ? "me" : info[i].ssi_pid ? "another" : "nobody",
				info[i].ssi_uid, info[i].ssi_int);
}

static void signals(void)
{
	sigset_t set;
	struct epoll_event event = {.events = EPOLLIN}, got;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	struct pollfd p = {fd, POLLIN, 0};
	int epoll = epoll_create1(0);
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	printf("unknown flag: %s, of another file: %s, of none: %s\n", outcome(signalfd(-1, &set, 1)),
			outcome(signalfd(1, &set, 0)), outcome(signalfd(99, &set, 0)));
	show(fd);
	printf("nothing pending: poll %d, epoll %d\n", poll(&p, 1, 0), epoll_wait(epoll, &got, 1, 0));
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 7});
	sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 8});
	printf("pending: poll %d, epoll %d\n", poll(&p, 1, 0), epoll_wait(epoll, &got, 1, 0));
	show(fd);
	printf("taken: poll %d, epoll %d\n", poll(&p, 1, 0), epoll_wait(epoll, &got, 1, 0));
	pid_t child = fork();
	if (child == 0)
		_exit(3);
	poll(&p, 1, 1000);
	show(fd);
	waitpid(child, &status, 0);
	sigdelset(&set, SIGUSR1);
	signalfd(fd, &set, 0);
	kill(getpid(), SIGUSR1);
	printf("not in the set any more: poll %d\n", poll(&p, 1, 0));
	show(fd);
	fcntl(fd, F_SETFL, 0);
	sigdelset(&set, SIGCHLD);
	signalfd(fd, &set, 0);
	child = fork();
	if (child == 0) {
		usleep(5000);
		sigqueue(getppid(), SIGRTMIN, (union sigval){.sival_int = 9});
		_exit(0);
	}
	printf("blocking read\n");
	fflush(stdout);
	show(fd);
	waitpid(child, &status, 0);
	struct timespec none = {0, 0};
	siginfo_t info;
	printf("left for sigtimedwait: %s\n", sigtimedwait(&(sigset_t){{1UL << (SIGUSR1 - 1)}}, &info, &none) == SIGUSR1
			? "yes" : "no");
}

static void select_counts(void)
{
	struct timeval none = {0, 0};
	int pipes[2];
	fd_set set;

	if (pipe(pipes))
		return;
	FD_ZERO(&set);
	FD_SET(pipes[1], &set);
	FD_SET(60, &set);
	printf("select of %s below the bit: %d", "one", select(pipes[1], NULL, &set, NULL, &none));
	printf(", set now %s\n", FD_ISSET(pipes[1], &set) || FD_ISSET(60, &set) ? "has bits" : "is empty");
	FD_SET(pipes[1], &set);
	FD_SET(60, &set);
	printf("select with the bit: %d", select(pipes[1] + 1, NULL, &set, NULL, &none));
	printf(", set %d, bit of no descriptor behind it %d\n", FD_ISSET(pipes[1], &set) != 0, FD_ISSET(60, &set) != 0);
}

int main(void)
{
	timers();
	signals();
	select_counts();
	return 0;
}
