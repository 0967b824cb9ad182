/* What mincore, pagemap, smaps and system calls see of a huge page; who is eligible; prctl's switch. */
#include "huge.h"
#include <fcntl.h>
#include <sys/uio.h>

#ifndef PR_THP_DISABLE_EXCEPT_ADVISED
#define PR_THP_DISABLE_EXCEPT_ADVISED (1 << 1)
#endif

static void bits(const char *label, char *p, size_t pages)
{
	static unsigned char vec[4096];
	int fd = open("/proc/self/pagemap", O_RDONLY);
	size_t in_core = 0, present = 0;
	uint64_t entry;

	mincore(p, pages * PAGE, vec);
	for (size_t i = 0; i < pages; i++) {
		in_core += vec[i] & 1;
		if (pread(fd, &entry, 8, ((uintptr_t)p / PAGE + i) * 8) == 8)
			present += entry >> 63;
	}
	close(fd);
	printf("%-28s mincore %4zu  pagemap present %4zu\n", label, in_core, present);
}

static void thp_enabled(const char *label)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");

	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "THP_enabled", 11))
			printf("%s: %s", label, line);
	fclose(f);
}

int main(void)
{
	thp_enabled("switched off before main");
	printf("get: %d\n", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	char *q = map_huge(2);
	write_pages(q, 1024);
	show_huge("switched off", q, 2 * HUGE);
	munmap(q, 2 * HUGE);
	printf("set with flags: %s\n", outcome(prctl(PR_SET_THP_DISABLE, 1, PR_THP_DISABLE_EXCEPT_ADVISED, 0, 0)));
	printf("get: %d\n", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	thp_enabled("except advised");
	q = map_huge(2);
	write_pages(q, 1024);
	show_huge("except advised", q, 2 * HUGE);
	munmap(q, 2 * HUGE);
	printf("off with flags: %s\n", outcome(prctl(PR_SET_THP_DISABLE, 0, PR_THP_DISABLE_EXCEPT_ADVISED, 0, 0)));
	printf("unknown flag: %s\n", outcome(prctl(PR_SET_THP_DISABLE, 1, 8, 0, 0)));
	printf("too many: %s\n", outcome(prctl(PR_SET_THP_DISABLE, 1, 0, 1, 0)));
	printf("get with argument: %s\n", outcome(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0)));
	with_huge_pages();
	thp_enabled("on");

	char *p = map_huge(4);
	bits("fresh", p, 2048);
	printf("eligible: %ld\n", smaps_of(p, 4 * HUGE, "THPeligible"));
	read_pages(p, 512);
	memset(p + HUGE, 1, HUGE);
	bits("one read, one written", p, 2048);
	show_huge("one read, one written", p, 4 * HUGE);
	printf("%-28s Pss %ld Private_Dirty %ld Referenced %ld\n", "", smaps_of(p, 4 * HUGE, "Pss"),
			smaps_of(p, 4 * HUGE, "Private_Dirty"), smaps_of(p, 4 * HUGE, "Referenced"));

	int pipes[2], zero = open("/dev/zero", O_RDONLY);
	struct iovec iov = {p + HUGE + 77, 3 * PAGE};
	if (pipe(pipes))
		return 1;
	strcpy(p + HUGE + 3 * PAGE - 3, "across two pages");
	printf("write: %zd\n", write(pipes[1], p + HUGE + 3 * PAGE - 3, 17));
	printf("read: %zd %s\n", read(pipes[0], p + 2 * HUGE + 9 * PAGE - 5, 17), p + 2 * HUGE + 9 * PAGE - 5);
	printf("readv: %zd\n", readv(zero, &iov, 1));
	char *target = p + 3 * HUGE + 5;
	struct iovec from = {p + 2 * HUGE + 9 * PAGE - 5, 17}, to = {target, 17};
	printf("process_vm_writev: %zd %s\n", process_vm_writev(getpid(), &from, 1, &to, 1, 0), target);
	bits("after the calls", p, 2048);
	show_huge("after the calls", p, 4 * HUGE);

	printf("collapse, unaligned: %s\n", outcome(madvise(p + 1, HUGE, MADV_COLLAPSE)));
	madvise(p + HUGE, PAGE, MADV_DONTNEED);
	show_huge("one page dropped", p, 4 * HUGE);
	madvise(p + 2 * HUGE, HUGE, MADV_COLD);
	show_huge("a huge page gone cold", p, 4 * HUGE);
	return 0;
}
