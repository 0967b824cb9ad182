/*
 * The kernel's own reads and writes of user memory fault pages in like the program's, and are counted like them. A
 * system call into memory that may not be accessed fails with EFAULT and moves what it could.
 */
#include "observe.h"
#include <sys/uio.h>

static void measure(void)
{
	char *p = map_private(40 * PAGE);
	int fd = temporary_file(0);
	int zero = temporary_file(16 * PAGE);

	FAULTS("read 16 pages of a file into fresh memory", pread(zero, p, 16 * PAGE, 0));
	FAULTS("write 8 fresh pages to a file", pwrite(fd, p + 20 * PAGE, 8 * PAGE, 0));
	FAULTS("uname, getrusage: into written memory", struct rusage u; getrusage(RUSAGE_SELF, &u));
	mprotect(p + 10 * PAGE, PAGE, PROT_NONE);
	if (printing) {
		printf("read into a page without rights: %s\n", outcome(pread(zero, p + 10 * PAGE, 10, 0)));
		printf("write from 2 pages, then none: %zd\n", pwrite(fd, p + 8 * PAGE, 4 * PAGE, 0));
		struct iovec parts[2] = { { p + 8 * PAGE, 100 }, { p + 10 * PAGE, 100 } };
		printf("writev, second part bad: %zd\n", pwritev(fd, parts, 2, 0));
		printf("write from kernel addresses: %s\n", outcome(write(fd, (void *)0xffff800000000000UL, 1)));
		printf("write from a hole: %s\n", outcome(write(fd, (void *)4096, 1)));
		printf("write of nothing from a hole: %s\n", outcome(write(fd, (void *)4096, 0)));
	}
	close(fd);
	close(zero);
	munmap(p, 40 * PAGE);
}

MEASURED_MAIN(measure)
