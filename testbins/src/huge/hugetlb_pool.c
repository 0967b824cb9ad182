/*
 * Uses a pool of huge pages that has some: "hugetlb_pool N", N being how many, all free. It says what is wrong, and how much that is;
 * the exit status is 0 for nothing. Without N it does nothing, and says so: the pool is the whole machine's.
 */
#include "observe.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define HUGE (2UL << 20)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB)

static long pages, failures;

static void check(int holds, const char *what)
{
	if (!holds) {
		failures++;
		printf("wrong: %s: %s\n", what, strerrorname_np(errno));
	}
}

static long meminfo(const char *name)
{
	char line[128];
	long value = -1;
	FILE *f = fopen("/proc/meminfo", "r");

	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			value = atol(line + strlen(name) + 1);
	fclose(f);
	return value;
}

static void counts(const char *when, long used, long reserved)
{
	long total = meminfo("HugePages_Total"), free = meminfo("HugePages_Free"), rsvd = meminfo("HugePages_Rsvd");

	if (total != pages || free != pages - used || rsvd != reserved) {
		failures++;
		printf("wrong: %s: total %ld free %ld reserved %ld\n", when, total, free, rsvd);
	}
}

static long number_in(const char *path)
{
	char text[32] = "-1";
	int fd = open(path, O_RDONLY);

	if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
		return -1;
	close(fd);
	return atol(text);
}

static int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int result = fd < 0 ? -1 : (int)write(fd, text, strlen(text));

	close(fd);
	return result;
}

/* Exit status, or 128 + signal, of a child that runs the statement. */
#define CHILD(...)                                                     \
	({                                                             \
		int status;                                            \
		fflush(stdout);                                        \
		pid_t pid = fork();                                    \
		if (!pid) {                                            \
			__VA_ARGS__;                                   \
			_exit(0);                                      \
		}                                                      \
		waitpid(pid, &status, 0);                              \
		WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); \
	})

static void private_memory(void)
{
	volatile char *p = map(pages * HUGE, RW, ANON);

	counts("all reserved", 0, pages);
	check(mmap(NULL, HUGE, RW, ANON, -1, 0) == MAP_FAILED && errno == ENOMEM, "more than there are");
	for (long i = 0; i < pages; i++)
		p[i * HUGE + 5] = (char)(i + 1);
	counts("all used", pages, 0);
	check(CHILD(_exit(p[5] == 1 ? 7 : 1)) == 7, "child reads");
	check(CHILD(p[5] = 9) == 128 + SIGBUS, "child writes without a page for its copy");
	check(p[5] == 1, "content after fork");
	madvise((char *)p, HUGE, MADV_DONTNEED);
	counts("one dropped", pages - 1, 1);
	check(CHILD(_exit(p[HUGE + 5] == 2 ? 7 : 1)) == 7, "child reads the second");
	check(p[5] == 0, "dropped page");
	munmap((char *)p, pages * HUGE);
	counts("unmapped", 0, 0);
}

static void owner_first(void)
{
	volatile char *p = map(pages * HUGE, RW, ANON);
	int ready[2], go[2], status;
	char c;

	memset((char *)p, 1, pages * HUGE);
	if (pipe(ready) || pipe(go))
		return;
	pid_t pid = fork();
	if (!pid) {
		c = p[0];
		check(write(ready[1], &c, 1) == 1 && read(go[0], &c, 1) == 1, "pipe");
		_exit(p[0]); /* taken away by the parent: SIGBUS */
	}
	check(read(ready[0], &c, 1) == 1 && c == 1, "child read before");
	p[0] = 2;
	check(write(go[1], &c, 1) == 1, "pipe");
	waitpid(pid, &status, 0);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "child whose page was taken");
	check(p[0] == 2 && p[1] == 1, "the owner's page");
	munmap((char *)p, pages * HUGE);
	counts("owner", 0, 0);
}

static void shared_memory(void)
{
	volatile char *p = map(2 * HUGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB);
	int *word = (int *)(p + HUGE + 3 * PAGE);

	check(CHILD(p[1] = 3; *word = 1; syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0)) == 0, "child writes");
	syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
	check(p[1] == 3, "what the child wrote");
	counts("shared", 2, 0);

	struct iovec from = { (char *)p + 1, HUGE }, to = { malloc(HUGE), HUGE };
	check(process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)HUGE && *(char *)to.iov_base == 3, "process_vm_readv");
	free(to.iov_base);
	munmap((char *)p, 2 * HUGE);
	counts("shared, unmapped", 0, 0);

	int id = shmget(IPC_PRIVATE, HUGE + 1, SHM_HUGETLB | IPC_CREAT | 0600);
	counts("segment", 0, 2);
	p = shmat(id, NULL, 0);
	p[HUGE] = 4;
	check(CHILD(_exit(p[HUGE])) == 4, "segment in the child");
	shmdt((char *)p);
	counts("segment, detached", 1, 1);
	shmctl(id, IPC_RMID, NULL);
	counts("segment, removed", 0, 0);
}

static void file_memory(int fd, const char *what)
{
	struct stat st;

	check(!ftruncate(fd, 3 * HUGE), "truncate");
	volatile char *p = mmap(NULL, 3 * HUGE, RW, MAP_SHARED, fd, 0);
	volatile char *q = mmap(NULL, HUGE, RW, MAP_PRIVATE, fd, HUGE);
	char byte = 0;
	p[HUGE + 7] = 5;
	check(q[7] == 5, "private mapping of the page");
	q[7] = 6;
	check(p[HUGE + 7] == 5 && pread(fd, &byte, 1, HUGE + 7) == 1 && byte == 5, "the file's page");
	counts(what, 2, 2);
	check(!fstat(fd, &st) && st.st_size == 3 * (long)HUGE && st.st_blocks == (long)HUGE / 512, "stat");
	check(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, HUGE, HUGE), "hole");
	check(p[HUGE + 7] == 0, "hole reads as zeros");
	check(!ftruncate(fd, HUGE), "cut");
	check(CHILD(_exit(p[HUGE])) == 128 + SIGBUS, "beyond the end");
	munmap((char *)p, 3 * HUGE);
	munmap((char *)q, HUGE);
	check(!fallocate(fd, 0, 0, 2 * HUGE), "allocate");
	counts("allocated", 2, 0);
}

static void files(void)
{
	char directory[] = "/tmp/hugetlb.XXXXXX", path[64];
	int fd = memfd_create("pool", MFD_HUGETLB);

	file_memory(fd, "memfd");
	close(fd);
	counts("memfd, closed", 0, 0);
	if (!mkdtemp(directory) || mount("none", directory, "hugetlbfs", 0, NULL)) {
		check(errno == EPERM, "mount");
		rmdir(directory);
		return;
	}
	snprintf(path, sizeof(path), "%s/file", directory);
	fd = open(path, O_CREAT | O_RDWR, 0600);
	file_memory(fd, "file");
	close(fd);
	counts("file, closed", 2, 0);
	fd = open(path, O_RDWR);
	volatile char *p = mmap(NULL, 2 * HUGE, RW, MAP_SHARED, fd, 0);
	p[0] = 8;
	close(fd);
	unlink(path);
	check(p[0] == 8, "unlinked file");
	counts("file, mapped and unlinked", 2, 0);
	munmap((char *)p, 2 * HUGE);
	counts("file, gone", 0, 0);
	close(open(path, O_CREAT | O_RDWR, 0600));
	check(!umount(directory) && !rmdir(directory), "umount");
	counts("unmounted", 0, 0);
}

static void settings(void)
{
	check(number_in("/proc/sys/vm/nr_hugepages") == pages, "vm.nr_hugepages");
	check(number_in("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages") == pages, "free_hugepages");
	check(write_to("/proc/sys/vm/nr_hugepages", "3\n") > 0 && meminfo("HugePages_Total") == 3, "smaller pool");
	check(write_to("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages", "2") > 0, "nr_overcommit");
	volatile char *p = map(5 * HUGE, RW, ANON);
	check(meminfo("HugePages_Surp") == 2 && meminfo("HugePages_Rsvd") == 5, "surplus pages");
	p[0] = 1;
	munmap((char *)p, 5 * HUGE);
	check(meminfo("HugePages_Surp") == 0 && meminfo("HugePages_Total") == 3, "no surplus pages");
	check(write_to("/proc/sys/vm/nr_hugepages", "many") < 0 && errno == EINVAL, "no number");
	check(write_to("/proc/sys/vm/nr_overcommit_hugepages", "0") > 0, "nr_overcommit_hugepages");
	p = map(2 * HUGE, RW, ANON);
	p[0] = 1;
	check(write_to("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0") > 0, "no pool");
	check(meminfo("HugePages_Total") == 2 && meminfo("HugePages_Surp") == 2, "pages in use stay");
	munmap((char *)p, 2 * HUGE);
	check(meminfo("HugePages_Total") == 0 && meminfo("Hugetlb") == 0, "an empty pool");
	p = map(HUGE, RW, ANON | MAP_NORESERVE);
	check(CHILD(p[0] = 1) == 128 + SIGBUS, "nothing to touch");
	check(madvise((char *)p, HUGE, 23) == -1 && errno == EFAULT, "nothing to populate");
	munmap((char *)p, HUGE);
}

int main(int argc, char **argv)
{
	pages = argc > 1 ? atol(argv[1]) : 0;
	if (pages < 4) {
		puts("no pool to use");
		return 0;
	}
	private_memory();
	owner_first();
	shared_memory();
	files();
	settings();
	printf("%ld things are wrong\n", failures);
	return failures != 0;
}
