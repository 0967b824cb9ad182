/*
 * What the test programs share: each prints what it observed of the kernel, in words and numbers that do not depend on
 * where memory happens to lie, so that the output under the host's kernel and under Faultline can be compared byte by byte.
 */
#ifndef OBSERVE_H
#define OBSERVE_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAGE 4096UL

/* Faults are counted in 4 KiB pages: no transparent huge pages in this process. A kernel without them may refuse. */
__attribute__((constructor)) static void without_huge_pages(void)
{
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

/* The name of the errno when result is -1, else "ok". */
__attribute__((unused)) static const char *outcome(long result)
{
	return result == -1 ? strerrorname_np(errno) : "ok";
}

__attribute__((unused)) static long minor_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

/* With those that had to read the file: whether it is in memory already is no business of the program. */
__attribute__((unused)) static long all_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

/* Maps or dies. */
__attribute__((unused)) static void *map(size_t bytes, int prot, int flags)
{
	void *p = mmap(NULL, bytes, prot, flags, -1, 0);

	if (p == MAP_FAILED) {
		printf("mmap of %zu: %s\n", bytes, strerrorname_np(errno));
		exit(1);
	}
	return p;
}

__attribute__((unused)) static char *map_private(size_t bytes)
{
	return map(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
}

/* Writes, or reads, a byte of each page. */
__attribute__((unused)) static void write_pages(char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		((volatile char *)p)[i * PAGE] = (char)(i + 1);
}

__attribute__((unused)) static long read_pages(const char *p, size_t pages)
{
	long sum = 0;

	for (size_t i = 0; i < pages; i++)
		sum += ((volatile const char *)p)[i * PAGE];
	return sum;
}

/*
 * After a fork: copies the pages of the stack that what is measured will use. How many that are is chance, as the stack
 * begins anywhere in a page.
 */
__attribute__((unused, noinline)) static void own_stack(void)
{
	volatile char room[8 * PAGE];

	for (size_t i = 0; i < sizeof(room); i += PAGE)
		room[i] = 0;
}

/*
 * Counts the minor faults of a statement. A program runs its measured function twice and prints the second time only:
 * by then code, stack and libc data are in memory, and what is counted is the statement's own faults.
 */
__attribute__((unused)) static int printing;

#ifndef COUNTED
#define COUNTED minor_faults
#endif

#define FAULTS(label, ...)                                             \
	do {                                                           \
		long before = COUNTED();                               \
		__VA_ARGS__;                                           \
		long after = COUNTED();                                \
		if (printing)                                          \
			printf("%-44s %ld\n", label, after - before);  \
	} while (0)

#define MEASURED_MAIN(function)                                \
	int main(void)                                         \
	{                                                      \
		for (printing = 0; printing < 2; printing++)   \
			function();                            \
		return 0;                                      \
	}

/* An anonymous temporary file of that many bytes, in $TMPDIR or /tmp. */
__attribute__((unused)) static int temporary_file(size_t bytes)
{
	char path[512];
	const char *dir = getenv("TMPDIR");

	snprintf(path, sizeof(path), "%s/faultline.XXXXXX", dir ? dir : "/tmp");
	int fd = mkstemp(path);
	if (fd < 0 || unlink(path) || ftruncate(fd, bytes)) {
		printf("temporary file: %s\n", strerrorname_np(errno));
		exit(1);
	}
	return fd;
}

#endif
