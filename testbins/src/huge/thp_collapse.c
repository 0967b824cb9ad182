/* MADV_COLLAPSE makes one huge page of small ones, whatever was asked for before, but not where MADV_NOHUGEPAGE forbids it. */
#include "huge.h"

int main(void)
{
	with_huge_pages();
	char *p = map_huge(3);

	printf("nothing there: %s\n", outcome(madvise(p, HUGE, MADV_COLLAPSE)));
	memset(p, 1, 2 * HUGE);
	printf("huge already: %s\n", outcome(madvise(p, 2 * HUGE, MADV_COLLAPSE)));
	madvise(p + 5 * PAGE, 3 * PAGE, MADV_DONTNEED);
	show_huge("three pages dropped", p, 3 * HUGE);
	printf("collapse: %s\n", outcome(madvise(p, HUGE, MADV_COLLAPSE)));
	show_huge("collapsed", p, 3 * HUGE);
	printf("content %d %d %d\n", p[4 * PAGE], p[5 * PAGE], p[8 * PAGE]);
	FAULTS("touch", p[6 * PAGE] = 1);
	printf("less than 2 MiB: %s\n", outcome(madvise(p + PAGE, HUGE, MADV_COLLAPSE)));
	printf("of which 2 MiB are whole: %s\n", outcome(madvise(p + PAGE, 2 * HUGE, MADV_COLLAPSE)));
	madvise(p, 3 * HUGE, MADV_NOHUGEPAGE);
	madvise(p, PAGE, MADV_DONTNEED);
	printf("forbidden: %s\n", outcome(madvise(p, HUGE, MADV_COLLAPSE)));
	show_huge("at the end", p, 3 * HUGE);
	return 0;
}
