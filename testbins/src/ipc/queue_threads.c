/*
 * mq_notify(3) by a thread (SIGEV_THREAD): the C library waits at a netlink socket for what the kernel sends there.
 *
 * cflags: -pthread
 */
#include "observe.h"
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char name[32];
static mqd_t queue;
static sem_t told;
static int value;
static char received[8];

static void tell(union sigval about)
{
	ssize_t n = mq_receive(queue, received, sizeof(received), NULL);

	value = about.sival_int;
	received[n < 0 ? 0 : n] = 0;
	sem_post(&told);
}

static long ask(int about)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = tell, .sigev_value.sival_int = about};

	return mq_notify(queue, &event);
}

static void show_state(void)
{
	char text[80] = "";

	if (pread(queue, text, sizeof(text) - 1, 0) < 0)
		return;
	*strstr(text, "NOTIFY_PID") = 0;
	printf("%s\n", text);
}

static void by_the_library(void)
{
	for (int i = 0; i < 20; i++) {
		if (ask(i) != 0 || mq_send(queue, "hello", 5, 0) != 0)
			printf("%s\n", outcome(-1));
		sem_wait(&told);
		if (value != i || strcmp(received, "hello") != 0)
			printf("%d: %d %s\n", i, value, received);
	}
	printf("asked: %s", outcome(ask(77)));
	printf(", again: %s\n", outcome(ask(78)));
	show_state();
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		_exit(mq_notify(queue, NULL) || mq_send(queue, "child", 5, 0));
	sem_wait(&told);
	waitpid(child, NULL, 0);
	printf("sent by a child: %d %s\n", value, received);
	printf("asked: %s", outcome(ask(1)));
	printf(", taken back: %s\n", outcome(mq_notify(queue, NULL)));
	show_state();
}

static long ask_at(mqd_t q, int sock, char *cookie)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_signo = sock, .sigev_value.sival_ptr = cookie};

	return syscall(SYS_mq_notify, q, &event);
}

static void show(const char *what, int sock)
{
	char text[64];
	ssize_t n = recv(sock, text, sizeof(text), 0);

	printf("%s: %zd bytes, %.5s, last %d\n", what, n, text, text[31]);
}

/* What the kernel itself sends, in three sorts of ends. */
static void by_the_kernel(void)
{
	char cookie[32] = "abcde", text[64];
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
	int plain = socket(AF_UNIX, SOCK_DGRAM, 0);

	printf("no descriptor: %s", outcome(ask_at(queue, 99, cookie)));
	printf(", no socket: %s", outcome(ask_at(queue, 0, cookie)));
	printf(", another socket: %s", outcome(ask_at(queue, plain, cookie)));
	printf(", nowhere: %s", outcome(ask_at(queue, sock, (char *)8)));
	printf(", no queue: %s\n", outcome(ask_at(0, sock, cookie)));
	ask_at(queue, sock, cookie);
	mq_send(queue, "x", 1, 0);
	show("message", sock);
	mq_receive(queue, text, 8, NULL);
	ask_at(queue, sock, cookie);
	mq_notify(queue, NULL);
	show("taken back", sock);
	ask_at(queue, sock, cookie);
	mq_close(mq_open(name, O_RDONLY));
	show("a close", sock);
	ask_at(queue, sock, cookie);
	printf("busy: %s", outcome(ask_at(queue, sock, cookie)));
	printf(", nothing comes: %s\n", outcome(recv(sock, text, sizeof(text), MSG_DONTWAIT)));
	mq_close(queue);
	show("its own close", sock);
	close(sock);
	close(plain);
}

int main(void)
{
	struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 8};

	snprintf(name, sizeof(name), "/faultline.%d", getpid());
	sem_init(&told, 0, 0);
	queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attr);
	by_the_library();
	by_the_kernel();
	mq_unlink(name);
	return 0;
}
