/* A read maps the zero page, a later write to the same page replaces it: two minor faults a page. */
#include "observe.h"

static void measure(void)
{
	char *p = map_private(200 * PAGE);

	FAULTS("read 200 fresh pages", read_pages(p, 200));
	FAULTS("then write them", write_pages(p, 200));
	FAULTS("then write them again", write_pages(p, 200));
	FAULTS("read and write each of 200 fresh pages",
	       char *q = map_private(200 * PAGE);
	       for (int i = 0; i < 200; i++) {
		       read_pages(q + i * PAGE, 1);
		       write_pages(q + i * PAGE, 1);
	       }
	       munmap(q, 200 * PAGE));
	munmap(p, 200 * PAGE);
}

MEASURED_MAIN(measure)
