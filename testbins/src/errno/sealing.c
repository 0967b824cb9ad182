/* mseal: what can no longer be done to a sealed mapping. */
#include "observe.h"
#include <sys/syscall.h>

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

static void show(const char *label, long result)
{
	printf("%-44s %s\n", label, outcome(result));
}

static long seal(void *p, size_t n, unsigned long flags)
{
	return syscall(SYS_mseal, p, n, flags);
}

/* What was written over a file's page may be thrown away, sealed and read-only as it is. */
static void of_a_file(const char *label, int flags)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, temporary_file(PAGE), 0);

	p[0] = 5;
	mprotect(p, PAGE, PROT_READ);
	seal(p, PAGE, 0);
	printf("%s file, ", label);
	show("dontneed", madvise(p, PAGE, MADV_DONTNEED));
	printf("%s file now has %d\n", label, p[0]);
}

int main(void)
{
	char *p = map_private(16 * PAGE);
	char *r = map(8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);

	write_pages(p, 16);
	show("flags", seal(p, PAGE, 1));
	show("not on a page", seal(p + 1, PAGE, 0));
	show("length 0", seal(p, 0, 0));
	show("length that wraps", seal(p, -PAGE, 0));
	show("length -1", seal(p, -1UL, 0));
	munmap(p + 15 * PAGE, PAGE);
	show("over a hole", seal(p, 16 * PAGE, 0));
	show("nothing sealed by that", mprotect(p, PAGE, PROT_READ));
	mprotect(p, PAGE, PROT_READ | PROT_WRITE);
	show("seal", seal(p + 4 * PAGE, 4 * PAGE, 0));
	show("seal again", seal(p + 2 * PAGE, 4 * PAGE, 0));
	show("munmap", munmap(p + 4 * PAGE, PAGE));
	show("munmap of more", munmap(p, 8 * PAGE));
	show("mprotect to the same", mprotect(p + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE));
	show("mprotect", mprotect(p + 4 * PAGE, PAGE, PROT_READ));
	show("mprotect of more", mprotect(p, 8 * PAGE, PROT_READ));
	show("what was before it is changed", mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	show("mremap shrink", mremap(p + 4 * PAGE, 2 * PAGE, PAGE, 0) == MAP_FAILED ? -1 : 0);
	show("mremap move", mremap(p + 4 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
	show("mremap onto it", mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 4 * PAGE) == MAP_FAILED ? -1 : 0);
	show("map over it", mmap(p + 4 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ? -1 : 0);
	show("dontneed, writable", madvise(p + 4 * PAGE, PAGE, MADV_DONTNEED));
	show("free, writable", madvise(p + 4 * PAGE, PAGE, MADV_FREE));
	show("mlock", mlock(p + 4 * PAGE, PAGE));
	show("munlock", munlock(p + 4 * PAGE, PAGE));
	p[4 * PAGE] = 7;
	printf("%-44s %d\n", "it can be written", p[4 * PAGE]);
	show("seal read-only", seal(r, 4 * PAGE, 0));
	show("dontneed", madvise(r, PAGE, MADV_DONTNEED));
	show("free", madvise(r, PAGE, MADV_FREE));
	show("dontfork", madvise(r, PAGE, MADV_DONTFORK));
	show("wipeonfork", madvise(r, PAGE, MADV_WIPEONFORK));
	show("guard", madvise(r, PAGE, 102));
	show("random", madvise(r, PAGE, MADV_RANDOM));
	show("willneed", madvise(r, PAGE, MADV_WILLNEED));
	show("cold", madvise(r, PAGE, MADV_COLD));
	show("the part that is not sealed", munmap(r + 4 * PAGE, 4 * PAGE));
	of_a_file("private", MAP_PRIVATE);
	of_a_file("shared", MAP_SHARED);
	return 0;
}
