/* /proc/self/pagemap: present (63) and file-or-shared (61) bits of each page; 55 is soft-dirty and not shown. */
#include "observe.h"
#include <fcntl.h>

static int pagemap;

static void show(const char *label, char *p, int pages)
{
	uint64_t entry;

	printf("%-28s ", label);
	for (int i = 0; i < pages; i++) {
		if (pread(pagemap, &entry, 8, ((uintptr_t)p / PAGE + i) * 8) != 8) {
			printf("no entry\n");
			return;
		}
		putchar(entry >> 63 & 1 ? (entry >> 61 & 1 ? 'F' : 'A') : '.');
	}
	putchar('\n');
}

int main(void)
{
	pagemap = open("/proc/self/pagemap", O_RDONLY);
	char *guarded = map(17 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
	char *p = mmap(guarded, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	char *s = map(8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);

	show("fresh", p, 16);
	write_pages(p + 3 * PAGE, 5);
	show("five written", p, 16);
	madvise(p + 4 * PAGE, 2 * PAGE, MADV_DONTNEED);
	show("two dropped", p, 16);
	show("shared, fresh", s, 8);
	s[2 * PAGE] = 1;
	show("shared, one written", s, 8);
	char *q = mremap(p, 16 * PAGE, 20 * PAGE, MREMAP_MAYMOVE);
	show("grown", q, 20);
	munmap(q + 6 * PAGE, PAGE);
	show("with a hole", q, 20);
	return 0;
}
