/* What calls about a process' memory answer, a line for each kind of argument: the table of behaviour that goes with the emulator. */
#include "observe.h"
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

#define MIB (1UL << 20)

static void row(const char *call, const char *with, long result)
{
	printf("%s\t%s\t%s\n", call, with, result == -1 ? strerrorname_np(errno) : "ok");
}

static void *failed(void *p)
{
	return p == MAP_FAILED ? (void *)-1 : NULL;
}

/* Runs a part of the table in a process of its own, whose limits and locks end with it. */
static void apart(void (*part)(void))
{
	fflush(stdout);
	if (fork() == 0) {
		part();
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void limit(int which, rlim_t most)
{
	struct rlimit limits;

	getrlimit(which, &limits);
	limits.rlim_cur = most;
	setrlimit(which, &limits);
}

static void unprivileged(void)
{
	if (geteuid() == 0)
		setresuid(65534, 65534, 65534);
}

static char *heap_end(void *wanted)
{
	return (char *)syscall(SYS_brk, wanted);
}

static void brk_row(const char *with, char *wanted)
{
	char *before = heap_end(NULL), *now = heap_end(wanted);

	printf("brk\t%s\t%s\n", with, now == wanted ? "moved" : now == before ? "stays" : "elsewhere");
}

static void heap(void)
{
	char *start = heap_end(NULL);

	brk_row("nothing", NULL);
	brk_row("one byte more", start + 1);
	brk_row("a page more", start + PAGE);
	brk_row("back", start);
	brk_row("address of code", (char *)&heap);
	brk_row("kernel address", (char *)-PAGE);
	brk_row("1 MiB more", start + MIB);
	char *page = (char *)(((uintptr_t)start + 4 * MIB) & -PAGE);
	mmap(page, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	brk_row("into a mapping", page + PAGE);
	brk_row("up to a mapping", page);
	brk_row("up to a page before it", page - PAGE);
	munmap(page, PAGE);
	limit(RLIMIT_DATA, 2 * MIB);
	brk_row("beyond RLIMIT_DATA", start + 3 * MIB);
	brk_row("less than now, and still beyond it", start + 5 * MIB / 2);
	brk_row("within RLIMIT_DATA", start + MIB / 2);
}

static void lock_all(void)
{
	row("mlockall", "0", mlockall(0));
	row("mlockall", "MCL_ONFAULT", mlockall(MCL_ONFAULT));
	row("mlockall", "8", mlockall(8));
	row("mlockall", "MCL_CURRENT|8", mlockall(MCL_CURRENT | 8));
	row("mlockall", "-1", mlockall(-1));
	unprivileged();
	limit(RLIMIT_MEMLOCK, 4 * PAGE);
	row("mlockall", "MCL_CURRENT, more than RLIMIT_MEMLOCK", mlockall(MCL_CURRENT));
	row("mlockall", "MCL_CURRENT|MCL_ONFAULT, more than RLIMIT_MEMLOCK", mlockall(MCL_CURRENT | MCL_ONFAULT));
	row("mlockall", "MCL_FUTURE|MCL_ONFAULT", mlockall(MCL_FUTURE | MCL_ONFAULT));
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char in[4];
	mincore(p, 4 * PAGE, in);
	printf("mlockall\tand then mmap\t%s\n", in[0] & 1 ? "pages" : "no pages");
	munmap(p, 4 * PAGE);
	row("mlockall", "MCL_FUTURE", mlockall(MCL_FUTURE));
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mincore(p, 4 * PAGE, in);
	printf("mlockall\tand then mmap\t%s\n", in[0] & in[3] & 1 ? "pages" : "no pages");
	row("mlockall", "and then mmap of more than RLIMIT_MEMLOCK", (long)failed(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
	brk_row("more than RLIMIT_MEMLOCK after MCL_FUTURE", heap_end(NULL) + PAGE);
	row("munlockall", "whatever is locked", munlockall());
	row("munlockall", "and then mmap", (long)failed(mmap(NULL, MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
	limit(RLIMIT_MEMLOCK, 0);
	row("mlockall", "MCL_CURRENT, RLIMIT_MEMLOCK 0", mlockall(MCL_CURRENT));
	row("mlockall", "MCL_FUTURE, RLIMIT_MEMLOCK 0", mlockall(MCL_FUTURE));
	row("mlockall", "0, RLIMIT_MEMLOCK 0", mlockall(0));
	row("munlockall", "RLIMIT_MEMLOCK 0", munlockall());
}

static long seal(void *p, size_t n, unsigned long flags)
{
	return syscall(SYS_mseal, p, n, flags);
}

static void sealing(void)
{
	char *p = map_private(4 * PAGE);

	munmap(p + 2 * PAGE, PAGE);
	row("mseal", "flags 1", seal(p, PAGE, 1));
	row("mseal", "flags 1 << 63", seal(p, PAGE, 1UL << 63));
	row("mseal", "not on a page", seal(p + 1, PAGE, 0));
	row("mseal", "empty", seal(p, 0, 0));
	row("mseal", "empty, nothing mapped", seal(p + 2 * PAGE, 0, 0));
	row("mseal", "a gap behind", seal(p, 4 * PAGE, 0));
	row("mseal", "nothing mapped", seal(p + 2 * PAGE, PAGE, 0));
	row("mseal", "wraps", seal(p, -PAGE, 0));
	row("mseal", "length -1", seal(p, -1UL, 0));
	row("mseal", "one byte", seal(p, 1, 0));
	row("mseal", "again", seal(p, 2 * PAGE, 0));
	row("mseal", "and then munmap", munmap(p, PAGE));
}

static long advise(int pidfd, const struct iovec *v, size_t n, int advice, unsigned int flags)
{
	return syscall(SYS_process_madvise, pidfd, v, n, advice, flags);
}

static void advice(void)
{
	char *p = map_private(4 * PAGE), label[32];
	struct iovec v = {p, PAGE}, odd = {p + 1, PAGE}, negative = {p, -1UL};

	write_pages(p, 4);
	row("process_madvise", "flags 1", advise(-10001, &v, 1, MADV_COLD, 1));
	row("process_madvise", "no such descriptor", advise(99, &v, 1, MADV_COLD, 0));
	row("process_madvise", "descriptor of a file", advise(0, &v, 1, MADV_COLD, 0));
	row("process_madvise", "1025 ranges", advise(-10001, &v, 1025, MADV_COLD, 0));
	row("process_madvise", "no range", advise(-10001, &v, 0, MADV_COLD, 0));
	row("process_madvise", "no range, unknown advice", advise(-10001, &v, 0, 99, 0));
	row("process_madvise", "unreadable ranges", advise(-10001, (void *)8, 1, MADV_COLD, 0));
	row("process_madvise", "not on a page", advise(-10001, &odd, 1, MADV_COLD, 0));
	row("process_madvise", "length -1", advise(-10001, &negative, 1, MADV_COLD, 0));
	for (int i = 0; i <= 24; i++) {
		snprintf(label, sizeof(label), "advice %d", i);
		row("process_madvise", label, advise(-10000, &v, 1, i, 0));
	}
	row("process_madvise", "advice 99", advise(-10000, &v, 1, 99, 0));
}

static long barrier(int cmd, unsigned int flags, int cpu)
{
	return syscall(SYS_membarrier, cmd, flags, cpu);
}

static void barriers(void)
{
	row("membarrier", "query", barrier(0, 0, 0));
	row("membarrier", "query, flags 1", barrier(0, 1, 0));
	row("membarrier", "-1", barrier(-1, 0, 0));
	row("membarrier", "1 << 20", barrier(1 << 20, 0, 0));
	row("membarrier", "two at once", barrier(3, 0, 0));
	row("membarrier", "global", barrier(1, 0, 0));
	row("membarrier", "global, flags 1", barrier(1, 1, 0));
	row("membarrier", "global expedited", barrier(1 << 1, 0, 0));
	row("membarrier", "private, not registered", barrier(1 << 3, 0, 0));
	row("membarrier", "private core, not registered", barrier(1 << 5, 0, 0));
	row("membarrier", "private rseq, not registered", barrier(1 << 7, 0, 0));
	printf("membarrier\tregistrations\t%ld\n", barrier(1 << 9, 0, 0));
	row("membarrier", "register private core", barrier(1 << 6, 0, 0));
	printf("membarrier\tregistrations\t%ld\n", barrier(1 << 9, 0, 0));
	row("membarrier", "private, core registered", barrier(1 << 3, 0, 0));
	row("membarrier", "register global", barrier(1 << 2, 0, 0));
	printf("membarrier\tregistrations\t%ld\n", barrier(1 << 9, 0, 0));
	row("membarrier", "register private", barrier(1 << 4, 0, 0));
	row("membarrier", "register private rseq", barrier(1 << 8, 0, 0));
	row("membarrier", "register private, flags 1", barrier(1 << 4, 1, 0));
	row("membarrier", "private", barrier(1 << 3, 0, 0));
	row("membarrier", "private core", barrier(1 << 5, 0, 0));
	row("membarrier", "private rseq", barrier(1 << 7, 0, 0));
	row("membarrier", "private rseq of a processor", barrier(1 << 7, 1, 0));
	row("membarrier", "private rseq, flags 2", barrier(1 << 7, 2, 0));
	row("membarrier", "private, flags 1", barrier(1 << 3, 1, 0));
	printf("membarrier\tregistrations\t%ld\n", barrier(1 << 9, 0, 0));
	row("membarrier", "registrations, flags 1", barrier(1 << 9, 1, 0));
}

static long attach(int id, const void *at, int flags)
{
	void *p = shmat(id, at, flags);

	if (p == (void *)-1)
		return -1;
	shmdt(p);
	return 0;
}

static void segments(void)
{
	struct shmid_ds ds;
	key_t key = 0x66610000 | (getpid() & 0xffff);
	int id = shmget(key, 2 * PAGE, IPC_CREAT | IPC_EXCL | 0600);
	char *room = map(64 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);

	row("shmget", "IPC_CREAT|IPC_EXCL", id);
	row("shmget", "IPC_CREAT|IPC_EXCL of one there is", shmget(key, 2 * PAGE, IPC_CREAT | IPC_EXCL | 0600));
	row("shmget", "IPC_EXCL of one there is", shmget(key, 2 * PAGE, IPC_EXCL));
	row("shmget", "size 0 of one there is", shmget(key, 0, 0));
	row("shmget", "smaller than it", shmget(key, PAGE, 0));
	row("shmget", "larger than it", shmget(key, 3 * PAGE, 0));
	row("shmget", "no such key", shmget(key ^ 0x1000000, PAGE, 0));
	row("shmget", "new one of size 0", shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600));
	row("shmget", "new one of size -1", shmget(IPC_PRIVATE, -1UL, IPC_CREAT | 0600));
	row("shmat", "anywhere", attach(id, NULL, 0));
	row("shmat", "SHM_RDONLY", attach(id, NULL, SHM_RDONLY));
	row("shmat", "SHM_EXEC", attach(id, NULL, SHM_EXEC));
	row("shmat", "no such id", attach(id ^ 0x40000000, NULL, 0));
	row("shmat", "id -1", attach(-1, NULL, 0));
	row("shmat", "not on a page", attach(id, room + 1, 0));
	row("shmat", "SHM_RND", attach(id, room + 1, SHM_RND | SHM_REMAP));
	row("shmat", "where something is", attach(id, room + 8 * PAGE, 0));
	row("shmat", "SHM_REMAP where something is", attach(id, room + 8 * PAGE, SHM_REMAP));
	row("shmat", "SHM_REMAP anywhere", attach(id, NULL, SHM_REMAP));
	row("shmat", "SHM_RND below a page", attach(id, (void *)5, SHM_RND));
	row("shmat", "kernel address", attach(id, (void *)(-PAGE & ~0xffffUL), 0));
	row("shmdt", "not attached", shmdt(room));
	row("shmdt", "not on a page", shmdt(room + 1));
	row("shmdt", "nothing mapped", shmdt((void *)PAGE));
	row("shmctl", "IPC_STAT", shmctl(id, IPC_STAT, &ds));
	row("shmctl", "IPC_STAT, unwritable", shmctl(id, IPC_STAT, (void *)8));
	row("shmctl", "IPC_SET, unreadable", shmctl(id, IPC_SET, (void *)8));
	row("shmctl", "IPC_SET", shmctl(id, IPC_SET, &ds));
	row("shmctl", "IPC_STAT of no such id", shmctl(id ^ 0x40000000, IPC_STAT, &ds));
	row("shmctl", "IPC_STAT of id -1", shmctl(-1, IPC_STAT, &ds));
	row("shmctl", "SHM_STAT of a number too high", shmctl(0x7fffff, SHM_STAT, &ds));
	row("shmctl", "SHM_LOCK", shmctl(id, SHM_LOCK, NULL));
	row("shmctl", "SHM_UNLOCK", shmctl(id, SHM_UNLOCK, NULL));
	row("shmctl", "command 99", shmctl(id, 99, NULL));
	row("shmctl", "command -1", shmctl(id, -1, NULL));
	row("shmctl", "IPC_RMID", shmctl(id, IPC_RMID, NULL));
	row("shmctl", "IPC_RMID again", shmctl(id, IPC_RMID, NULL));
	row("shmat", "one that is gone", attach(id, NULL, 0));
}

int main(void)
{
	printf("call\twith\tanswer\n");
	apart(heap);
	apart(lock_all);
	apart(sealing);
	apart(advice);
	apart(barriers);
	apart(segments);
	return 0;
}
