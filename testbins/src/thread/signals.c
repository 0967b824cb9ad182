/*
 * cflags: -pthread
 * Signals and threads: pthread_kill reaches its thread, each has its own mask, a fault belongs to the thread that made it.
 */
#include "observe.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

static __thread volatile int mine;
static __thread sigjmp_buf back;
static pthread_barrier_t barrier;
static int caught, faults;

static void handler(int signal)
{
	(void)signal;
	mine++;
	__sync_fetch_and_add(&caught, 1);
}

static void fault_handler(int signal)
{
	siglongjmp(back, signal);
}

static void *blocked(void *argument)
{
	sigset_t set, pending;

	(void)argument;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	sigpending(&pending);
	int was = sigismember(&pending, SIGUSR1);
	int before = mine;
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	printf("blocked thread: pending %d, handled %d, then %d\n", was, before, mine);
	return NULL;
}

static void *faulting(void *argument)
{
	for (volatile int i = 0; i < 50; i++)
		if (!sigsetjmp(back, 1))
			*(volatile char *)argument = 1;
		else
			__sync_fetch_and_add(&faults, 1);
	return NULL;
}

int main(void)
{
	pthread_t thread, several[4];

	signal(SIGUSR1, handler);
	signal(SIGSEGV, fault_handler);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, blocked, NULL);
	pthread_barrier_wait(&barrier);
	pthread_kill(thread, SIGUSR1);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	printf("main handled %d, all %d\n", mine, caught);
	for (int i = 0; i < 4; i++)
		pthread_create(&several[i], NULL, faulting, (void *)8);
	for (int i = 0; i < 4; i++)
		pthread_join(several[i], NULL);
	printf("faults of four threads: %d\n", faults);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR1);
	printf("main handled %d\n", mine);
	return 0;
}
