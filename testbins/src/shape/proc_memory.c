/* numa_maps, smaps, smaps_rollup, statm, clear_refs: text and sums of mappings of one's own; looking changes nothing. */
#include "observe.h"
#include <fcntl.h>

static char *area;
static char *file;

/* Prints the block of smaps or the line of numa_maps of a mapping, without what depends on the machine. */
static void show_smaps(const char *label, char *at, const char *fields)
{
	char line[512], start[32];
	FILE *f = fopen("/proc/self/smaps", "r");
	int inside = 0;

	printf("%s\n", label);
	snprintf(start, sizeof(start), "%08lx-", (unsigned long)at);
	while (fgets(line, sizeof(line), f)) {
		char name[64];
		unsigned long value;

		if (strncmp(line, start, strlen(start)) == 0)
			inside = 1;
		else if (inside && strchr("0123456789abcdef", line[0]) && strchr(line, '-'))
			break;
		if (inside && sscanf(line, "%63[^:]: %lu kB", name, &value) == 2 && strstr(fields, name))
			printf("  %s", line);
		if (inside && !strncmp(line, "VmFlags:", 8) && strstr(fields, "VmFlags"))
			printf("  %s", line);
	}
	fclose(f);
}

static void show_numa(const char *label, char *at)
{
	char line[512], start[32];
	FILE *f = fopen("/proc/self/numa_maps", "r");

	printf("%s\n", label);
	snprintf(start, sizeof(start), "%08lx ", (unsigned long)at);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, start, strlen(start)))
			continue;
		for (char *word = strtok(line + strlen(start), " \n"); word; word = strtok(NULL, " \n"))
			if (strncmp(word, "active=", 7) && strncmp(word, "file=", 5))
				printf(" %s", word);
		putchar('\n');
	}
	fclose(f);
}

static void clear(const char *what)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY);
	ssize_t n = write(fd, what, strlen(what));

	printf("clear_refs %s: %s\n", what, outcome(n));
	close(fd);
}

static long status(const char *field)
{
	char line[256];
	long value = -1;
	FILE *f = fopen("/proc/self/status", "r");

	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, field, strlen(field)))
			value = atol(line + strlen(field) + 1);
	fclose(f);
	return value;
}

static void rollup(void)
{
	char line[256];
	FILE *f = fopen("/proc/self/smaps_rollup", "r");

	fgets(line, sizeof(line), f);
	printf("rollup: %s", strchr(line, ' '));
	while (fgets(line, sizeof(line), f))
		printf("%.*s\n", (int)strcspn(line, ":"), line);
	fclose(f);
}

static void labels(void)
{
	char line[512];
	FILE *f = fopen("/proc/self/smaps", "r");

	fgets(line, sizeof(line), f);
	while (fgets(line, sizeof(line), f) && strncmp(line, "VmFlags", 7))
		printf("%.*s|", (int)strcspn(line, "0123456789"), line);
	putchar('\n');
	fclose(f);
}

/* With soft-dirty in the kernel, or without it: what was written since must not be missed. */
static void soft_dirty(void)
{
	uint64_t before[4], after[4];
	int fd = open("/proc/self/pagemap", O_RDONLY);

	clear("4");
	pread(fd, before, 32, (uintptr_t)area / PAGE * 8);
	area[PAGE] = 9;
	pread(fd, after, 32, (uintptr_t)area / PAGE * 8);
	int known = after[1] >> 55 & 1;
	printf("soft-dirty before: %d, of the others after: %d\n", (int)(before[1] >> 55 & 1),
	       (int)((after[0] | after[2] | after[3]) >> 55 & 1));
	char *fresh = map_private(PAGE);
	pread(fd, after, 8, (uintptr_t)fresh / PAGE * 8);
	printf("a fresh mapping is %s\n", (int)(after[0] >> 55 & 1) == known ? "as if written" : "missed");
	munmap(fresh, PAGE);
	close(fd);
}

int main(void)
{
	static const char sizes[] = "Size Rss Pss Shared_Clean Shared_Dirty Private_Dirty Referenced Anonymous LazyFree "
				    "Swap Locked VmFlags";
	int fd = temporary_file(8 * PAGE);

	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	char *guarded = map(18 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
	area = mmap(guarded + PAGE, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	for (int i = 0; i < 8; i++)
		pwrite(fd, "x", 1, i * PAGE);
	file = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	labels();
	rollup();
	show_smaps("fresh", area, sizes);
	show_numa("fresh", area);
	write_pages(area, 4);
	read_pages(area + 4 * PAGE, 2);
	show_smaps("four written, two read", area, sizes);
	show_numa("four written, two read", area);
	write_pages(file, 1);
	show_smaps("shared file, one written", file, "Size Referenced Anonymous");
	mlock(area + 8 * PAGE, 2 * PAGE);
	show_smaps("locked", area + 8 * PAGE, sizes);
	munlock(area + 8 * PAGE, 2 * PAGE);
	madvise(area + 12 * PAGE, PAGE, MADV_DONTDUMP);
	show_smaps("not dumped", area + 12 * PAGE, sizes);
	madvise(area + 12 * PAGE, PAGE, MADV_DODUMP);

	clear("1");
	for (int i = 0; i < 3; i++)
		show_numa("looked at", area);
	show_smaps("looked at, not referenced", area, "Rss Referenced");
	clear("2");
	clear("3");
	soft_dirty();
	char *big = map_private(64 * PAGE);
	write_pages(big, 64);
	munmap(big, 64 * PAGE);
	printf("peak above: %d\n", status("VmHWM") >= status("VmRSS"));
	clear("5");
	printf("peak down: %d\n", status("VmHWM") - status("VmRSS") < 64 * 4);
	clear("0");
	clear("6");
	clear("x");
	clear(" 1\n");
	printf("open for reading too: %s\n", outcome(open("/proc/self/smaps_rollup", O_RDONLY)));
	int filter = open("/proc/self/coredump_filter", O_RDWR);
	char text[16] = {0};
	write(filter, "0x33\n", 5);  /* what a parent has set is inherited: a JVM sets it */
	pread(filter, text, 15, 0);
	printf("coredump_filter %s", text);
	write(filter, "0x7f\n", 5);
	pread(filter, text, 15, 0);
	printf("coredump_filter %s", text);
	return 0;
}
