/* process_madvise on the process itself, and pages sent out by advice: they come back as they were. */
#include "observe.h"
#include <sys/syscall.h>
#include <sys/uio.h>

#define SELF_GROUP -10001
#define SELF -10000

static void show(const char *label, long result)
{
	if (result > 0)
		printf("%-44s %ld\n", label, result);
	else
		printf("%-44s %s\n", label, outcome(result));
}

static long advise(int pidfd, struct iovec *v, size_t n, int advice, unsigned int flags)
{
	return syscall(SYS_process_madvise, pidfd, v, n, advice, flags);
}

int main(void)
{
	char *p = map_private(16 * PAGE);
	struct iovec v[3] = { { p, 2 * PAGE }, { p + 4 * PAGE, PAGE }, { p + 8 * PAGE, 3 * PAGE } };
	long sum = 0;

	write_pages(p, 16);
	show("cold, 3 ranges", advise(SELF_GROUP, v, 3, MADV_COLD, 0));
	show("pageout, this thread", advise(SELF, v, 3, MADV_PAGEOUT, 0));
	show("flags", advise(SELF, v, 3, MADV_COLD, 1));
	show("unknown advice", advise(SELF, v, 3, 999, 0));
	show("no such descriptor", advise(99, v, 3, MADV_COLD, 0));
	show("no range", advise(SELF, v, 0, MADV_COLD, 0));
	show("too many ranges", advise(SELF, v, 1025, MADV_COLD, 0));
	show("bad vector", advise(SELF, (struct iovec *)8, 1, MADV_COLD, 0));
	v[1].iov_base = p + 4 * PAGE + 1;
	show("second range not on a page", advise(SELF, v, 3, MADV_COLD, 0));
	v[1].iov_base = p + 4 * PAGE;
	munmap(p + 4 * PAGE, PAGE);
	show("second range not mapped", advise(SELF, v, 3, MADV_COLD, 0));
	v[0].iov_len = 0;
	show("first range empty", advise(SELF, v, 1, MADV_COLD, 0));
	v[0].iov_len = PAGE;
	show("dontneed", advise(SELF, v, 1, MADV_DONTNEED, 0));
	for (int i = 0; i < 16; i++)
		if (i != 4)
			sum += p[i * PAGE];
	printf("%-44s %ld\n", "sum of what is left", sum);
	int file = temporary_file(8 * PAGE);
	char *f = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	write_pages(f, 8);
	show("pageout of a file", madvise(f, 8 * PAGE, MADV_PAGEOUT));
	char byte = 0;
	pread(file, &byte, 1, 3 * PAGE);
	printf("%-44s %d %ld\n", "read back", byte, read_pages(f, 8));
	return 0;
}
