/*
 * What the random walks share: numbers from a seed, accesses whose signals are caught, and the shape of an arena.
 *
 * The arena lies at a fixed place, and everything is printed in pages from its start. Linux prints the same for the same seed, so a
 * difference under Faultline is a fault of Faultline.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "observe.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>

#define PAGES 96
#define ARENA ((char *)0x200000000000UL)

static uint64_t state;
static sigjmp_buf escape;
static volatile sig_atomic_t caught, code;
static volatile long caught_page;
/* The step at hand, and the first that is printed. */
static int step, first;

static void seed(const char *text)
{
	state = (text ? strtoull(text, NULL, 0) : 1) * 0x9E3779B97F4A7C15UL + 1;
}

static unsigned random_below(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % n;
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	caught = signal;
	code = info->si_code;
	caught_page = ((char *)info->si_addr - ARENA) / (long)PAGE;
	siglongjmp(escape, 1);
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* Errno, or where in the arena the result lies. */
__attribute__((unused)) static const char *place(void *p)
{
	static char text[32];

	if (p == MAP_FAILED)
		return strerrorname_np(errno);
	snprintf(text, sizeof(text), "at %ld", ((char *)p - ARENA) / (long)PAGE);
	return text;
}

/* Reads a byte of a page, or writes and reads it; what came of it. */
static const char *access_byte(char *p, int writing, char value)
{
	static char result[64];

	caught = 0;
	if (sigsetjmp(escape, 1) == 0) {
		if (writing)
			*(volatile char *)p = value;
		snprintf(result, sizeof(result), "byte %u", *(volatile unsigned char *)p);
	} else {
		snprintf(result, sizeof(result), "signal %d code %d page %ld", (int)caught, (int)code, caught_page);
	}
	return result;
}

/* The arena's part of /proc/self/maps, relative; of the name only what does not depend on the machine. */
static void shape(void)
{
	static const char *const names[] = { "/dev/zero", "/memfd", "/SYSV", "/" };
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];

	while (maps && fgets(line, sizeof(line), maps)) {
		unsigned long start, end, offset;
		char rights[8], name[256] = "";
		int kind = 0;

		if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %255s", &start, &end, rights, &offset, name) < 4)
			continue;
		while (kind < 4 && strncmp(name, names[kind], strlen(names[kind])) != 0)
			kind++;
		if (start >= (unsigned long)ARENA && end <= (unsigned long)ARENA + PAGES * PAGE && step >= first)
			printf("  %ld-%ld %s %lx %s\n", (long)(start - (unsigned long)ARENA) / (long)PAGE,
			       (long)(end - (unsigned long)ARENA) / (long)PAGE, rights, offset, kind < 4 ? names[kind] : "");
	}
	if (maps)
		fclose(maps);
}

#endif
