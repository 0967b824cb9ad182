/* The stack grows by one fault a page touched below it, wherever between its top and its limit the touch falls. */
#include "observe.h"

__attribute__((noinline)) static int deep(int levels)
{
	volatile char frame[PAGE];

	frame[0] = (char)levels;
	return levels == 0 ? 0 : deep(levels - 1) + frame[0] - (char)levels + 1;
}

/* Runs in the second round only over stack that the first one did not reach. */
static void measure(void)
{
	volatile char *here = __builtin_frame_address(0);
	volatile char *base = (volatile char *)((uintptr_t)here & -PAGE) - (printing ? 1000 : 300) * PAGE;

	FAULTS("write 100 pages, highest first", for (int i = 0; i < 100; i++) base[-i * (long)PAGE] = 1);
	FAULTS("skip 50 pages and write one", base[-150 * (long)PAGE] = 1);
	FAULTS("read the 50 skipped", for (int i = 100; i < 150; i++) (void)base[-i * (long)PAGE]);
	FAULTS("write them", for (int i = 100; i < 150; i++) base[-i * (long)PAGE] = 1);
	int levels = 0;
	if (printing)
		levels = deep(50);
	FAULTS("recursion over pages in use", levels += deep(20));
	if (printing)
		printf("levels %d\n", levels);
}

MEASURED_MAIN(measure)
