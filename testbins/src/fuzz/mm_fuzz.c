/*
 * A random walk through the memory system calls: mm_fuzz [SEED [STEPS [FIRST [faults]]]].
 *
 * In an arena of 96 pages at a fixed place it maps, unmaps, protects, moves, advises, truncates and touches, all chosen by SEED, and
 * prints a line a step: the call and its outcome, or the access and the byte or signal it met.
 * After every 16 steps it prints the shape of the arena as /proc/self/maps and mincore tell it. Linux prints the same for the same
 * seed, so a difference under Faultline is a fault of Faultline. FIRST prints only from that step on, to look closer at one;
 * "faults" adds the minor faults of each step, which for file pages depend on what the kernel happens to have cached around them.
 */
#include "fuzz.h"

#define FILE_PAGES 24

static int file, counting;
static long faults_before;

static int shown(void)
{
	return step >= first;
}

static void report(const char *what, long a, long b, const char *result)
{
	if (!shown())
		return;
	printf("%d %s %ld+%ld %s", step, what, a, b, result);
	if (counting)
		printf(" minflt %ld", minor_faults() - faults_before);
	putchar('\n');
}

static void do_mmap(long at, long pages)
{
	static const int kinds[] = { MAP_PRIVATE | MAP_ANONYMOUS, MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS,
		MAP_PRIVATE, MAP_SHARED };
	static const int protections[] = { PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE };
	int kind = random_below(5), prot = protections[random_below(4)];
	int flags = kinds[kind] | (random_below(4) ? MAP_FIXED : MAP_FIXED_NOREPLACE);
	long offset = random_below(FILE_PAGES + 2);
	char what[64];

	if (random_below(8) == 0)
		flags |= MAP_POPULATE;
	if (random_below(16) == 0)
		flags |= MAP_NORESERVE;
	snprintf(what, sizeof(what), "mmap kind %d prot %d flags %x off %ld", kind, prot, flags, kind > 2 ? offset : 0);
	void *p = mmap(ARENA + at * PAGE, pages * PAGE, prot, flags, kind > 2 ? file : -1, kind > 2 ? offset * PAGE : 0);
	report(what, at, pages, place(p));
}

static void do_mremap(long at, long pages)
{
	static const int choices[] = { 0, MREMAP_MAYMOVE, MREMAP_MAYMOVE | MREMAP_FIXED, MREMAP_MAYMOVE | MREMAP_FIXED,
		MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP };
	int flags = choices[random_below(5)];
	long to = random_below(PAGES), new_pages = 1 + random_below(16), old = pages;
	char what[64];

	if (!(flags & MREMAP_FIXED))
		flags &= ~MREMAP_MAYMOVE;  /* else the place is the kernel's choice, outside of the arena */
	if (flags & MREMAP_DONTUNMAP)
		new_pages = pages;
	if (to + new_pages > PAGES)
		new_pages = PAGES - to;
	if (random_below(12) == 0)
		old = 0;
	snprintf(what, sizeof(what), "mremap flags %x to %ld+%ld", flags, to, new_pages);
	void *p = mremap(ARENA + at * PAGE, old * PAGE, new_pages * PAGE, flags, ARENA + to * PAGE);
	report(what, at, old, place(p));
}

static void do_mprotect(long at, long pages)
{
	int prot = random_below(4);
	char what[64];

	snprintf(what, sizeof(what), "mprotect %d", prot);
	report(what, at, pages, outcome(mprotect(ARENA + at * PAGE, pages * PAGE, prot)));
}

static void do_madvise(long at, long pages)
{
	static const int advice[] = { MADV_DONTNEED, MADV_DONTNEED, MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
		MADV_DONTFORK, MADV_DOFORK, MADV_DONTDUMP, MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_REMOVE, MADV_WIPEONFORK,
		MADV_KEEPONFORK, 99 };
	int which = advice[random_below(15)];
	char what[64];

	snprintf(what, sizeof(what), "madvise %d", which);
	report(what, at, pages, outcome(madvise(ARENA + at * PAGE, pages * PAGE, which)));
}

static void touch(long at, int writing)
{
	char *p = ARENA + at * PAGE + random_below(PAGE);

	report(writing ? "write" : "read", at, 1, access_byte(p, writing, (char)step));
}

static void one_step(void)
{
	long at = random_below(PAGES), pages = 1 + random_below(random_below(4) ? 6 : 32);

	if (at + pages > PAGES)
		pages = PAGES - at;
	faults_before = minor_faults();
	switch (random_below(20)) {
	case 0 ... 3: do_mmap(at, pages); break;
	case 4: report("munmap", at, pages, outcome(munmap(ARENA + at * PAGE, pages * PAGE))); break;
	case 5 ... 6: do_mprotect(at, pages); break;
	case 7 ... 8: do_mremap(at, pages); break;
	case 9 ... 10: do_madvise(at, pages); break;
	case 11: report("msync", at, pages, outcome(msync(ARENA + at * PAGE, pages * PAGE, random_below(8)))); break;
	case 12: {
		char byte = (char)random_below(256);
		long offset = random_below(FILE_PAGES * PAGE);
		report("pwrite", offset, 1, outcome(pwrite(file, &byte, 1, offset)));
		break;
	}
	case 13: {
		unsigned char byte = 0;
		long offset = random_below(FILE_PAGES * PAGE);
		long got = pread(file, &byte, 1, offset);
		report("pread", offset, byte, outcome(got));
		break;
	}
	case 14:
		if (random_below(6) == 0) {
			long size = random_below(FILE_PAGES) * PAGE + random_below(PAGE);
			report("ftruncate", size, 0, outcome(ftruncate(file, size)));
			report("ftruncate", FILE_PAGES * PAGE, 0, outcome(ftruncate(file, FILE_PAGES * PAGE)));
		} else {
			report("mlock", at, pages, outcome(random_below(2) ? mlock(ARENA + at * PAGE, pages * PAGE)
									    : munlock(ARENA + at * PAGE, pages * PAGE)));
		}
		break;
	default: touch(at, random_below(5) > 1); break;
	}
}

int main(int argc, char **argv)
{
	int steps = argc > 2 ? atoi(argv[2]) : 400;

	seed(argv[1]);
	first = argc > 3 ? atoi(argv[3]) : 0;
	counting = argc > 4;
	setvbuf(stdout, malloc(1 << 20), _IOFBF, 1 << 20);
	catch_faults();
	file = temporary_file(FILE_PAGES * PAGE);
	for (long i = 0; i < FILE_PAGES; i++) {
		char byte = (char)(i + 100);
		if (pwrite(file, &byte, 1, i * PAGE) != 1)
			return 1;
	}
	shape();
	mmap(ARENA, PAGES / 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mmap(ARENA + PAGES / 2 * PAGE, FILE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
	for (step = 1; step <= steps; step++) {
		one_step();
		if (step % 16 == 0)
			shape();
	}
	return 0;
}
