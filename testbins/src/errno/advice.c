/* madvise, mlock, msync, mincore: what they refuse; madvise goes on behind a hole and then says ENOMEM. */
#include "observe.h"

static void show(const char *label, long result)
{
	printf("%-44s %s\n", label, outcome(result));
}

int main(void)
{
	char *p = map_private(16 * PAGE);
	unsigned char vector[16];
	int file = temporary_file(4 * PAGE);
	char *q = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	write_pages(p, 16);
	puts("-- madvise");
	show("not on a page", madvise(p + 1, PAGE, MADV_DONTNEED));
	show("unknown advice", madvise(p, PAGE, 12345));
	show("length 0", madvise(p, 0, MADV_DONTNEED));
	show("length 0, unknown advice", madvise(p, 0, 12345));
	show("length -1", madvise(p, -1UL, MADV_DONTNEED));
	show("length that wraps", madvise(p, -PAGE, MADV_DONTNEED));
	munmap(p + 4 * PAGE, PAGE);
	show("DONTNEED over a hole", madvise(p, 8 * PAGE, MADV_DONTNEED));
	printf("before the hole %d, behind it %d\n", p[3 * PAGE], p[5 * PAGE]);
	show("MADV_FREE on a file", madvise(q, PAGE, MADV_FREE));
	show("MADV_REMOVE on private memory", madvise(p, PAGE, MADV_REMOVE));
	show("MADV_DONTFORK, MADV_DOFORK", madvise(p, PAGE, MADV_DONTFORK) | madvise(p, PAGE, MADV_DOFORK));
	show("MADV_WIPEONFORK on a file", madvise(q, PAGE, MADV_WIPEONFORK));
	show("MADV_POPULATE_READ over a hole", madvise(p, 8 * PAGE, MADV_POPULATE_READ));
	mprotect(p + 8 * PAGE, PAGE, PROT_NONE);
	show("MADV_POPULATE_READ of PROT_NONE", madvise(p + 8 * PAGE, PAGE, MADV_POPULATE_READ));
	mprotect(p + 8 * PAGE, PAGE, PROT_READ);
	show("MADV_POPULATE_WRITE of read-only", madvise(p + 8 * PAGE, PAGE, MADV_POPULATE_WRITE));

	puts("-- mlock");
	show("not on a page", mlock(p + 6 * PAGE + 100, 100));
	show("length 0", mlock(p, 0));
	show("over a hole", mlock(p + 3 * PAGE, 3 * PAGE));
	show("nothing mapped", mlock(p + 4 * PAGE, PAGE));
	show("munlock of what is not locked", munlock(p + 10 * PAGE, PAGE));
	show("mlock2, unknown flag", mlock2(p, PAGE, 8));
	show("mlock2 ONFAULT", mlock2(p, PAGE, MLOCK_ONFAULT));
	show("madvise DONTNEED of locked memory", madvise(p, PAGE, MADV_DONTNEED));
	show("munlock", munlock(p, PAGE));
	show("mlockall, no flags", mlockall(0));
	show("munlockall", munlockall());

	puts("-- msync");
	show("not on a page", msync(q + 1, PAGE, MS_SYNC));
	show("unknown flag", msync(q, PAGE, 64));
	show("SYNC and ASYNC", msync(q, PAGE, MS_SYNC | MS_ASYNC));
	show("no flags", msync(q, PAGE, 0));
	show("length 0", msync(q, 0, MS_SYNC));
	show("SYNC", msync(q, 4 * PAGE, MS_SYNC));
	show("over a hole", msync(p + 3 * PAGE, 3 * PAGE, MS_ASYNC));
	show("INVALIDATE of locked", (mlock(q, PAGE), msync(q, PAGE, MS_INVALIDATE)));

	puts("-- mincore");
	show("not on a page", mincore(p + 1, PAGE, vector));
	show("length 0", mincore(p, 0, vector));
	show("over a hole", mincore(p, 8 * PAGE, vector));
	show("vector in a hole", mincore(p, PAGE, (unsigned char *)(p + 4 * PAGE)));
	show("kernel space", mincore((void *)0xffff800000000000UL, PAGE, vector));
	show("length -1", mincore(p, -1UL, vector));
	return 0;
}
