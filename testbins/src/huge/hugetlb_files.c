/* A memfd of the pool's huge pages, which has none: size, holes, reading, seals, and what cannot be done with it. */
#include "observe.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define HUGE (2UL << 20)
#define TIB (1UL << 40)
#define RW (PROT_READ | PROT_WRITE)

static int make(const char *what, unsigned flags)
{
	int fd = memfd_create("huge", flags);

	printf("memfd %s: %s\n", what, outcome(fd));
	return fd;
}

static void size(int fd)
{
	struct stat st;

	fstat(fd, &st);
	printf("size %ld, block size %ld, mode %o\n", (long)st.st_size, (long)st.st_blksize, st.st_mode);
}

static void contents(void)
{
	int fd = make("of huge pages", MFD_HUGETLB);
	char bytes[3] = "xyz";
	struct iovec pieces[2] = { { bytes, 1 }, { bytes + 1, 2 } };

	size(fd);
	printf("truncate to one page: %s\n", outcome(ftruncate(fd, HUGE)));
	printf("truncate to an odd size: %s\n", outcome(ftruncate(fd, HUGE + PAGE)));
	size(fd);
	printf("write: %s\n", outcome(write(fd, "a", 1)));
	printf("pwrite: %s\n", outcome(pwrite(fd, "a", 1, 0)));
	printf("writev: %s\n", outcome(writev(fd, pieces, 2)));
	printf("read of a hole: %zd, %d %d\n", read(fd, bytes, 2), bytes[0], bytes[2]);
	printf("position: %ld\n", (long)lseek(fd, 0, SEEK_CUR));
	printf("pread at the end: %zd\n", pread(fd, bytes, 3, HUGE - 1));
	printf("pread beyond: %zd\n", pread(fd, bytes, 3, HUGE));
	printf("seek to the end: %ld\n", (long)lseek(fd, 0, SEEK_END));
	printf("read at the end: %zd\n", read(fd, bytes, 3));
	printf("hole: %s\n", outcome(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, HUGE)));
	printf("hole that changes the size: %s\n", outcome(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, HUGE)));
	printf("zero range: %s\n", outcome(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, HUGE)));
	printf("allocate nothing: %s\n", outcome(fallocate(fd, 0, 0, 0)));
	printf("fsync: %s\n", outcome(fsync(fd)));
	printf("advise: %s\n", outcome(posix_fadvise(fd, 0, HUGE, POSIX_FADV_WILLNEED) ? -1 : 0));
	close(fd);
}

static void mappings(void)
{
	int fd = make("to be mapped", MFD_HUGETLB);
	char *p = mmap(NULL, TIB, RW, MAP_SHARED, fd, 0);

	printf("mapped with reservation: %s\n", outcome((long)p));
	size(fd);
	p = mmap(NULL, 2 * HUGE, RW, MAP_SHARED | MAP_NORESERVE, fd, HUGE);
	printf("mapped without: %s\n", outcome((long)p));
	size(fd);
	munmap(p, 2 * HUGE);
	p = mmap(NULL, HUGE, RW, MAP_SHARED | MAP_NORESERVE, fd, PAGE);
	printf("mapped at an odd page of the file: %s\n", outcome((long)p));
	p = mmap(NULL, HUGE, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 8 * HUGE);
	printf("mapped beyond the end, to be read: %s\n", outcome((long)p));
	size(fd);
	munmap(p, HUGE);
	p = mmap(NULL, HUGE, RW, MAP_SHARED | MAP_NORESERVE | MAP_HUGETLB, fd, 0);
	printf("mapped by the other name too: %s\n", outcome((long)p));
	printf("hole by address: %s\n", outcome(madvise(p, HUGE, MADV_REMOVE)));
	munmap(p, HUGE);
	close(fd);
}

static void seals(void)
{
	int fd = make("with seals", MFD_HUGETLB | MFD_ALLOW_SEALING);

	ftruncate(fd, 2 * HUGE);
	char *p = mmap(NULL, HUGE, RW, MAP_SHARED | MAP_NORESERVE, fd, 0);
	printf("seal against writing while mapped: %s\n", outcome(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)));
	munmap(p, HUGE);
	printf("seal against writing: %s\n", outcome(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)));
	p = mmap(NULL, HUGE, RW, MAP_SHARED | MAP_NORESERVE, fd, 0);
	printf("shared, to be written: %s\n", outcome((long)p));
	printf("hole: %s\n", outcome(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, HUGE)));
	printf("seal against shrinking: %s\n", outcome(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)));
	printf("shrink: %s\n", outcome(ftruncate(fd, HUGE)));
	printf("grow: %s\n", outcome(ftruncate(fd, 3 * HUGE)));
	printf("seals: %x\n", fcntl(fd, F_GET_SEALS));
	close(fd);
	fd = make("without seals", MFD_HUGETLB);
	printf("seal: %s\n", outcome(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)));
	close(fd);
}

int main(void)
{
	contents();
	mappings();
	seals();
	make("of 2 MiB by name", MFD_HUGETLB | 21U << 26);
	make("of 4 MiB by name", MFD_HUGETLB | 22U << 26);
	make("of a size without being huge", 21U << 26);
	return 0;
}
