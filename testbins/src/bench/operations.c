/*
 * What the kernel under it takes for whole operations on 20,000 present pages, in nanoseconds a page, and for calls among 65,000
 * mappings, in nanoseconds each, best of many: to be set beside what Faultline's memory manager takes for the same
 * (mmu/docs/performance.md).
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

enum { FIRST_WRITE, FORK, MPROTECT, MREMAP, MREMAP_ALIGNED, MUNMAP, MMAP_AMONG, MUNMAP_AMONG, KINDS };
static double best[KINDS];

static void took(int what, double since, unsigned long units)
{
	double each = (now() - since) / units;

	best[what] = best[what] == 0 || each < best[what] ? each : best[what];
}

static char *aligned(char *p)
{
	return (char *)(((uintptr_t)p + (2UL << 20) - 1) & -(2UL << 20));
}

/* Mappings of one page with a free page beside each; one of other rights is put between, and taken away again. */
static void among_many(void)
{
	unsigned long areas = 65000, batch = 500, stride = areas / batch * 2 * PAGE;
	char *p = map(2 * areas * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);

	munmap(p, 2 * areas * PAGE);
	for (unsigned long i = 0; i < areas; i++)
		mmap(p + 2 * i * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	for (int round = 0; round < 20; round++) {
		double start = now();
		for (unsigned long i = 0; i < batch; i++)
			mmap(p + i * stride + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		took(MMAP_AMONG, start, batch);
		start = now();
		for (unsigned long i = 0; i < batch; i++)
			munmap(p + i * stride + PAGE, PAGE);
		took(MUNMAP_AMONG, start, batch);
	}
	munmap(p, 2 * areas * PAGE);
}

int main(void)
{
	static const char *const names[KINDS] = {
		"first write", "fork", "mprotect", "mremap", "mremap aligned", "munmap", "mmap among many", "munmap among many"
	};
	double end = now() + 1e9;

	for (int round = 0; round < 20 || now() < end; round++) {
		char *from = map_private(PAGES * PAGE + (2UL << 20)), *p = aligned(from);
		double start = now();
		write_pages(p, PAGES);
		took(FIRST_WRITE, start, PAGES);

		start = now();
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		took(FORK, start, PAGES);
		waitpid(pid, NULL, 0);

		start = now();
		mprotect(p, PAGES * PAGE, PROT_READ);
		took(MPROTECT, start, PAGES);

		char *room = map_private(PAGES * PAGE + (4UL << 20)), *to = aligned(room);
		start = now();
		mremap(p, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		took(MREMAP_ALIGNED, start, PAGES);
		start = now();
		mremap(to, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE);
		took(MREMAP, start, PAGES);

		start = now();
		munmap(p + PAGE, PAGES * PAGE);
		took(MUNMAP, start, PAGES);
		munmap(from, PAGES * PAGE + (2UL << 20));
		munmap(room, PAGES * PAGE + (4UL << 20));
	}
	among_many();
	for (int i = 0; i < KINDS; i++)
		printf("%-18s %8.2f ns\n", names[i], best[i]);
	return 0;
}
