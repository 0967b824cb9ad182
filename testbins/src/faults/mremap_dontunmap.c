/* MREMAP_DONTUNMAP moves the pages and leaves an empty mapping behind, whose pages fault again as fresh ones. */
#include "observe.h"

static void measure(void)
{
	char *p = map_private(80 * PAGE), *q = NULL;

	write_pages(p, 80);
	FAULTS("mremap DONTUNMAP of 80 pages", q = mremap(p, 80 * PAGE, 80 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));
	if (printing)
		printf("%s\n", q == MAP_FAILED ? strerrorname_np(errno) : q == p ? "same place" : "moved");
	FAULTS("read the new place", read_pages(q, 80));
	FAULTS("read the old place", read_pages(p, 40));
	FAULTS("write the old place", write_pages(p, 80));
	if (printing)
		printf("new %d, old %d\n", q[7 * PAGE], p[7 * PAGE + 1]);
	munmap(p, 80 * PAGE);
	munmap(q, 80 * PAGE);
}

MEASURED_MAIN(measure)
