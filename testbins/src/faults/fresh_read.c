/* The first read of a page of private anonymous memory maps the zero page: one minor fault, nothing charged. */
#include "observe.h"

static void measure(void)
{
	char *p = map_private(300 * PAGE);
	long sum = 0;

	FAULTS("read 300 fresh pages", sum = read_pages(p, 300));
	FAULTS("read them again", sum += read_pages(p, 300));
	if (printing)
		printf("sum %ld\n", sum);
	munmap(p, 300 * PAGE);
}

MEASURED_MAIN(measure)
