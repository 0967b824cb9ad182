/*
 * Moves 10,000 written pages to a place with other page tables. However the move ends, each page has its contents, and where the
 * mappings lie tells the same: all at the new place, or, when a table could not be had half-way, all where they were.
 */
#include "observe.h"

#define PAGES 10000UL
#define TABLE (512 * PAGE)

static unsigned long value(size_t page)
{
	return page * 2654435761UL + 1;
}

/* How many of the pages do not hold what was written to their first and last word. */
static size_t wrong_pages(const char *p)
{
	size_t wrong = 0;

	for (size_t i = 0; i < PAGES; i++) {
		const unsigned long *page = (const unsigned long *)(p + i * PAGE);

		wrong += page[0] != value(i) || page[PAGE / sizeof(*page) - 1] != ~value(i);
	}
	return wrong;
}

/* "all", "none" or "part" of the range is mapped. */
static const char *mapped(char *p)
{
	static unsigned char there[PAGES];
	size_t present = 0;

	if (mincore(p, PAGES * PAGE, there) == 0)
		return "all";
	for (size_t i = 0; i < PAGES; i += 97)
		present += mincore(p + i * PAGE, PAGE, there) == 0;
	return present ? "part" : "none";
}

int main(void)
{
	char *room = map(3 * PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
	char *from = (char *)(((uintptr_t)room + TABLE - 1) & -TABLE);
	char *to = from + PAGES * PAGE / TABLE * TABLE + 2 * TABLE + 7 * PAGE;

	munmap(room, 3 * PAGES * PAGE);
	if (mmap(from, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != from)
		return 2;
	for (size_t i = 0; i < PAGES; i++) {
		unsigned long *page = (unsigned long *)(from + i * PAGE);

		page[0] = value(i);
		page[PAGE / sizeof(*page) - 1] = ~value(i);
	}
	long faults = minor_faults();
	char *got = mremap(from, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	const char *answer = got == to ? "moved" : outcome((long)got);
	char *now = got == to ? to : from;
	const char *old_place = mapped(from);
	const char *new_place = mapped(to);
	size_t wrong = wrong_pages(now);

	faults = minor_faults() - faults;
	printf("mremap of %lu pages: %s\n", PAGES, answer);
	printf("old place mapped: %s, new place mapped: %s\n", old_place, new_place);
	printf("pages with other contents: %zu\n", wrong);
	printf("contents faulted in again: %s\n", faults < 100 ? "no" : "yes");
	/* What is left is usable memory, and goes when it is unmapped. */
	now[0] = 1;
	printf("unmap: %s, ", outcome(munmap(now, PAGES * PAGE)));
	printf("then mapped: %s\n", mapped(now));
	return wrong != 0 || (got == to) == (old_place[0] == 'a');
}
