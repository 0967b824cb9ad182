/*
 * epoll: EPOLLEXCLUSIVE wakes one of many, edges and one-shot, loops of epolls, epoll_pwait2's arguments and mask.
 */
#include "asleep.h"
#include "observe.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define WAITERS 3

static int add(int ep, int op, int fd, unsigned events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return epoll_ctl(ep, op, fd, &event);
}

static int ready(int ep)
{
	struct epoll_event event;
	int n = epoll_wait(ep, &event, 1, 0);

	return n > 0 ? (int)event.events : -n;
}

static void nothing(int signal)
{
	(void)signal;
}

static void exclusive(void)
{
	int fds[2], done[2], ep = epoll_create1(0), other = epoll_create1(0), status;
	struct epoll_event event;
	struct sigaction action = {.sa_handler = nothing};
	pid_t children[WAITERS];
	char c;

	if (pipe(fds) || pipe(done))
		return;
	printf("with one-shot: %s", outcome(add(ep, EPOLL_CTL_ADD, fds[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT)));
	printf(", of an epoll: %s", outcome(add(ep, EPOLL_CTL_ADD, other, EPOLLIN | EPOLLEXCLUSIVE)));
	printf(", changed to: %s", outcome(add(ep, EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLEXCLUSIVE)));
	printf(", added: %s", outcome(add(ep, EPOLL_CTL_ADD, fds[0], EPOLLIN | EPOLLEXCLUSIVE)));
	printf(", changed: %s\n", outcome(add(ep, EPOLL_CTL_MOD, fds[0], EPOLLIN)));
	sigaction(SIGALRM, &action, NULL);
	pthread_t interrupter = interrupt_in(SYS_epoll_wait, SIGALRM);
	printf("interrupted: %s", outcome(epoll_wait(ep, &event, 1, -1)));
	pthread_join(interrupter, NULL);
	printf(", time over: %d\n", epoll_wait(ep, &event, 1, 10));
	close(ep);
	fflush(stdout);
	for (int i = 0; i < WAITERS; i++) {
		children[i] = fork();
		if (children[i])
			continue;
		ep = epoll_create1(0);
		add(ep, EPOLL_CTL_ADD, fds[0], EPOLLIN | EPOLLET | EPOLLEXCLUSIVE);
		if (write(done[1], "r", 1) != 1 || epoll_wait(ep, &event, 1, 5000) != 1 || write(done[1], "d", 1) != 1)
			_exit(1);
		_exit(0);
	}
	for (int i = 0; i < WAITERS; i++)
		if (read(done[0], &c, 1) != 1)
			return;
	for (int i = 0; i < WAITERS; i++)
		until_asleep_in(children[i], SYS_epoll_wait);
	usleep(20000);
	for (int i = 0; i < WAITERS; i++) {
		if (write(fds[1], "x", 1) != 1)
			return;
		int woken = read(done[0], &c, 1);
		usleep(20000);
		fcntl(done[0], F_SETFL, O_NONBLOCK);
		while (read(done[0], &c, 1) == 1)
			woken++;
		fcntl(done[0], F_SETFL, 0);
		printf("event %d woke %d\n", i + 1, woken);
		if (read(fds[0], &c, 1) != 1)
			return;
	}
	for (int i = 0; i < WAITERS; i++)
		waitpid(children[i], &status, 0);
	close(other);
}

static void edges(void)
{
	int fds[2], ep = epoll_create1(0);
	char c;

	if (pipe(fds))
		return;
	add(ep, EPOLL_CTL_ADD, fds[0], EPOLLIN | EPOLLET);
	printf("edges: %x", ready(ep));
	if (write(fds[1], "ab", 2) != 2)
		return;
	printf(" %x", ready(ep));
	printf(" %x", ready(ep));
	if (read(fds[0], &c, 1) != 1)
		return;
	printf(" %x", ready(ep));
	if (write(fds[1], "c", 1) != 1)
		return;
	printf(" %x", ready(ep));
	add(ep, EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLET);
	printf(" %x\n", ready(ep));
	add(ep, EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLONESHOT);
	printf("one shot: %x", ready(ep));
	printf(" %x", ready(ep));
	add(ep, EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLONESHOT);
	printf(" %x", ready(ep));
	close(fds[1]);
	printf(", hung up: %x\n", ready(ep));
	close(fds[0]);
	close(ep);
}

static void loops(void)
{
	int eps[8];

	for (int i = 0; i < 8; i++)
		eps[i] = epoll_create1(0);
	printf("itself: %s", outcome(add(eps[0], EPOLL_CTL_ADD, eps[0], EPOLLIN)));
	add(eps[0], EPOLL_CTL_ADD, eps[1], EPOLLIN);
	printf(", two: %s", outcome(add(eps[1], EPOLL_CTL_ADD, eps[0], EPOLLIN)));
	add(eps[1], EPOLL_CTL_ADD, eps[2], EPOLLIN);
	printf(", three: %s\n", outcome(add(eps[2], EPOLL_CTL_ADD, eps[0], EPOLLIN)));
	for (int i = 2; i < 7; i++)
		printf("depth %d: %s\n", i + 1, outcome(add(eps[i], EPOLL_CTL_ADD, eps[i + 1], EPOLLIN)));
	for (int i = 0; i < 8; i++)
		close(eps[i]);
}

static void second_wait(void)
{
	struct timespec bad = {0, 1000000000}, negative = {-1, 0}, soon = {0, 1000000};
	struct epoll_event event;
	sigset_t none;
	int ep = epoll_create1(0);

	sigemptyset(&none);
	printf("bad times: %s", outcome(syscall(SYS_epoll_pwait2, ep, &event, 1, &bad, NULL, 0)));
	printf(" %s", outcome(syscall(SYS_epoll_pwait2, ep, &event, 1, &negative, NULL, 0)));
	printf(", set of 4 bytes: %s", outcome(syscall(SYS_epoll_pwait2, ep, &event, 1, &soon, &none, 4)));
	printf(", no room: %s", outcome(syscall(SYS_epoll_pwait2, ep, &event, 0, &soon, NULL, 0)));
	printf(", time over: %ld\n", syscall(SYS_epoll_pwait2, ep, &event, 1, &soon, &none, 8));
	close(ep);
}

int main(void)
{
	exclusive();
	edges();
	loops();
	second_wait();
	return 0;
}
