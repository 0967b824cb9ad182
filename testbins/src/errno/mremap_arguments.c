/* What mremap refuses, and with which errno. */
#include "observe.h"

#define MAYMOVE MREMAP_MAYMOVE
#define FIXED MREMAP_FIXED
#define DONTUNMAP MREMAP_DONTUNMAP

static char *area; /* 256 pages, all PROT_NONE except where a test maps something */

static void reset(void)
{
	mmap(area, 256 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mmap(area + 8 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	write_pages(area + 8 * PAGE, 8);
	munmap(area + 64 * PAGE, 32 * PAGE);
}

static void try(const char *label, void *old, size_t old_length, size_t new_length, int flags, void *to)
{
	char *p = mremap(old, old_length, new_length, flags, to);
	unsigned char there;
	int inside = p >= area && p < area + 256 * PAGE;

	if (p == MAP_FAILED)
		printf("%-44s %s", label, strerrorname_np(errno));
	else if (p == old)
		printf("%-44s in place", label);
	else if (inside)
		printf("%-44s page %ld", label, (long)(p - area) / (long)PAGE);
	else
		printf("%-44s elsewhere", label);
	if (p != MAP_FAILED && !inside)
		munmap(p, new_length);
	printf(", old mapping %s\n", mincore(area + 8 * PAGE, PAGE, &there) ? "gone" : "there");
	reset();
}

int main(void)
{
	char *p;

	area = map(256 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
	p = area + 8 * PAGE;
	reset();
	puts("-- arguments");
	try("unknown flag", p, PAGE, PAGE, 8, NULL);
	try("FIXED without MAYMOVE", p, PAGE, PAGE, FIXED, area + 64 * PAGE);
	try("DONTUNMAP without MAYMOVE", p, PAGE, PAGE, DONTUNMAP, NULL);
	try("old address not on a page", p + 1, PAGE, PAGE, 0, NULL);
	try("new length 0", p, PAGE, 0, MAYMOVE, NULL);
	try("old length 0, private", p, 0, PAGE, MAYMOVE, NULL);
	try("old length 0 without MAYMOVE", p, 0, PAGE, 0, NULL);
	try("new address not on a page", p, PAGE, PAGE, MAYMOVE | FIXED, area + 64 * PAGE + 1);
	try("new address in kernel space", p, PAGE, PAGE, MAYMOVE | FIXED, (void *)0xffff800000000000UL);
	try("new length huge", p, PAGE, 1UL << 60, MAYMOVE, NULL);
	try("DONTUNMAP with another length", p, PAGE, 2 * PAGE, MAYMOVE | DONTUNMAP, NULL);
	puts("-- what is there");
	try("nothing mapped", area + 70 * PAGE, PAGE, 2 * PAGE, MAYMOVE, NULL);
	try("old range beyond the mapping, growing", p, 9 * PAGE, 20 * PAGE, MAYMOVE, NULL);
	try("overlap: source before destination", p, 8 * PAGE, 8 * PAGE, MAYMOVE | FIXED, p + 4 * PAGE);
	try("overlap: destination before source", p, 8 * PAGE, 8 * PAGE, MAYMOVE | FIXED, p - 4 * PAGE);
	try("destination is the source", p, 8 * PAGE, 8 * PAGE, MAYMOVE | FIXED, p);
	puts("-- sizes");
	try("same size", p, 8 * PAGE, 8 * PAGE, 0, NULL);
	try("same size, rounded", p, 8 * PAGE - 100, 8 * PAGE - 2000, 0, NULL);
	try("shrink", p, 8 * PAGE, 3 * PAGE, 0, NULL);
	try("grow, no room", p, 8 * PAGE, 9 * PAGE, 0, NULL);
	try("grow, no room, may move", p, 8 * PAGE, 9 * PAGE, MAYMOVE, NULL);
	munmap(p + 8 * PAGE, 4 * PAGE);
	try("grow, room", p, 8 * PAGE, 12 * PAGE, 0, NULL);
	munmap(p + 8 * PAGE, 4 * PAGE);
	try("grow a part that does not end the mapping", p, 4 * PAGE, 6 * PAGE, 0, NULL);
	try("move into the hole", p, 8 * PAGE, 8 * PAGE, MAYMOVE | FIXED, area + 64 * PAGE);
	try("move and grow into the hole", p, 8 * PAGE, 16 * PAGE, MAYMOVE | FIXED, area + 64 * PAGE);
	try("move and shrink into the hole", p, 8 * PAGE, 2 * PAGE, MAYMOVE | FIXED, area + 64 * PAGE);
	try("move over another mapping", p, 8 * PAGE, 8 * PAGE, MAYMOVE | FIXED, area + 128 * PAGE);
	try("move the middle", p + 2 * PAGE, 2 * PAGE, 2 * PAGE, MAYMOVE | FIXED, area + 64 * PAGE);
	try("DONTUNMAP to the hole", p, 8 * PAGE, 8 * PAGE, MAYMOVE | FIXED | DONTUNMAP, area + 64 * PAGE);
	return 0;
}
