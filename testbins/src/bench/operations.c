/*
 * What the kernel under it takes for whole operations on 20,000 present pages, in nanoseconds a page, best of many: to be set beside
 * what Faultline's memory manager takes for the same (mmu/docs/performance.md).
 */
#include "observe.h"
#include <sys/wait.h>
#include <time.h>

#define PAGES 20000UL

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double best[5] = { 1e30, 1e30, 1e30, 1e30, 1e30 };

static void took(int what, double since)
{
	double each = (now() - since) / PAGES;

	best[what] = each < best[what] ? each : best[what];
}

int main(void)
{
	static const char *const names[] = { "first write", "fork", "mprotect", "mremap", "munmap" };
	double end = now() + 1e9;

	for (int round = 0; round < 20 || now() < end; round++) {
		char *p = map_private(PAGES * PAGE);
		double start = now();
		write_pages(p, PAGES);
		took(0, start);

		start = now();
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		took(1, start);
		waitpid(pid, NULL, 0);

		start = now();
		mprotect(p, PAGES * PAGE, PROT_READ);
		took(2, start);

		char *to = map_private(PAGES * PAGE + PAGE) + PAGE;
		start = now();
		mremap(p, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		took(3, start);

		start = now();
		munmap(to - PAGE, PAGES * PAGE + PAGE);
		took(4, start);
	}
	for (int i = 0; i < 5; i++)
		printf("%-12s %8.2f ns/page\n", names[i], best[i]);
	return 0;
}
