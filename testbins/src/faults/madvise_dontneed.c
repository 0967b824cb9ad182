/* MADV_DONTNEED drops private anonymous pages at once: the next access finds zeroes and faults. */
#include "observe.h"

static void measure(void)
{
	char *p = map_private(300 * PAGE);

	write_pages(p, 300);
	FAULTS("MADV_DONTNEED of 100 pages", madvise(p + 100 * PAGE, 100 * PAGE, MADV_DONTNEED));
	long sum = 0;
	FAULTS("read all 300", sum = read_pages(p, 300));
	if (printing)
		printf("sum %ld\n", sum);
	FAULTS("write all 300", write_pages(p, 300));
	FAULTS("WILLNEED, NORMAL, SEQUENTIAL, RANDOM",
	       madvise(p, 300 * PAGE, MADV_WILLNEED);
	       madvise(p, 300 * PAGE, MADV_SEQUENTIAL);
	       madvise(p, 300 * PAGE, MADV_RANDOM);
	       madvise(p, 300 * PAGE, MADV_NORMAL));
	FAULTS("write all 300 again", write_pages(p, 300));
	FAULTS("DONTNEED of memory never touched",
	       char *q = map_private(10 * PAGE);
	       madvise(q, 10 * PAGE, MADV_DONTNEED);
	       munmap(q, 10 * PAGE));
	munmap(p, 300 * PAGE);
}

MEASURED_MAIN(measure)
