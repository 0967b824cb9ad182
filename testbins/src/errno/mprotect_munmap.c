/* What mprotect, munmap and brk refuse, and what they have done by then. */
#include "observe.h"
#include <fcntl.h>

#define RW (PROT_READ | PROT_WRITE)

static void show(const char *label, long result)
{
	printf("%-44s %s\n", label, outcome(result));
}

/* Which of 8 pages from p may be written: the kernel is asked to, so that nothing dies. */
static void rights(const char *label, char *p)
{
	int zero = temporary_file(1);

	printf("%-44s ", label);
	for (int i = 0; i < 8; i++) {
		int written = pread(zero, p + i * PAGE, 1, 0) == 1;
		int readable = pwrite(zero, p + i * PAGE, 1, 0) == 1;
		putchar(written ? 'w' : readable ? 'r' : '-');
	}
	putchar('\n');
	close(zero);
}

int main(void)
{
	char *p = map_private(32 * PAGE);
	int file = temporary_file(2 * PAGE);
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	int reader = open(link, O_RDONLY);

	puts("-- mprotect");
	show("not on a page", mprotect(p + 1, PAGE, RW));
	show("length 0", mprotect(p, 0, PROT_NONE));
	rights("nothing has changed", p);
	show("length that wraps", mprotect(p, -PAGE, PROT_READ));
	show("length -1", mprotect(p, -1UL, PROT_READ));
	show("unknown protection bit", mprotect(p, PAGE, RW | 0x100));
	show("GROWSDOWN and GROWSUP", mprotect(p, PAGE, RW | PROT_GROWSDOWN | PROT_GROWSUP));
	show("GROWSDOWN on what does not grow", mprotect(p, PAGE, RW | PROT_GROWSDOWN));
	show("kernel space", mprotect((void *)0xffff800000000000UL, PAGE, PROT_READ));
	munmap(p + 4 * PAGE, PAGE);
	show("hole in the middle", mprotect(p, 8 * PAGE, PROT_READ));
	rights("changed up to the hole", p);
	show("starts in the hole", mprotect(p + 4 * PAGE, 2 * PAGE, PROT_READ));
	rights("nothing has changed", p);
	show("length not a multiple", mprotect(p, PAGE + 1, RW));
	rights("rounded up", p);
	show("PROT_NONE", mprotect(p + 6 * PAGE, PAGE, PROT_NONE));
	show("PROT_EXEC alone", mprotect(p + 7 * PAGE, PAGE, PROT_EXEC));
	rights("now", p);
	char *q = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, reader, 0);
	show("write to a read-only descriptor's mapping", mprotect(q, PAGE, RW));
	q = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, reader, 0);
	show("the same, private", mprotect(q, PAGE, RW));

	puts("-- munmap");
	show("not on a page", munmap(p + 1, PAGE));
	show("length 0", munmap(p, 0));
	show("length -1", munmap(p, -1UL));
	show("kernel space", munmap((void *)0xffff800000000000UL, PAGE));
	show("end in kernel space", munmap((void *)0x7fffffffe000UL, 2 * PAGE));
	show("nothing mapped", munmap(p + 4 * PAGE, PAGE));
	show("over holes", munmap(p + 3 * PAGE, 4 * PAGE));
	rights("left", p);
	show("twice", munmap(p + 3 * PAGE, 4 * PAGE));

	puts("-- brk");
	char *start = sbrk(0);
	show("below the heap", brk((char *)((uintptr_t)start & 0xfff) + PAGE));
	printf("break unchanged: %d\n", sbrk(0) == start);
	show("into the kernel", brk((void *)0xffff800000000000UL));
	printf("break unchanged: %d\n", sbrk(0) == start);
	char *top = (char *)(((uintptr_t)start + PAGE - 1) & -PAGE);
	mmap(top + 20 * PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	show("into another mapping", brk(top + 21 * PAGE));
	show("up to another mapping", brk(top + 20 * PAGE));
	printf("break unchanged: %d\n", sbrk(0) == start);
	show("one page short of it", brk(top + 19 * PAGE));
	printf("break moved: %ld\n", (long)((char *)sbrk(0) - top) / (long)PAGE);
	struct rlimit limit = { 64 * PAGE, RLIM_INFINITY };
	munmap(top + 20 * PAGE, PAGE);
	setrlimit(RLIMIT_DATA, &limit);
	show("beyond RLIMIT_DATA", brk(top + 4000 * PAGE));
	return 0;
}
