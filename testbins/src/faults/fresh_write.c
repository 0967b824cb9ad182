/* The first write to a page of private anonymous memory: one minor fault, a zeroed page. Later accesses: none. */
#include "observe.h"

static void measure(void)
{
	char *p = map_private(512 * PAGE);
	long sum = 0;

	FAULTS("write 512 fresh pages", write_pages(p, 512));
	FAULTS("write them again", write_pages(p, 512));
	FAULTS("read them", sum = read_pages(p, 512));
	if (printing)
		printf("sum %ld, rest of a page %d\n", sum, p[PAGE + 1] | p[2 * PAGE - 1]);
	munmap(p, 512 * PAGE);
}

MEASURED_MAIN(measure)
