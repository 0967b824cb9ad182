/* rep stosb/movsb over fresh pages: one fault a destination page, and one a source page that was never written. */
#include "observe.h"

static void stosb(void *to, size_t bytes)
{
	asm volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(0x5a) : "memory");
}

static void movsb(void *to, const void *from, size_t bytes)
{
	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

static void movsq_down(void *to, const void *from, size_t words)
{
	asm volatile("std; rep movsq; cld" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

static void measure(void)
{
	char *p = map_private(100 * PAGE), *q = map_private(100 * PAGE), *r = map_private(100 * PAGE);
	char *s = map_private(100 * PAGE);
	int bad = 0;

	FAULTS("rep stosb over 60 pages, unaligned ends", stosb(p + 100, 60 * PAGE));
	FAULTS("rep movsb 50 written pages to fresh ones", movsb(q, p + PAGE, 50 * PAGE));
	FAULTS("rep movsb 40 fresh pages to fresh ones", movsb(r, s, 40 * PAGE));
	FAULTS("rep movsq downwards over 20 pages", movsq_down(r + 90 * PAGE - 8, p + 30 * PAGE - 8, 20 * PAGE / 8));
	FAULTS("rep movsb of nothing", movsb(r + 95 * PAGE, s + 95 * PAGE, 0));
	FAULTS("memset of 30 pages by the C library", memset(s + 50 * PAGE, 1, 30 * PAGE));
	for (size_t i = 0; i < 50 * PAGE; i++)
		bad += q[i] != 0x5a;
	for (size_t i = 0; i < 20 * PAGE; i++)
		bad += r[70 * PAGE + i] != 0x5a;
	if (printing)
		printf("wrong bytes: %d, before the start: %d\n", bad, p[99]);
	munmap(p, 100 * PAGE);
	munmap(q, 100 * PAGE);
	munmap(r, 100 * PAGE);
	munmap(s, 100 * PAGE);
}

MEASURED_MAIN(measure)
