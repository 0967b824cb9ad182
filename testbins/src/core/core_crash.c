/* cflags: -pthread -O0 -fno-omit-frame-pointer
 * Dies in different ways, for core dumps: segv, abort, threads, huge, mappings. Not compared with a native run.
 */
#include "observe.h"
#include <pthread.h>

static volatile int *nowhere;
static volatile int ready;
char landmark[] = "a landmark in the data";
double fraction = 0.75;

__attribute__((noinline)) static int innermost(int depth)
{
	register double held asm("xmm7") = fraction;

	asm volatile("" : : "x"(held));
	*nowhere = depth;
	return depth;
}

__attribute__((noinline)) static int middle(int depth)
{
	return depth == 0 ? innermost(42) : middle(depth - 1) + 1;
}

__attribute__((noinline)) static void *sleeper(void *unused)
{
	(void)unused;
	__sync_fetch_and_add(&ready, 1);
	pause();
	return NULL;
}

__attribute__((noinline)) static void *spinner(void *unused)
{
	(void)unused;
	__sync_fetch_and_add(&ready, 1);
	for (;;)
		;
	return NULL;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "segv";

	printf("before\n");
	fflush(stdout);
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "threads")) {
		pthread_t a, b;

		pthread_create(&a, NULL, sleeper, NULL);
		pthread_create(&b, NULL, spinner, NULL);
		while (ready < 2)
			;
	}
	if (!strcmp(how, "huge")) {
		char *p = mmap((void *)0x100000000000, 64UL << 30, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
		strcpy(p + (32UL << 30), "in the middle of 64 GiB");
	}
	if (!strcmp(how, "mappings")) {
		int fd = temporary_file(2 * PAGE);
		char *base = (char *)0x100000000000;
		int fixed = MAP_FIXED | MAP_ANONYMOUS;

		write(fd, "file", 4);
		strcpy(mmap(base, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | fixed, -1, 0), "private");
		mprotect(base, PAGE, PROT_NONE);
		strcpy(mmap(base + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | fixed, -1, 0), "secret");
		madvise(base + 2 * PAGE, PAGE, MADV_DONTDUMP);
		strcpy(mmap(base + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | fixed, -1, 0), "shared");
		mmap(base + 6 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
		strcpy(mmap(base + 8 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0), "copy");
		mmap(base + 10 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | fixed, -1, 0);
	}
	return middle(3);
}
