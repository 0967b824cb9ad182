/*
 * MAP_POPULATE, mlock and MADV_POPULATE_WRITE bring pages in themselves, and the task is charged a minor fault for each
 * page brought in. Nothing is left to fault: mlock breaks copy-on-write of the zero page too.
 */
#include "observe.h"

static void measure(void)
{
	char *p = NULL;

	FAULTS("mmap POPULATE of 150 pages",
	       p = mmap(NULL, 150 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
	FAULTS("write them", write_pages(p, 150));
	munmap(p, 150 * PAGE);
	FAULTS("mmap POPULATE read-only",
	       p = mmap(NULL, 50 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
	FAULTS("read them", read_pages(p, 50));
	munmap(p, 50 * PAGE);
	p = map_private(60 * PAGE);
	read_pages(p, 10);
	FAULTS("mlock of 15 pages, 10 of them read before", mlock(p, 15 * PAGE));
	FAULTS("write those 15", write_pages(p, 15));
	FAULTS("write the 5 after them", write_pages(p + 15 * PAGE, 5));
	FAULTS("MADV_POPULATE_WRITE of 20", madvise(p + 30 * PAGE, 20 * PAGE, MADV_POPULATE_WRITE));
	FAULTS("write those 20", write_pages(p + 30 * PAGE, 20));
	munmap(p, 60 * PAGE);
}

MEASURED_MAIN(measure)
