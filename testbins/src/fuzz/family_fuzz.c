/*
 * A random walk of a family of processes through memory that they share: family_fuzz [SEED [STEPS [FIRST [huge|presence]]]].
 *
 * Each process has an arena as mm_fuzz has, of private and shared pages, of pages of a temporary file, a memfd and a System V
 * segment; a step maps, locks, seals, advises, registers with userfaultfd, moves or touches some of it, truncates or punches one of
 * the files, or reads and writes a child's memory. Children are forked in the middle of the walk. They wait until the parent says
 * go, so that only one process walks at a time and the output depends on SEED alone; a line is that of the process whose number
 * follows the step. After every 16 steps the walker shows the shape of its arena. "huge" adds huge pages of the pool, of which there
 * must be eight. "presence" shows after each step which pages the memfd has; a host that swaps would have fewer.
 */
#include "fuzz.h"
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define FILE_PAGES 24
#define SEGMENT_PAGES 16
#define CHILDREN 3
#define DEEPEST 2
#define HUGE (512 * PAGE)
#define HUGE_AREA ((char *)0x210000000000UL)
#define HUGE_PAGES 4
#define ADVISE_COLLAPSE 25
#define CALL_MSEAL 462

struct child {
	pid_t pid;
	int number, go, done;
};

static struct child children[CHILDREN];
static int files[2], segment, userfaults = -1, me, depth, people = 1, huge, presence;

static void report(const char *what, long a, long b, const char *result)
{
	if (step >= first)
		printf("%d:%d %s %ld+%ld %s\n", step, me, what, a, b, result);
}

static void do_mmap(long at, long pages)
{
	static const int kinds[] = { MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, MAP_PRIVATE,
		MAP_SHARED };
	int kind = random_below(6), prot = random_below(6) ? PROT_READ | PROT_WRITE : random_below(4);
	int fd = kind < 2 ? -1 : files[kind / 4];
	long offset = fd < 0 ? 0 : random_below(FILE_PAGES);
	int flags = kinds[kind] | MAP_FIXED | (random_below(8) ? 0 : MAP_POPULATE) | (random_below(12) ? 0 : MAP_LOCKED);
	char what[64];

	snprintf(what, sizeof(what), "mmap kind %d prot %d flags %x off %ld", kind, prot, flags, offset);
	report(what, at, pages, place(mmap(ARENA + at * PAGE, pages * PAGE, prot, flags, fd, offset * PAGE)));
}

static void do_mremap(long at, long pages)
{
	long to = random_below(PAGES - 32), new_pages = 1 + random_below(16);
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (random_below(3) ? 0 : MREMAP_DONTUNMAP);
	long old = random_below(8) ? pages : 0;
	char what[64];

	if (flags & MREMAP_DONTUNMAP)
		new_pages = old;
	snprintf(what, sizeof(what), "mremap flags %x to %ld+%ld", flags, to, new_pages);
	report(what, at, old, place(mremap(ARENA + at * PAGE, old * PAGE, new_pages * PAGE, flags, ARENA + to * PAGE)));
}

static void do_madvise(long at, long pages)
{
	static const int advice[] = { MADV_DONTNEED, MADV_COLD, MADV_PAGEOUT, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
		MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_WILLNEED, MADV_MERGEABLE,
		MADV_UNMERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, ADVISE_COLLAPSE, MADV_HWPOISON + 1000 };
	int which = advice[random_below(18)];
	char what[64];

	snprintf(what, sizeof(what), "madvise %d", which);
	report(what, at, pages, outcome(madvise(ARENA + at * PAGE, pages * PAGE, which)));
}

static void do_lock(long at, long pages)
{
	switch (random_below(6)) {
	case 0 ... 1: report("mlock2 onfault", at, pages, outcome(mlock2(ARENA + at * PAGE, pages * PAGE, MLOCK_ONFAULT))); break;
	case 2: report("mlock", at, pages, outcome(mlock(ARENA + at * PAGE, pages * PAGE))); break;
	case 3 ... 4: report("munlock", at, pages, outcome(munlock(ARENA + at * PAGE, pages * PAGE))); break;
	default: report("mlock2 odd", at, pages, outcome(mlock2(ARENA + at * PAGE, pages * PAGE, 2 + random_below(3)))); break;
	}
}

static void do_shm(long at, long pages)
{
	if (random_below(3))
		report("shmat", at, 0, place(shmat(segment, ARENA + at * PAGE, (random_below(3) ? SHM_REMAP : 0)
								    | (random_below(4) ? 0 : SHM_RDONLY))));
	else
		report("shmdt", at, 0, outcome(shmdt(ARENA + at * PAGE)));
	(void)pages;
}

static void do_file(void)
{
	int which = random_below(2);
	long offset = random_below(FILE_PAGES * PAGE), length = 1 + random_below(3 * PAGE);
	unsigned char byte = (unsigned char)step;

	switch (random_below(5)) {
	case 0: report(which ? "pwrite memfd" : "pwrite", offset, 1, outcome(pwrite(files[which], &byte, 1, offset))); break;
	case 1:
		byte = 0;
		report("pread", offset, pread(files[which], &byte, 1, offset) + byte, which ? "memfd" : "file");
		break;
	case 2:
		report("punch memfd", offset, length,
		       outcome(fallocate(files[1], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length)));
		break;
	default:
		report("ftruncate", offset, which, outcome(ftruncate(files[which], offset)));
		report("ftruncate", FILE_PAGES, which, outcome(ftruncate(files[which], FILE_PAGES * PAGE)));
		break;
	}
}

static void do_nonlinear(long at, long pages)
{
	long offset = random_below(FILE_PAGES);

	report("remap_file_pages", at, pages, outcome(remap_file_pages(ARENA + at * PAGE, pages * PAGE, 0, offset, 0)));
}

/* Faults become SIGBUS, so that nobody has to answer them. */
static void do_userfault(long at, long pages)
{
	struct uffdio_range range = { (unsigned long)ARENA + at * PAGE, pages * PAGE };

	if (userfaults < 0) {
		struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_SIGBUS };

		userfaults = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
		report("userfaultfd", 0, 0, outcome(userfaults < 0 ? -1 : ioctl(userfaults, UFFDIO_API, &api)));
	}
	switch (random_below(7)) {
	case 0 ... 2: {
		struct uffdio_register r = { .range = range, .mode = 1 + random_below(3) };
		report("register", at, pages, outcome(ioctl(userfaults, UFFDIO_REGISTER, &r)));
		break;
	}
	case 3: report("unregister", at, pages, outcome(ioctl(userfaults, UFFDIO_UNREGISTER, &range))); break;
	case 4: {
		static char source[8 * PAGE] __attribute__((aligned(4096)));
		struct uffdio_copy copy = { .dst = range.start, .src = (unsigned long)source, .len = (pages > 8 ? 8 : pages) * PAGE };

		memset(source, step, sizeof(source));
		const char *result = outcome(ioctl(userfaults, UFFDIO_COPY, &copy));
		report("copy", at, (long)copy.copy, result);
		break;
	}
	case 5: {
		struct uffdio_zeropage zero = { .range = range };
		const char *result = outcome(ioctl(userfaults, UFFDIO_ZEROPAGE, &zero));
		report("zeropage", at, (long)zero.zeropage, result);
		break;
	}
	default: {
		struct uffdio_writeprotect protect = { .range = range, .mode = random_below(2) };
		report("writeprotect", at, pages, outcome(ioctl(userfaults, UFFDIO_WRITEPROTECT, &protect)));
		break;
	}
	}
}

static void do_huge(void)
{
	char *p = HUGE_AREA + random_below(HUGE_PAGES) * HUGE;
	long n = (p - HUGE_AREA) / (long)HUGE;

	switch (random_below(6)) {
	case 0:
		report("huge mmap", n, 1, mmap(p, HUGE, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_ANONYMOUS | MAP_HUGETLB
					       | (random_below(2) ? MAP_SHARED : MAP_PRIVATE), -1, 0) == p ? "ok" : strerrorname_np(errno));
		break;
	case 1: report("huge munmap", n, 1, outcome(munmap(p, HUGE))); break;
	case 2: report("huge dontneed", n, 1, outcome(madvise(p, HUGE, MADV_DONTNEED))); break;
	case 3: report("huge mprotect", n, 1, outcome(mprotect(p, HUGE, random_below(4)))); break;
	default: {
		int writing = random_below(2);
		const char *result = access_byte(p + random_below(HUGE), writing, (char)step);
		report(writing ? "huge write" : "huge read", n, 1, caught ? "signal" : result);
		break;
	}
	}
}

static void touch(long at, int writing)
{
	char *p = ARENA + at * PAGE + random_below(PAGE);

	report(writing ? "write" : "read", at, 1, access_byte(p, writing, (char)(step + me)));
}

static void walk(int steps);

/* What a child does: walks when its parent says so, with the random numbers that its parent gives it, and ends when that is 0. */
static void live(int go, int done)
{
	uint64_t orders[2];

	while (read(go, orders, sizeof(orders)) == sizeof(orders) && orders[0] != 0) {
		state = orders[0];
		step = (int)orders[1];
		walk(12);
		fflush(stdout);
		if (write(done, &step, sizeof(step)) != sizeof(step))
			break;
	}
	fflush(stdout);
	_exit(0);
}

static void do_fork(struct child *child)
{
	int go[2], done[2];

	if (depth == DEEPEST || pipe(go) || pipe(done))
		return;
	child->number = people = people * 7 % 1000 + 1 + me;
	fflush(stdout);
	child->pid = fork();
	if (child->pid == 0) {
		me = child->number;
		depth++;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		memset(children, 0, sizeof(children));
		userfaults = -1;
		close(go[1]);
		close(done[0]);
		live(go[0], done[1]);
	}
	close(go[0]);
	close(done[1]);
	child->go = go[1];
	child->done = done[0];
	report("fork", child->number, 0, outcome(child->pid));
}

static void end_child(struct child *child)
{
	uint64_t orders[2] = { 0, 0 };
	int status = -1;

	if (random_below(3) == 0 || write(child->go, orders, sizeof(orders)) != sizeof(orders))
		kill(child->pid, SIGKILL);
	close(child->go);
	close(child->done);
	waitpid(child->pid, &status, 0);
	child->pid = 0;
	report("child ended", child->number, status, "");
}

static void look_at_child(struct child *child)
{
	static char bytes[PAGE];
	long at = random_below(PAGES);
	struct iovec mine = { bytes, 1 }, its = { ARENA + at * PAGE + random_below(PAGE), 1 };
	int writing = random_below(3) == 0;

	bytes[0] = (char)step;
	long moved = writing ? process_vm_writev(child->pid, &mine, 1, &its, 1, 0) : process_vm_readv(child->pid, &mine, 1, &its, 1, 0);
	report(writing ? "write child" : "read child", at, moved == 1 ? (unsigned char)bytes[0] : -1, outcome(moved));
}

static void do_child(void)
{
	struct child *child = &children[random_below(CHILDREN)];
	unsigned what = random_below(8);

	if (child->pid == 0) {
		do_fork(child);
	} else if (what == 0) {
		end_child(child);
	} else if (what < 3) {
		look_at_child(child);
	} else {
		uint64_t orders[2] = { state * 31 + 8, (uint64_t)step };

		fflush(stdout);
		if (write(child->go, orders, sizeof(orders)) != sizeof(orders)
		    || read(child->done, &step, sizeof(step)) != sizeof(step))
			report("child is gone", child->number, 0, "");
	}
}

static void one_step(void)
{
	long at = random_below(PAGES), pages = 1 + random_below(random_below(4) ? 6 : 24);

	if (at + pages > PAGES)
		pages = PAGES - at;
	switch (random_below(30)) {
	case 0 ... 3: do_mmap(at, pages); break;
	case 4: report("munmap", at, pages, outcome(munmap(ARENA + at * PAGE, pages * PAGE))); break;
	case 5: report("mprotect", at, pages, outcome(mprotect(ARENA + at * PAGE, pages * PAGE, random_below(4)))); break;
	case 6 ... 7: do_mremap(at, pages); break;
	case 8 ... 10: do_madvise(at, pages); break;
	case 11: do_lock(at, pages); break;
	case 12: do_shm(at, pages); break;
	case 13: do_file(); break;
	case 14: do_nonlinear(at, pages); break;
	case 15 ... 16: do_userfault(at, pages); break;
	case 17 ... 19: do_child(); break;
	case 20:
		if (huge)
			do_huge();
		else if (depth > 0 && random_below(4) == 0) /* what is sealed stays so: only where it ends with a child */
			report("mseal", at, 1, outcome(syscall(CALL_MSEAL, ARENA + at * PAGE, PAGE, 0)));
		break;
	default: touch(at, random_below(5) > 1); break;
	}
}

static void show_presence(void)
{
	unsigned char in_memory[2 * FILE_PAGES];
	char *p = mmap(NULL, sizeof(in_memory) * PAGE, PROT_READ, MAP_SHARED, files[1], 0);

	mincore(p, sizeof(in_memory) * PAGE, in_memory);
	munmap(p, sizeof(in_memory) * PAGE);
	for (size_t i = 0; i < sizeof(in_memory); i++)
		putchar(in_memory[i] & 1 ? '#' : '.');
	putchar('\n');
}

static void walk(int steps)
{
	for (int end = step + steps; step < end;) {
		step++;
		one_step();
		if (presence)
			show_presence();
		if (step % 16 == 0)
			shape();
	}
}

int main(int argc, char **argv)
{
	int end = argc > 2 ? atoi(argv[2]) : 400;

	seed(argv[1]);
	first = argc > 3 ? atoi(argv[3]) : 0;
	huge = argc > 4 && strcmp(argv[4], "huge") == 0;
	presence = argc > 4 && strcmp(argv[4], "presence") == 0;
	signal(SIGPIPE, SIG_IGN);
	catch_faults();
	files[0] = temporary_file(FILE_PAGES * PAGE);
	files[1] = memfd_create("fuzz", MFD_CLOEXEC);
	segment = shmget(IPC_PRIVATE, SEGMENT_PAGES * PAGE, 0600);
	if (files[1] < 0 || ftruncate(files[1], FILE_PAGES * PAGE) || segment < 0)
		return 1;
	/* It stays as long as somebody has it mapped, and here to the end. */
	if (shmat(segment, NULL, 0) == (void *)-1 || shmctl(segment, IPC_RMID, NULL))
		return 1;
	mmap(ARENA, PAGES / 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mmap(ARENA + PAGES / 2 * PAGE, FILE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, files[1], 0);
	while (step < end)
		walk(1);
	for (int i = 0; i < CHILDREN; i++)
		if (children[i].pid)
			end_child(&children[i]);
	return 0;
}
