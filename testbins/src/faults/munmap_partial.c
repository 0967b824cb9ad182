/* Unmapping a hole frees its pages and nothing else; what is mapped there again is fresh. */
#include "observe.h"

static void measure(void)
{
	char *p = map_private(1000 * PAGE);

	write_pages(p, 1000);
	FAULTS("munmap 200 pages in the middle", munmap(p + 400 * PAGE, 200 * PAGE));
	FAULTS("write the 800 around", write_pages(p, 400); write_pages(p + 600 * PAGE, 400));
	FAULTS("map the hole again",
	       mmap(p + 400 * PAGE, 200 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	FAULTS("write the hole", write_pages(p + 400 * PAGE, 200));
	FAULTS("map over 100 written pages",
	       mmap(p, 100 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	FAULTS("read all 1000", read_pages(p, 1000));
	FAULTS("munmap of everything", munmap(p, 1000 * PAGE));
}

MEASURED_MAIN(measure)
