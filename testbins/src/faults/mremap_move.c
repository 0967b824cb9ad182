/*
 * Moving a mapping moves its page-table entries: no page is copied and none faults again, whether source and
 * destination lie alike within their 2 MiB page tables or not.
 */
#include "observe.h"

static void check(const char *label, size_t pages, size_t shift)
{
	size_t room = (pages + 2048) * PAGE;
	char *area = map(2 * room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
	char *from = (char *)(((uintptr_t)area + (2UL << 20)) & -(2UL << 20));
	char *to = from + room / 2 / (2UL << 20) * (2UL << 20) + (pages * PAGE + (4UL << 20)) / (2UL << 20) * (2UL << 20) + shift;
	char text[64];
	long sum = 0;
	char *q = NULL;

	mmap(from, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	for (size_t i = 0; i < pages; i += 3)
		write_pages(from + i * PAGE, 1);
	snprintf(text, sizeof(text), "%s: mremap of %zu pages", label, pages);
	FAULTS(text, q = mremap(from, pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	if (printing)
		printf("arrived: %s\n", q == to ? "yes" : outcome((long)q));
	snprintf(text, sizeof(text), "%s: read all", label);
	FAULTS(text, sum = read_pages(to, pages));
	snprintf(text, sizeof(text), "%s: write all", label);
	FAULTS(text, write_pages(to, pages));
	unsigned char there;
	if (printing)
		printf("sum %ld, old place %s\n", sum, outcome(mincore(from, PAGE, &there)));
	munmap(area, 2 * room);
}

static void measure(void)
{
	check("aligned", 1536, 0);
	check("one page off", 1200, PAGE);
	check("end of a table", 700, (2UL << 20) - PAGE);
	check("small", 3, 5 * PAGE);
}

MEASURED_MAIN(measure)
