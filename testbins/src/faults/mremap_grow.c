/* Growing or shrinking a mapping in place keeps its pages: only the new ones fault. */
#include "observe.h"

static void measure(void)
{
	char *p = map(256 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);

	mmap(p, 100 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	munmap(p + 100 * PAGE, 156 * PAGE);
	write_pages(p, 100);
	char *q = NULL;
	FAULTS("mremap 100 -> 200 pages in place", q = mremap(p, 100 * PAGE, 200 * PAGE, 0));
	if (printing)
		printf("in place: %s\n", q == p ? "yes" : outcome((long)q));
	FAULTS("read the old 100", read_pages(p, 100));
	FAULTS("write the new 100", write_pages(p + 100 * PAGE, 100));
	FAULTS("shrink to 50", q = mremap(p, 200 * PAGE, 50 * PAGE, 0));
	FAULTS("grow to 150 again", q = mremap(p, 50 * PAGE, 150 * PAGE, 0));
	FAULTS("write all 150", write_pages(p, 150));
	if (printing)
		printf("first byte of page 49: %d\n", p[49 * PAGE]);
	munmap(p, 256 * PAGE);
}

MEASURED_MAIN(measure)
