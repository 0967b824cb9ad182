/*
 * First touch of memory that asked for huge pages: one minor fault for each 2 MiB that lie in the mapping as a whole, one for
 * each 4 KiB at its ragged ends. Reading first maps zeros, and writing later replaces them.
 */
#include "huge.h"

static void measure(void)
{
	char *p = map_huge(8);

	FAULTS("write 16 MiB", write_pages(p, 8 * HUGE / PAGE));
	FAULTS("write again", write_pages(p, 8 * HUGE / PAGE));
	if (printing)
		show_huge("written", p, 8 * HUGE);
	munmap(p, 8 * HUGE);

	p = map_huge(8);
	FAULTS("read 16 MiB", read_pages(p, 8 * HUGE / PAGE));
	if (printing)
		show_huge("read", p, 8 * HUGE);
	FAULTS("write what was read", write_pages(p, 8 * HUGE / PAGE));
	if (printing)
		show_huge("written", p, 8 * HUGE);
	munmap(p, 8 * HUGE);

	p = map_huge(4);
	munmap(p, 16 * PAGE);
	munmap(p + 4 * HUGE - 5 * PAGE, 5 * PAGE);
	FAULTS("ragged: write", write_pages(p + 16 * PAGE, 4 * HUGE / PAGE - 21));
	if (printing)
		show_huge("ragged", p, 4 * HUGE);
	munmap(p, 4 * HUGE);

	p = map_huge(2);
	madvise(p, 2 * HUGE, MADV_NOHUGEPAGE);
	FAULTS("refused by MADV_NOHUGEPAGE", write_pages(p, 2 * HUGE / PAGE));
	munmap(p, 2 * HUGE);

	p = map_huge(2);
	FAULTS("populated", madvise(p, 2 * HUGE, MADV_POPULATE_WRITE));
	FAULTS("write what was populated", write_pages(p, 2 * HUGE / PAGE));
	munmap(p, 2 * HUGE);

	p = map_huge(2);
	FAULTS("one page, then a read of the rest", write_pages(p, 1); read_pages(p, 2 * HUGE / PAGE));
	if (printing)
		show_huge("one written, one read", p, 2 * HUGE);
	munmap(p, 2 * HUGE);

	p = map(2 * HUGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
	munmap(p, 2 * HUGE);
}

int main(void)
{
	with_huge_pages();
	for (printing = 0; printing < 2; printing++)
		measure();
	return 0;
}
