/* An access that crosses into another page takes a fault for each of the two that is missing. */
#include "observe.h"
#include <emmintrin.h>

static void measure(void)
{
	char *p = map_private(128 * PAGE);

	FAULTS("8-byte store across two fresh pages", *(volatile long *)(p + PAGE - 3) = -1);
	FAULTS("8-byte load across two fresh pages", (void)*(volatile long *)(p + 4 * PAGE - 4));
	FAULTS("store across a written and a fresh page", *(volatile int *)(p + 2 * PAGE - 2) = -1);
	FAULTS("16-byte SSE store across two fresh pages", _mm_storeu_si128((void *)(p + 10 * PAGE - 8), _mm_set1_epi8(1)));
	FAULTS("16-byte SSE load across two fresh pages",
	       __m128i v = _mm_loadu_si128((void *)(p + 20 * PAGE - 8)); asm volatile("" : : "x"(v)));
	FAULTS("locked add across two fresh pages", asm volatile("lock addl $1, %0" : "+m"(*(int *)(p + 30 * PAGE - 1))));
	FAULTS("push onto a fresh page",
	       asm volatile("mov %%rsp, %%r11\n\tmov %0, %%rsp\n\tpush %%rax\n\tmov %%r11, %%rsp"
			    : : "r"(p + 41 * PAGE) : "r11", "memory"));
	FAULTS("8-byte stores 4092 apart over 64 pages",
	       for (long i = 0; i < 64; i++) *(volatile long *)(p + 50 * PAGE + i * 4092) = i);
	if (printing)
		printf("values %d %d %d\n", p[PAGE - 1], p[PAGE + 4], p[2 * PAGE + 1]);
	munmap(p, 128 * PAGE);
}

MEASURED_MAIN(measure)
