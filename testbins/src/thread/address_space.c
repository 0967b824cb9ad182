/*
 * cflags: -pthread
 * Threads that map, fault, protect and unmap in one address space at once: what one does is seen by all.
 */
#include "observe.h"
#include <pthread.h>

#define THREADS 4

static char *shared;
static long wrong;
static pthread_barrier_t barrier;

static void *work(void *argument)
{
	long me = (long)argument, bad = 0;

	for (int round = 0; round < 40; round++) {
		char *p = map_private(32 * PAGE);
		for (int i = 0; i < 32; i++)
			*(long *)(p + i * PAGE) = me * 1000 + i;
		mprotect(p, 16 * PAGE, PROT_READ);
		mprotect(p, 16 * PAGE, PROT_READ | PROT_WRITE);
		char *q = mremap(p, 32 * PAGE, 48 * PAGE, MREMAP_MAYMOVE);
		if (q == MAP_FAILED) {
			bad++;
			munmap(p, 32 * PAGE);
			continue;
		}
		for (int i = 0; i < 32; i++)
			bad += *(long *)(q + i * PAGE) != me * 1000 + i;
		munmap(q, 48 * PAGE);
		/* The same fresh page from all threads: one of them gets it, all see it. */
		__sync_fetch_and_add((long *)(shared + round * PAGE), me);
	}
	pthread_barrier_wait(&barrier);
	for (int round = 0; round < 40; round++)
		bad += *(long *)(shared + round * PAGE) != 1 + 2 + 3 + 4;
	__sync_fetch_and_add(&wrong, bad);
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];

	shared = map_private(40 * PAGE);
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)(i + 1));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("wrong values: %ld\n", wrong);
	return 0;
}
