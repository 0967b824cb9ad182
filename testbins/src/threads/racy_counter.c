/*
 * cflags: -pthread
 * Four threads and two more processes add to one counter without a lock, and tell who saw which value when. What it
 * prints depends on the schedule: two runs with one seed print the same, runs with different seeds should not.
 */
#include "observe.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <x86intrin.h>

#define THREADS 4
#define PROCESSES 2
#define ROUNDS 25
#define EVENTS ((THREADS + PROCESSES) * ROUNDS)

struct shared {
	volatile long counter;
	atomic_int next;
	struct {
		char who;
		long saw;
	} events[EVENTS];
};

static struct shared *shared;

/* Reads, does something, writes: whoever comes between is lost. */
static void add(char who)
{
	for (int i = 0; i < ROUNDS; i++) {
		long saw = shared->counter;
		for (volatile int spin = 0; spin < 20; spin++)
			;
		shared->counter = saw + 1;
		int at = atomic_fetch_add(&shared->next, 1);
		shared->events[at].who = who;
		shared->events[at].saw = saw;
	}
}

static void *thread(void *name)
{
	struct timespec pause = { 0, 20000 };

	add((char)(long)name);
	nanosleep(&pause, NULL);
	return NULL;
}

static long nanos(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000 + now.tv_nsec;
}

int main(void)
{
	pthread_t threads[THREADS];
	pid_t children[PROCESSES];
	int ends[2];
	unsigned random;
	char token;

	shared = map(sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	if (pipe(ends))
		return 1;
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			if (read(ends[0], &token, 1) != 1)
				_exit(1);
			add((char)('x' + i));
			_exit(0);
		}
	}
	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, thread, (void *)('a' + i)))
			return 1;
	usleep(30);
	if (write(ends[1], "go", PROCESSES) != PROCESSES)
		return 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < PROCESSES; i++)
		waitpid(children[i], NULL, 0);
	printf("counter %ld of %d\n", shared->counter, EVENTS);
	for (int i = 0; i < shared->next; i++)
		printf("%c%ld ", shared->events[i].who, shared->events[i].saw);
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return 1;
	printf("\npid %d children %d %d random %x\n", getpid(), children[0], children[1], random);
	printf("time %ld ticks %llu page %p\n", nanos(), (unsigned long long)__rdtsc(), (void *)shared);
	return 0;
}
