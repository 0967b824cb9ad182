/*
 * /proc/self/maps: neighbours with equal rights are one line, a split makes several, and what becomes equal again is
 * merged. Only lines within the program's own area are shown, relative to it.
 */
#include "observe.h"

static char *area;
#define AREA (64 * PAGE)

static void show(const char *label)
{
	static char text[1 << 16];
	unsigned long from, to;
	char rights[8];
	FILE *maps = fopen("/proc/self/maps", "r");

	printf("%s:", label);
	while (fgets(text, sizeof(text), maps))
		if (sscanf(text, "%lx-%lx %7s", &from, &to, rights) == 3 && from < (unsigned long)area + AREA
		    && to > (unsigned long)area) {
			long first = (long)(from - (unsigned long)area) / (long)PAGE, last = (long)(to - (unsigned long)area) / (long)PAGE;
			printf(" %ld-%ld %s", first < 0 ? -1 : first, last > 64 ? 99 : last, rights);
		}
	putchar('\n');
	fclose(maps);
}

int main(void)
{
	char line[256];
	int stack = 0, heap = 0, program = 0, odd = 0;

	/* A hole of 80 pages with the area in its middle, so that neighbours do not merge with it. */
	area = (char *)map(80 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS) + 8 * PAGE;
	munmap(area - 8 * PAGE, 80 * PAGE);
	mmap(area, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	show("mapped");
	mprotect(area + 16 * PAGE, 16 * PAGE, PROT_READ);
	show("middle read-only");
	mprotect(area + 24 * PAGE, 16 * PAGE, PROT_NONE);
	show("later part none");
	mprotect(area + 16 * PAGE, 24 * PAGE, PROT_READ | PROT_WRITE);
	show("all writable again");
	munmap(area + 20 * PAGE, 4 * PAGE);
	show("hole");
	mmap(area + 20 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	show("hole filled");
	mmap(area + 8 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	show("shared inside");
	mprotect(area + 40 * PAGE, 4 * PAGE, PROT_READ | PROT_EXEC);
	show("executable inside");
	mremap(area + 48 * PAGE, 8 * PAGE, 4 * PAGE, 0);
	show("shrunk");
	mremap(area + 60 * PAGE, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area + 52 * PAGE);
	show("moved into the gap");
	madvise(area + 2 * PAGE, 2 * PAGE, MADV_DONTFORK);
	show("DONTFORK splits");
	madvise(area + 2 * PAGE, 2 * PAGE, MADV_DOFORK);
	show("DOFORK merges");
	write_pages(area, 8);
	mprotect(area + 4 * PAGE, PAGE, PROT_READ);
	mprotect(area + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	show("written pages merge too");

	brk((char *)sbrk(0) + 5 * PAGE);
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long last = 0, from, to;
	while (fgets(line, sizeof(line), maps)) {
		stack += strstr(line, "[stack]") != NULL;
		heap += strstr(line, "[heap]") != NULL;
		program += strstr(line, "maps_lines") != NULL;
		sscanf(line, "%lx-%lx", &from, &to);
		if (from < last && from < 1UL << 47)
			odd++;
		last = to;
	}
	printf("stack lines %d, heap lines %d, program lines %d, out of order %d\n", stack, heap, program, odd);
	return 0;
}
