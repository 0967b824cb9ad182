/* mincore: a page of private anonymous memory is there once it was touched, zero page included, until it is dropped. */
#include "observe.h"

static void show(const char *label, char *p, int pages)
{
	unsigned char vector[64] = { 0 };

	printf("%-36s ", label);
	if (mincore(p, pages * PAGE, vector)) {
		puts(strerrorname_np(errno));
		return;
	}
	for (int i = 0; i < pages; i++)
		putchar(vector[i] & 1 ? '#' : '.');
	putchar('\n');
}

int main(void)
{
	char *guarded = map(33 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS); /* nothing can grow in place below its end */
	char *p = mmap(guarded, 32 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	show("fresh", p, 32);
	for (int i = 0; i < 32; i += 3)
		p[i * PAGE] = 1;
	show("every third written", p, 32);
	read_pages(p + 8 * PAGE, 4);
	show("four read", p, 32);
	madvise(p, 10 * PAGE, MADV_DONTNEED);
	show("first ten dropped", p, 32);
	char *q = mremap(p + 16 * PAGE, 16 * PAGE, 24 * PAGE, MREMAP_MAYMOVE);
	show("second half moved and grown", q, 24);
	show("where it was", p, 17);
	mprotect(q, 24 * PAGE, PROT_NONE);
	show("without rights", q, 24);
	char *s = map(8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	show("shared, fresh", s, 8);
	s[3 * PAGE] = 1;
	show("shared, one written", s, 8);
	char *r = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	show("populated", r, 8);
	return 0;
}
