/* The heap grows and shrinks with brk; a page given back and taken again is fresh. */
#include "observe.h"

static void measure(void)
{
	char *start = (char *)(((uintptr_t)sbrk(0) + PAGE - 1) & -PAGE);

	FAULTS("brk up by 200 pages", brk(start + 200 * PAGE));
	FAULTS("write them", write_pages(start, 200));
	FAULTS("brk down by 100", brk(start + 100 * PAGE));
	FAULTS("brk up by 150", brk(start + 250 * PAGE));
	FAULTS("read 250", read_pages(start, 250));
	FAULTS("write 250", write_pages(start, 250));
	FAULTS("brk up within a page", brk(start + 250 * PAGE + 10); start[250 * PAGE + 9] = 1);
	if (printing)
		printf("byte of page 50: %d, second byte of page 120: %d\n", start[50 * PAGE], start[120 * PAGE + 1]);
	brk(start);
}

MEASURED_MAIN(measure)
