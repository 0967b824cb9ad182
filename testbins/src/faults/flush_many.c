/*
 * Rights taken away and pages unmapped by the thousand, one call for all: none may be written through an old translation,
 * however many there are.
 */
#include "observe.h"
#include <setjmp.h>
#include <signal.h>

#define PAGES 3000

static sigjmp_buf back;

static void handler(int signal)
{
	siglongjmp(back, signal);
}

int main(void)
{
	char *p = map_private(PAGES * PAGE);
	volatile int refused = 0;
	static const int counts[] = { 16 /* brings code in, and is not shown */, 511, 512, 513, 1024, 1025, 1537, 3000 };

	signal(SIGSEGV, handler);
	for (size_t c = 0; c < sizeof(counts) / sizeof(*counts); c++) {
		for (int round = 0; round < 3; round++)
			write_pages(p, PAGES);
		long before = minor_faults();
		mprotect(p, counts[c] * PAGE, PROT_READ);
		refused = 0;
		for (volatile int i = 0; i < counts[c]; i++)
			if (sigsetjmp(back, 1))
				refused++;
			else
				*(volatile char *)(p + i * PAGE) = 1;
		mprotect(p, counts[c] * PAGE, PROT_READ | PROT_WRITE);
		madvise(p, counts[c] * PAGE, MADV_DONTNEED);
		long sum = read_pages(p, counts[c]);
		long faults = minor_faults() - before;
		if (c > 0)
			printf("%d pages: %d writes refused, sum of dropped pages %ld, faults %ld\n", counts[c], refused, sum, faults);
	}
	return 0;
}
