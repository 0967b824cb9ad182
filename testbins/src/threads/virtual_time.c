/*
 * cflags: -pthread
 * Waits for hours in the ways there are. Only with a seed, where time jumps while everybody waits, does it end soon.
 */
#include "observe.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static volatile sig_atomic_t alarms;

static long seconds(void)
{
	static long begin;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!begin)
		begin = now.tv_sec;
	return now.tv_sec - begin;
}

static void *late(void *unused)
{
	struct timespec deadline;

	(void)unused;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 4 * 3600;
	pthread_mutex_lock(&mutex);
	int error = pthread_cond_timedwait(&condition, &mutex, &deadline);
	pthread_mutex_unlock(&mutex);
	printf("thread %ld s: %s\n", seconds(), strerrorname_np(error));
	return NULL;
}

static void on_alarm(int signal)
{
	alarms += signal == SIGALRM;
}

int main(void)
{
	struct timespec hour = { 3600, 0 };
	struct sigaction action = { .sa_handler = on_alarm };
	pthread_t thread;
	int ends[2];

	seconds();
	if (pipe(ends) || pthread_create(&thread, NULL, late, NULL))
		return 1;
	sigaction(SIGALRM, &action, NULL);
	alarm(3 * 3600);
	nanosleep(&hour, NULL);
	printf("slept %ld s\n", seconds());
	struct pollfd fd = { ends[0], POLLIN, 0 };
	int ready = poll(&fd, 1, 3600 * 1000);
	printf("poll %ld s: %d\n", seconds(), ready);
	sigset_t blocked, none;
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	while (!alarms)
		sigsuspend(&none);
	printf("timer %ld s\n", seconds());
	pthread_join(thread, NULL);
	return 0;
}
