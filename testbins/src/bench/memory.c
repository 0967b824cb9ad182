/*
 * Measures what memory management costs inside the guest, in nanoseconds: a name and a number a line. The best of
 * several rounds counts, for another load on the machine only ever makes things slower.
 */
#include "observe.h"
#include <sched.h>
#include <signal.h>
#include <time.h>

/* At least so many rounds, and for so long: a compiler that learns from what runs needs some hundred rounds to be done. */
#define ROUNDS 5
static double nanoseconds = 1e9;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Runs prepare, then times statement, dividing by units; keeps the best. */
#define MEASURE(name, units, prepare, statement, finish)          \
	do {                                                      \
		double best = 1e30, begin = now();                \
		for (int round = 0; round < ROUNDS || now() - begin < nanoseconds; round++) { \
			prepare;                                  \
			double start = now();                     \
			statement;                                \
			double taken = now() - start;             \
			best = taken < best ? taken : best;       \
			finish;                                   \
		}                                                 \
		printf("%-24s %.2f\n", name, best / (units));     \
		fflush(stdout);                                   \
	} while (0)

static char *volatile target;
static volatile int handled;

static void handler(int signal)
{
	(void)signal;
	handled++;
	mprotect(target, PAGE, PROT_READ | PROT_WRITE);
}

/* A mapping whose start is offset bytes behind a multiple of 2 MiB, with room around it. */
static char *placed(size_t bytes, size_t offset, char **area, size_t *room)
{
	*room = bytes + (8UL << 20);
	*area = map(*room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
	char *p = (char *)(((uintptr_t)*area + (4UL << 20)) & -(2UL << 20)) + offset;
	return mmap(p, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void moves(const char *name, size_t pages, size_t offset)
{
	char *area, *other, *from, *to = NULL;
	size_t room, other_room;

	nanoseconds = 10e9;  /* most of a round is preparing it */
	MEASURE(name, pages,
		from = placed(pages * PAGE, 0, &area, &room);
		to = placed(pages * PAGE, offset, &other, &other_room);
		write_pages(from, pages),
		mremap(from, pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to),
		munmap(area, room); munmap(other, other_room));
	nanoseconds = 1e9;
}

int main(void)
{
	size_t pages = 20000;
	char *p = NULL;
	int fd = temporary_file(4000 * PAGE);
	volatile long sum = 0;

	MEASURE("fresh write/page", pages, p = map_private(pages * PAGE), write_pages(p, pages), munmap(p, pages * PAGE));
	MEASURE("fresh read/page", pages, p = map_private(pages * PAGE), sum += read_pages(p, pages), munmap(p, pages * PAGE));
	MEASURE("write after read/page", pages, p = map_private(pages * PAGE); read_pages(p, pages), write_pages(p, pages),
		munmap(p, pages * PAGE));
	for (int i = 0; i < 4000; i++)
		pwrite(fd, &i, sizeof(i), i * PAGE);
	MEASURE("private file COW/page", 4000,
		p = mmap(NULL, 4000 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		sum += read_pages(p, 4000), write_pages(p, 4000), munmap(p, 4000 * PAGE));
	MEASURE("file read fault/page", 4000, p = mmap(NULL, 4000 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0),
		sum += read_pages(p, 4000), munmap(p, 4000 * PAGE));
	moves("mremap misaligned/page", 10000, PAGE);
	moves("mremap aligned/page", 10000, 0);
	MEASURE("munmap/page", pages, p = map_private(pages * PAGE); write_pages(p, pages), munmap(p, pages * PAGE), );
	MEASURE("mprotect/page", pages, p = map_private(pages * PAGE); write_pages(p, pages),
		mprotect(p, pages * PAGE, PROT_READ), munmap(p, pages * PAGE));
	MEASURE("mmap+munmap", 10000, , for (int i = 0; i < 10000; i++) munmap(map_private(PAGE), PAGE), );
	MEASURE("getpid", 100000, , for (int i = 0; i < 100000; i++) syscall(39), );
	MEASURE("pread 4 KiB", 10000, p = map_private(PAGE), for (int i = 0; i < 10000; i++) sum += pread(fd, p, PAGE, i % 4000 * PAGE),
		munmap(p, PAGE));

	struct sigaction action = { .sa_handler = handler };
	sigaction(SIGSEGV, &action, NULL);
	target = map_private(PAGE);
	nanoseconds = 3e9;
	MEASURE("SIGSEGV round trip", 5000, ,
		for (int i = 0; i < 5000; i++) {
			mprotect(target, PAGE, PROT_NONE);
			*(volatile char *)target = 1;
		}, );
	nanoseconds = 1e9;
	MEASURE("two mprotect alone", 5000, ,
		for (int i = 0; i < 5000; i++) {
			mprotect(target, PAGE, PROT_NONE);
			mprotect(target, PAGE, PROT_READ | PROT_WRITE);
		}, );

	/* Pages that are there, walked again and again: what the translation cache is worth. */
	size_t big = 100000;
	p = map_private(big * PAGE);
	write_pages(p, big);
	for (int i = 0; i < 10; i++)
		sum += read_pages(p, big);
	MEASURE("walk 400 MB/page", big * 5, , for (int i = 0; i < 5; i++) sum += read_pages(p, big), );
	return 0;
}
