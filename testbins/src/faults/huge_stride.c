/* One page in each 2 MiB, then in each 1 GiB: each touch needs page tables of its own, and still is one minor fault. */
#include "observe.h"

static void measure(void)
{
	size_t small = 64UL << 21, big = 20UL << 30;
	char *p = map(small, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	char *q = map(big, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);

	FAULTS("write every 2 MiB", for (size_t i = 0; i < small; i += 2UL << 20) p[i] = 1);
	FAULTS("read 4 KiB further", for (size_t i = PAGE; i < small; i += 2UL << 20) (void)*(volatile char *)(p + i));
	FAULTS("write every 1 GiB", for (size_t i = 0; i < big; i += 1UL << 30) q[i] = 1);
	FAULTS("write them again", for (size_t i = 0; i < big; i += 1UL << 30) q[i] = 2);
	munmap(p, small);
	munmap(q, big);
}

MEASURED_MAIN(measure)
