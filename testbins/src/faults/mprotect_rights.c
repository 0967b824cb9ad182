/*
 * mprotect faults nothing in and drops nothing. Pages of one's own that become writable again cost no fault;
 * the zero page stays read-only and costs one at the first write.
 */
#include "observe.h"

static void measure(void)
{
	char *p = map_private(120 * PAGE);

	write_pages(p, 60);
	read_pages(p + 60 * PAGE, 30);
	FAULTS("mprotect to read-only", mprotect(p, 120 * PAGE, PROT_READ));
	FAULTS("read all 120, 30 of them fresh", read_pages(p, 120));
	FAULTS("mprotect back to read-write", mprotect(p, 120 * PAGE, PROT_READ | PROT_WRITE));
	FAULTS("write the 60 written before", write_pages(p, 60));
	FAULTS("write the 60 only read before", write_pages(p + 60 * PAGE, 60));
	FAULTS("mprotect to none and back",
	       mprotect(p, 120 * PAGE, PROT_NONE);
	       mprotect(p, 120 * PAGE, PROT_READ | PROT_WRITE));
	FAULTS("read and write all", read_pages(p, 120); write_pages(p, 120));
	FAULTS("mprotect of every other page",
	       for (int i = 0; i < 120; i += 2) mprotect(p + i * PAGE, PAGE, PROT_READ));
	FAULTS("write the others", for (int i = 1; i < 120; i += 2) write_pages(p + i * PAGE, 1));
	munmap(p, 120 * PAGE);
}

MEASURED_MAIN(measure)
