/*
 * cflags: -O2
 *
 * A working set of private and shared memory, passed over several times and by a forked child too: the sums are right, wherever its
 * pages were meanwhile. First argument: how many MiB (default 4). Second argument "check": prints nothing, and the exit status tells
 * whether all was right and, if there is swap, whether it was used: by major faults, by VmSwap, and by Swap in smaps.
 */
#include "observe.h"
#include <sys/wait.h>

static unsigned long value(size_t page, unsigned round)
{
	return (page * 2654435761UL) ^ (round * 40503UL);
}

static unsigned long pass(unsigned long *p, size_t pages, unsigned round)
{
	unsigned long wrong = 0;

	for (size_t i = 0; i < pages; i++) {
		unsigned long *word = p + i * (PAGE / sizeof(*p)) + i % 500;

		if (round > 0 && *word != value(i, round - 1))
			wrong++;
		*word = value(i, round);
	}
	return wrong;
}

static unsigned long check(const unsigned long *p, size_t pages, unsigned round)
{
	unsigned long wrong = 0;

	for (size_t i = 0; i < pages; i++)
		wrong += p[i * (PAGE / sizeof(*p)) + i % 500] != value(i, round);
	return wrong;
}

/* The number behind a name in a file of /proc, summed up over all lines that begin with the name. */
static long field(const char *file, const char *name)
{
	char line[256];
	long sum = 0;
	FILE *f = fopen(file, "r");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			sum += strtol(line + strlen(name), NULL, 10);
	if (f)
		fclose(f);
	return sum;
}

/* 0 when all that tells of swapping agrees. */
static int swapped(size_t pages)
{
	struct rusage usage;
	long total = field("/proc/meminfo", "SwapTotal:");

	if (total == 0)
		return 0;
	getrusage(RUSAGE_SELF, &usage);
	if (usage.ru_majflt < (long)pages)
		return 10;
	if (field("/proc/meminfo", "SwapFree:") >= total)
		return 11;
	if (field("/proc/self/status", "VmSwap:") <= 0)
		return 12;
	if (field("/proc/self/smaps", "Swap:") <= 0)
		return 13;
	if (field("/proc/vmstat", "pswpin ") <= 0 || field("/proc/vmstat", "pswpout ") <= 0)
		return 14;
	return field("/proc/swaps", "/swapfile ") != 0;
}

int main(int argc, char **argv)
{
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 0) : 4;
	size_t pages = mib * 256 / 2;
	unsigned long *own = map(pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	unsigned long *shared = map(pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	int quiet = argc > 2;
	unsigned long wrong = 0;
	int status;

	for (unsigned round = 0; round < 3; round++) {
		wrong += pass(own, pages, round);
		wrong += pass(shared, pages, round);
		if (!quiet)
			printf("round %u: %lu pages wrong\n", round, wrong);
	}
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		_exit(pass(own, pages, 3) + pass(shared, pages, 3) != 0);
	waitpid(pid, &status, 0);
	wrong += check(own, pages, 2) + check(shared, pages, 3);
	if (!quiet)
		printf("child's status %d; after it %lu pages wrong\n", status, wrong);
	int telling = quiet ? swapped(pages) : 0;
	munmap(shared, pages * PAGE / 2);
	wrong += pass(own, pages, 3);
	if (!quiet)
		printf("half of the shared memory gone: %lu pages wrong\n", wrong);
	return wrong != 0 || status != 0 ? 1 : telling;
}
