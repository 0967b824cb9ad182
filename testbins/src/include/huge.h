/* For programs about huge pages: areas on 2 MiB boundaries, and what /proc/self/smaps says of them. */
#ifndef HUGE_H
#define HUGE_H

#include "observe.h"

#define HUGE (2UL << 20)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* Undoes what observe.h does to all other programs. */
__attribute__((unused)) static void with_huge_pages(void)
{
	prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
}

/* Ends the program where the host has none to compare with. */
__attribute__((constructor)) static void need_huge_pages(void)
{
	char modes[64] = "";
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");

	if (!f || !fgets(modes, sizeof(modes), f) || strstr(modes, "[never]")) {
		puts("no transparent huge pages here");
		exit(0);
	}
	fclose(f);
}

/* That many times 2 MiB, advised to be of huge pages, with 2 MiB unmapped on either side. */
__attribute__((unused)) static char *map_huge(size_t count)
{
	char *around = map((count + 3) * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
	char *p = (char *)(((uintptr_t)around + 2 * HUGE - 1) & -HUGE);

	p = mmap(p, count * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	madvise(p, count * HUGE, MADV_HUGEPAGE);
	return p;
}

/* The KiB that smaps gives for a field, added over all mappings that begin in [p, p + bytes). */
__attribute__((unused)) static long smaps_of(const char *p, size_t bytes, const char *field)
{
	static char line[512];
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long start, end;
	long value, sum = 0;
	int inside = 0;

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start >= (uintptr_t)p && start < (uintptr_t)p + bytes;
		else if (inside && !strncmp(line, field, strlen(field)) && line[strlen(field)] == ':'
				&& sscanf(line + strlen(field) + 1, "%ld", &value) == 1)
			sum += value;
	}
	fclose(f);
	return sum;
}

/* One line: what is in huge pages, what is resident, what is anonymous, and how many faults a touch of every page takes. */
__attribute__((unused)) static void show_huge(const char *label, char *p, size_t bytes)
{
	printf("%-40s AnonHugePages %6ld  Rss %6ld  Anonymous %6ld\n", label, smaps_of(p, bytes, "AnonHugePages"),
			smaps_of(p, bytes, "Rss"), smaps_of(p, bytes, "Anonymous"));
}

#endif
