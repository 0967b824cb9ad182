/*
 * Uses a pool of two free pages of 1 GiB: "gigantic_pool 2", and with "copy" behind it also what copies a whole page. It says what
 * is wrong, and how much that is; the exit status is 0 for nothing. Without the number it does nothing, and says so: the pool is the
 * whole machine's.
 */
#include "observe.h"
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#define GIB (1UL << 30)
#define MIB2 (2UL << 20)
#define LOG2 (30 << 26)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | LOG2)
#define POOL "/sys/kernel/mm/hugepages/hugepages-1048576kB/"

static long failures;

static void check(int holds, const char *what)
{
	if (!holds) {
		failures++;
		printf("wrong: %s: %s\n", what, strerrorname_np(errno));
	}
}

static long number_in(const char *path)
{
	long value = -1;
	FILE *f = fopen(path, "r");

	if (f && fscanf(f, "%ld", &value) != 1)
		value = -1;
	if (f)
		fclose(f);
	return value;
}

static void counts(const char *when, long free, long reserved)
{
	long f = number_in(POOL "free_hugepages"), r = number_in(POOL "resv_hugepages");

	if (f != free || r != reserved) {
		failures++;
		printf("wrong: %s: free %ld reserved %ld\n", when, f, r);
	}
}

static char *gigantic(size_t count, int flags)
{
	return mmap(NULL, count * GIB, RW, flags, -1, 0);
}

/* What smaps has for a field of the mapping that begins at p, in KiB. */
static long smaps(const char *p, const char *field)
{
	char line[512];
	unsigned long start;
	long value = -1;
	int here = 0;
	FILE *f = fopen("/proc/self/smaps", "r");

	while (value < 0 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-", &start) == 1 && strchr(line, '-') && strchr(line, '-') < strchr(line, ' '))
			here = start == (unsigned long)p;
		else if (here && !strncmp(line, field, strlen(field)))
			value = atol(line + strlen(field) + 1);
	}
	fclose(f);
	return value;
}

static void private_memory(void)
{
	char *p = gigantic(2, ANON);

	check(p != MAP_FAILED && (unsigned long)p % GIB == 0, "two pages, on a boundary");
	counts("promised", 2, 2);
	check(gigantic(1, ANON) == MAP_FAILED && errno == ENOMEM, "a third is refused");
	p[0] = 1;
	p[GIB - 1] = 2;
	counts("one touched", 1, 1);
	check(p[0] == 1 && p[GIB - 1] == 2 && p[GIB / 2] == 0, "content");
	check(smaps(p, "KernelPageSize:") == 1 << 20, "size of a page in smaps");
	check(smaps(p, "Private_Hugetlb:") == 1 << 20, "resident in smaps");
	check(munmap(p + MIB2, MIB2) == -1 && errno == EINVAL, "a part cannot be unmapped");
	check(mprotect(p, MIB2, PROT_READ) == -1 && errno == EINVAL, "nor be protected");
	check(mprotect(p, GIB, PROT_READ) == 0, "a whole page can");
	struct iovec from = {p + 5, 1}, to = {p, 1};
	check(process_vm_readv(getpid(), &to, 1, &from, 1, 0) == -1 && errno == EFAULT, "and is not written then");
	check(mprotect(p, GIB, RW) == 0, "allow again");
	p[7] = 7;
	check(process_vm_readv(getpid(), &to, 1, &(struct iovec){p + 7, 1}, 1, 0) == 1 && p[0] == 7, "pages can be pinned");
	check(munmap(p + GIB, GIB) == 0, "the second page goes");
	counts("one left", 1, 0);
	char *moved = mremap(p, GIB, GIB, MREMAP_MAYMOVE | MREMAP_FIXED, p + GIB);
	check(moved == p + GIB && moved[7] == 7 && moved[GIB - 1] == 2, "moved with its content");
	check(madvise(moved, GIB, MADV_DONTNEED) == 0, "given up");
	counts("given up", 2, 1);
	check(moved[7] == 0, "empty again");
	munmap(moved, GIB);
	counts("all back", 2, 0);
}

static void forked(int copies)
{
	char *p = gigantic(1, ANON);
	int status;

	p[0] = 1;
	fflush(stdout);
	int child = fork();
	if (child == 0) {
		check(p[0] == 1, "the child sees the page");
		if (copies) {
			p[0] = 2;
			counts("a copy of its own", 0, 0);
			check(p[0] == 2 && p[GIB - 1] == 0, "and writes to it");
		}
		fflush(stdout);
		_exit(failures);
	}
	waitpid(child, &status, 0);
	check(status == 0, "child");
	check(p[0] == 1, "the parent's is as it was");
	counts("the child has ended", 1, 0);
	munmap(p, GIB);
}

static void files(void)
{
	struct stat st;
	int fd = syscall(SYS_memfd_create, "gigantic", 4 | LOG2);

	check(fd >= 0, "memfd");
	check(ftruncate(fd, MIB2) == -1 && errno == EINVAL, "sizes are multiples of a page");
	check(ftruncate(fd, GIB) == 0 && fstat(fd, &st) == 0 && st.st_blksize == GIB, "its block size");
	char *one = mmap(NULL, GIB, RW, MAP_SHARED, fd, 0), *other = mmap(NULL, GIB, RW, MAP_SHARED, fd, 0);
	check(one != MAP_FAILED && other != MAP_FAILED, "mapped twice");
	counts("promised to the file", 2, 1);
	one[GIB - 5] = 9;
	check(other[GIB - 5] == 9, "both are one");
	counts("taken by the file", 1, 0);
	char c = 0;
	check(pread(fd, &c, 1, GIB - 5) == 1 && c == 9, "read");
	check(fallocate(fd, 3, 0, GIB) == 0 && other[GIB - 5] == 0, "a hole");
	munmap(one, GIB);
	munmap(other, GIB);
	close(fd);
	counts("the file is gone", 2, 0);

	int id = shmget(IPC_PRIVATE, GIB, 0600 | SHM_HUGETLB | LOG2);
	check(id >= 0, "segment");
	char *s = shmat(id, NULL, 0);
	shmctl(id, IPC_RMID, NULL);
	check(s != (char *)-1 && (unsigned long)s % GIB == 0, "attached");
	s[GIB / 2] = 4;
	counts("used by the segment", 1, 0);
	shmdt(s);
	counts("the segment is gone", 2, 0);
}

static void mounted(void)
{
	char at[] = "/tmp/gigantic.XXXXXX", path[64];
	struct statfs fs;

	if (geteuid() != 0 || !mkdtemp(at))
		return;
	check(mount("none", at, "hugetlbfs", 0, "pagesize=1G") == 0, "mount");
	check(statfs(at, &fs) == 0 && fs.f_bsize == GIB, "its pages");
	snprintf(path, sizeof(path), "%s/file", at);
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	char *p = mmap(NULL, GIB, RW, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED, "a file of it is mapped");
	p[3] = 3;
	counts("a page of the mount", 1, 0);
	munmap(p, GIB);
	close(fd);
	counts("which stays", 1, 0);
	unlink(path);
	umount(at);
	rmdir(at);
	counts("until it is unlinked", 2, 0);
}

int main(int argc, char **argv)
{
	if (argc < 2 || atol(argv[1]) != 2) {
		puts("needs two pages of 1 GiB");
		return 0;
	}
	counts("at first", 2, 0);
	private_memory();
	forked(argc == 3);
	files();
	mounted();
	printf("%ld wrong\n", failures);
	return failures > 100 ? 100 : (int)failures;
}
