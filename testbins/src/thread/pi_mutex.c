/*
 * cflags: -pthread
 * The C library's priority-inheriting mutexes: contended, tried, timed, with condition variables, and robust ones whose owner
 * ends, as a thread and as a process.
 */
#include "observe.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define THREADS 4
#define ROUNDS 300

static pthread_mutex_t mutex;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long sum;
static int turn;

static void make(pthread_mutex_t *m, int type, int robust, int shared)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	pthread_mutexattr_settype(&attributes, type);
	pthread_mutexattr_setrobust(&attributes, robust);
	pthread_mutexattr_setpshared(&attributes, shared);
	int result = pthread_mutex_init(m, &attributes);
	if (result)
		printf("init: %s\n", strerrorname_np(result));
}

static const char *name(int result)
{
	return result ? strerrorname_np(result) : "ok";
}

static struct timespec soon(void)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_nsec += 10000000;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	return at;
}

static void *add(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		long old = sum;
		if (i % 50 == 0)
			sched_yield();
		sum = old + 1;
		pthread_mutex_unlock(&mutex);
	}
	return argument;
}

static void *try_and_wait(void *argument)
{
	struct timespec at = soon();

	printf("trylock: %s\n", name(pthread_mutex_trylock(&mutex)));
	printf("timedlock: %s\n", name(pthread_mutex_timedlock(&mutex, &at)));
	at = soon();
	clock_gettime(CLOCK_MONOTONIC, &at);
	printf("clocklock: %s\n", name(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &at)));
	printf("unlock of another's: %s\n", name(pthread_mutex_unlock(&mutex)));
	return argument;
}

static void *player(void *argument)
{
	for (int i = 0; i < 50; i++) {
		pthread_mutex_lock(&mutex);
		while (turn % 3 != (int)(long)argument)
			pthread_cond_wait(&changed, &mutex);
		turn++;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *ends_with_it(void *argument)
{
	pthread_mutex_lock(&mutex);
	if (argument)
		pthread_barrier_wait(&barrier);
	usleep(argument ? 20000 : 0);
	return NULL;
}

static void together(void *(*work)(void *), int count)
{
	pthread_t threads[THREADS];

	for (long i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

static void robust(void)
{
	pthread_t thread;

	make(&mutex, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PROCESS_PRIVATE);
	together(ends_with_it, 1);
	printf("robust, owner gone: %s\n", name(pthread_mutex_lock(&mutex)));
	printf("consistent: %s", name(pthread_mutex_consistent(&mutex)));
	printf(", unlock: %s\n", name(pthread_mutex_unlock(&mutex)));
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, ends_with_it, &mutex);
	pthread_barrier_wait(&barrier);
	printf("robust, owner ends while I wait: %s\n", name(pthread_mutex_lock(&mutex)));
	printf("unlock without making it consistent: %s\n", name(pthread_mutex_unlock(&mutex)));
	printf("then: %s\n", name(pthread_mutex_lock(&mutex)));
	pthread_join(thread, NULL);
}

static void robust_between_processes(void)
{
	pthread_mutex_t *shared = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	volatile int *locked = (int *)(shared + 1);
	int status;

	make(shared, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PROCESS_SHARED);
	pid_t child = fork();
	if (child == 0) {
		pthread_mutex_lock(shared);
		*locked = 1;
		usleep(20000);
		raise(SIGKILL);
	}
	while (!*locked)
		usleep(1000);
	printf("shared, owner killed while I wait: %s\n", name(pthread_mutex_lock(shared)));
	pthread_mutex_consistent(shared);
	waitpid(child, &status, 0);
	child = fork();
	if (child == 0)
		_exit(pthread_mutex_lock(shared) || pthread_mutex_unlock(shared));
	usleep(5000);
	pthread_mutex_unlock(shared);
	waitpid(child, &status, 0);
	printf("passed to another process: %d, back: %s\n", WEXITSTATUS(status), name(pthread_mutex_lock(shared)));
}

int main(void)
{
	make(&mutex, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_PRIVATE);
	together(add, THREADS);
	printf("added %ld\n", sum);
	make(&mutex, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_PRIVATE);
	printf("lock: %s\n", name(pthread_mutex_lock(&mutex)));
	printf("again: %s\n", name(pthread_mutex_lock(&mutex)));
	together(try_and_wait, 1);
	pthread_mutex_unlock(&mutex);
	together(player, 3);
	printf("turns %d\n", turn);
	robust();
	robust_between_processes();
	return 0;
}
