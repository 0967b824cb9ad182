/*
 * cflags: -pthread
 * Threads that add under a mutex, with atomic instructions, and each in a variable of its own: nothing is lost.
 */
#include "observe.h"
#include <pthread.h>

#define THREADS 8
#define ROUNDS 2000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long locked, atomic;
static __thread long own;

static void *work(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		locked++;
		pthread_mutex_unlock(&mutex);
		__sync_fetch_and_add(&atomic, 2);
		own += (long)argument;
	}
	return (void *)own;
}

int main(void)
{
	pthread_t threads[THREADS];
	long sum = 0;

	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)(i + 1)))
			return 1;
	for (int i = 0; i < THREADS; i++) {
		void *result;
		pthread_join(threads[i], &result);
		sum += (long)result;
	}
	printf("locked %ld atomic %ld own %ld, main's own %ld\n", locked, atomic, sum, own);
	return 0;
}
