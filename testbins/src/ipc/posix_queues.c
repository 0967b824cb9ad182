/*
 * POSIX message queues: arguments, order by priority, full and empty ones, waiting, notification, attributes, poll.
 */
#include "asleep.h"
#include "observe.h"
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static char name[32];

static mqd_t make(int flags, long messages, long bytes)
{
	struct mq_attr attr = {.mq_maxmsg = messages, .mq_msgsize = bytes};

	return mq_open(name, flags, 0600, messages ? &attr : NULL);
}

static void opening(void)
{
	struct mq_attr attr;
	struct stat st;
	mqd_t q;

	printf("absent: %s, no slash: %s, two: %s\n", outcome(mq_open(name, O_RDWR)),
			outcome(mq_open("x", O_RDWR)), outcome(mq_open("/x/y", O_RDWR | O_CREAT, 0600, NULL)));
	printf("no name: %s, a dot: %s\n", outcome(syscall(SYS_mq_open, "", O_RDWR, 0, NULL)),
			outcome(mq_open("/.", O_RDWR)));
	printf("0 messages: %s, 0 bytes: %s", outcome(make(O_RDWR | O_CREAT, -1, 10)), outcome(make(O_RDWR | O_CREAT, 1, 0)));
	printf(", 65537 messages: %s\n", outcome(make(O_RDWR | O_CREAT, 65537, 1)));
	q = make(O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0, 0);
	printf("made: %s", q < 0 ? outcome(q) : "ok");
	printf(", again: %s, both ways: %s\n", outcome(make(O_RDWR | O_CREAT | O_EXCL, 0, 0)), outcome(mq_open(name, 3)));
	mq_getattr(q, &attr);
	printf("as usual: flags %lx, %ld of %ld bytes, %ld now\n", attr.mq_flags, attr.mq_maxmsg, attr.mq_msgsize,
			attr.mq_curmsgs);
	fstat(q, &st);
	printf("mode %o, size %ld, close on exec %d\n", st.st_mode, (long)st.st_size, fcntl(q, F_GETFD));
	attr.mq_flags = O_APPEND;
	printf("unknown flag: %s", outcome(mq_setattr(q, &attr, NULL)));
	attr.mq_flags = 0;
	printf(", blocking: %s, flags %x\n", outcome(mq_setattr(q, &attr, NULL)), fcntl(q, F_GETFL) & O_NONBLOCK);
	printf("not a queue: %s, %s\n", outcome(mq_getattr(0, &attr)), outcome(mq_send(1, "", 0, 0)));
	mq_close(q);
	printf("unlink: %s", outcome(mq_unlink(name)));
	printf(", again: %s\n", outcome(mq_unlink(name)));
}

static void show(mqd_t q)
{
	char text[64];
	unsigned priority = 0;
	ssize_t n = mq_receive(q, text, sizeof(text), &priority);

	if (n < 0)
		printf(" %s", outcome(n));
	else
		printf(" %.*s/%u", (int)n, text, priority);
}

static void messages(void)
{
	struct timespec past = {1, 0}, bad = {1, 1000000000};
	char text[64];
	struct pollfd p;
	mqd_t q = make(O_RDWR | O_CREAT | O_NONBLOCK, 4, 8), reader = mq_open(name, O_RDONLY | O_NONBLOCK);
	struct epoll_event event = {.events = EPOLLIN}, got;
	int ep = epoll_create1(0);

	epoll_ctl(ep, EPOLL_CTL_ADD, q, &event);
	p = (struct pollfd){q, POLLIN | POLLOUT, 0};
	printf("empty: %s, small buffer: %s", outcome(mq_receive(q, text, 64, NULL)), outcome(mq_receive(q, text, 7, NULL)));
	poll(&p, 1, 0);
	printf(", poll %x, epoll %d\n", p.revents, epoll_wait(ep, &got, 1, 0));
	printf("too long: %s, priority: %s, reader: %s\n", outcome(mq_send(q, "123456789", 9, 0)),
			outcome(mq_send(q, "", 0, 32768)), outcome(mq_send(reader, "", 0, 0)));
	mq_send(q, "low", 3, 1);
	mq_send(q, "high", 4, 9);
	poll(&p, 1, 0);
	printf("two: poll %x, epoll %d\n", p.revents, epoll_wait(ep, &got, 1, 0));
	mq_send(q, "high2", 5, 9);
	mq_send(q, "", 0, 0);
	poll(&p, 1, 0);
	printf("four: poll %x, one more: %s\n", p.revents, outcome(mq_send(q, "", 0, 0)));
	memset(text, 0, sizeof(text));
	if (read(q, text, sizeof(text)) < 0)
		return;
	printf("read: %s", text);
	fcntl(q, F_SETFL, 0);
	printf("full, time over: %s, bad time: %s\n", outcome(mq_timedsend(q, "", 0, 0, &past)),
			outcome(mq_timedsend(q, "", 0, 0, &bad)));
	printf("received:");
	for (int i = 0; i < 4; i++)
		show(reader);
	show(reader);
	printf("\nempty, time over: %s\n", outcome(mq_timedreceive(q, text, 64, NULL, &past)));
	close(ep);
	mq_close(q);
	mq_close(reader);
	mq_unlink(name);
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void waiting(void)
{
	struct sigaction action = {.sa_handler = on_alarm};
	mqd_t q = make(O_RDWR | O_CREAT, 1, 8);
	char text[8];
	unsigned priority;
	int status;
	pid_t child;

	mq_unlink(name);
	fflush(stdout);
	child = fork();
	if (!child) {
		for (int i = 0; i < 3; i++) {
			ssize_t n = mq_receive(q, text, 8, &priority);
			printf("child: %.*s/%u\n", (int)n, text, priority);
		}
		fflush(stdout);
		_exit(0);
	}
	mq_send(q, "one", 3, 1);
	mq_send(q, "two", 3, 1);
	mq_send(q, "three", 5, 1);
	waitpid(child, &status, 0);
	sigaction(SIGALRM, &action, NULL);
	pthread_t interrupter = interrupt_in(SYS_mq_timedreceive, SIGALRM);
	printf("interrupted: %s\n", outcome(mq_receive(q, text, 8, NULL)));
	pthread_join(interrupter, NULL);
	mq_close(q);
}

static void notification(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
	struct timespec soon = {1, 0}, now = {0, 0};
	mqd_t q = make(O_RDWR | O_CREAT | O_NONBLOCK, 4, 8), other;
	siginfo_t info;
	sigset_t set;
	pid_t child;
	char text[8];

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	printf("notify: %s", outcome(mq_notify(q, &event)));
	printf(", again: %s\n", outcome(mq_notify(q, &event)));
	child = fork();
	if (!child)
		_exit(mq_notify(q, &event) == -1 && errno == EBUSY && !mq_notify(q, NULL) && !mq_send(q, "x", 1, 0) ? 0 : 1);
	printf("signal %s", sigtimedwait(&set, &info, &soon) == SIGUSR1 ? "USR1" : "none");
	printf(", code %d, value %d, from %s\n", info.si_code, info.si_value.sival_int, info.si_pid == child ? "child" : "?");
	waitpid(child, NULL, 0);
	mq_receive(q, text, 8, NULL);
	mq_send(q, "y", 1, 0);
	printf("once: %s\n", outcome(sigtimedwait(&set, &info, &now)));
	mq_notify(q, &event);
	mq_send(q, "z", 1, 0);
	printf("not empty before: %s\n", outcome(sigtimedwait(&set, &info, &now)));
	printf("taken back: %s", outcome(mq_notify(q, NULL)));
	printf(", again: %s\n", outcome(mq_notify(q, NULL)));
	mq_notify(q, &event);
	other = mq_open(name, O_RDONLY);
	mq_close(other);
	event.sigev_notify = SIGEV_NONE;
	printf("after a close: %s\n", outcome(mq_notify(q, &event)));
	event.sigev_notify = 99;
	printf("unknown kind: %s", outcome(mq_notify(q, &event)));
	event = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
	printf(", signal 65: %s, not a queue: %s\n", outcome(mq_notify(q, &event)), outcome(mq_notify(0, NULL)));
	mq_close(q);
	mq_unlink(name);
}

static void limit(void)
{
	struct rlimit none = {1000, 1000};

	setrlimit(RLIMIT_MSGQUEUE, &none);
	printf("beyond RLIMIT_MSGQUEUE: %s\n", outcome(make(O_RDWR | O_CREAT, 10, 10)));
}

int main(void)
{
	snprintf(name, sizeof(name), "/faultline.%d", getpid());
	opening();
	messages();
	waiting();
	notification();
	limit();
	return 0;
}
