/*
 * Takes 100,000 page faults: writes to each page of ten mappings of 10,000 pages. Prints how many the kernel counted and
 * how long they took.
 */
#include "observe.h"
#include <time.h>

static double milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(void)
{
	struct rusage before, after;
	double start = milliseconds();

	getrusage(RUSAGE_SELF, &before);
	for (int round = 0; round < 10; round++) {
		char *p = map_private(10000 * PAGE);

		write_pages(p, 10000);
		munmap(p, 10000 * PAGE);
	}
	getrusage(RUSAGE_SELF, &after);
	printf("faults %ld, milliseconds %.1f\n", after.ru_minflt - before.ru_minflt, milliseconds() - start);
	return 0;
}
