/*
 * Shared anonymous memory lives in a file of its own: its pages outlive MADV_DONTNEED, and mremap with old size 0 maps
 * them a second time.
 */
#include "observe.h"

static void measure(void)
{
	char *p = map(100 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);

	FAULTS("write 100 fresh shared pages", write_pages(p, 100));
	FAULTS("write them again", write_pages(p, 100));
	char *q = mremap(p, 0, 100 * PAGE, MREMAP_MAYMOVE);
	if (printing)
		printf("second mapping: %s\n", q == MAP_FAILED ? strerrorname_np(errno) : q == p ? "same place" : "elsewhere");
	FAULTS("write through the second mapping", write_pages(q, 100));
	q[5 * PAGE] = 77;
	if (printing)
		printf("seen through the first: %d\n", p[5 * PAGE]);
	madvise(p, 100 * PAGE, MADV_DONTNEED);
	FAULTS("write after MADV_DONTNEED", for (int i = 0; i < 100; i++) p[i * PAGE + 8] = 1);
	if (printing)
		printf("still there: %d\n", p[5 * PAGE]);
	munmap(p, 100 * PAGE);
	munmap(q, 100 * PAGE);
}

MEASURED_MAIN(measure)
