/* What calls on ranges of memory answer: a line a call and flags, a column a kind of range. Printed as the table that the memory
 * manager's tests compare with. */
#include "observe.h"

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

enum { WHOLE, ODD, EMPTY, GAP_BEHIND, NOTHING, WRAPS, KINDS };

static char *base;

/* Four pages, of which the third is not mapped. */
static void lay_out(void)
{
	munmap(base, 4 * PAGE);
	mmap(base, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	munmap(base + 2 * PAGE, PAGE);
}

static void range(int kind, char **start, size_t *length)
{
	*start = kind == ODD ? base + 1 : kind == NOTHING ? base + 2 * PAGE : base;
	*length = kind == EMPTY ? 0 : kind == GAP_BEHIND ? 4 * PAGE : kind == WRAPS ? -PAGE : PAGE;
}

static void row(const char *call, long (*run)(char *, size_t, int), int flags)
{
	printf("%s\t%d", call, flags);
	for (int kind = 0; kind < KINDS; kind++) {
		char *start;
		size_t length;

		lay_out();
		range(kind, &start, &length);
		printf("\t%s", run(start, length, flags) ? strerrorname_np(errno) : "0");
	}
	printf("\n");
}

static long call_munmap(char *p, size_t n, int flags)
{
	(void)flags;
	return munmap(p, n);
}

static long call_mprotect(char *p, size_t n, int flags)
{
	return mprotect(p, n, flags);
}

static long call_mlock(char *p, size_t n, int flags)
{
	(void)flags;
	return mlock(p, n);
}

static long call_mlock2(char *p, size_t n, int flags)
{
	return mlock2(p, n, flags);
}

static long call_munlock(char *p, size_t n, int flags)
{
	(void)flags;
	return munlock(p, n);
}

static long call_msync(char *p, size_t n, int flags)
{
	return msync(p, n, flags);
}

static long call_mincore(char *p, size_t n, int flags)
{
	unsigned char pages[8];

	(void)flags;
	return mincore(p, n, pages);
}

int main(void)
{
	base = map_private(4 * PAGE);
	printf("call\tflags\twhole\todd\tempty\tgap-behind\tnothing\twraps\n");
	row("munmap", call_munmap, 0);
	row("mprotect", call_mprotect, PROT_NONE);
	row("mprotect", call_mprotect, PROT_READ | PROT_WRITE | PROT_EXEC);
	row("mprotect", call_mprotect, 8 | PROT_READ);
	row("mprotect", call_mprotect, 0x10);
	row("mprotect", call_mprotect, PROT_GROWSDOWN);
	row("mprotect", call_mprotect, PROT_GROWSUP);
	row("mprotect", call_mprotect, PROT_GROWSDOWN | PROT_GROWSUP);
	row("mlock", call_mlock, 0);
	row("mlock2", call_mlock2, 0);
	row("mlock2", call_mlock2, MLOCK_ONFAULT);
	row("mlock2", call_mlock2, 2);
	row("munlock", call_munlock, 0);
	row("msync", call_msync, 0);
	row("msync", call_msync, MS_ASYNC);
	row("msync", call_msync, MS_INVALIDATE);
	row("msync", call_msync, MS_SYNC);
	row("msync", call_msync, MS_SYNC | MS_INVALIDATE);
	row("msync", call_msync, MS_ASYNC | MS_SYNC);
	row("msync", call_msync, 8);
	row("mincore", call_mincore, 0);
	return 0;
}
