/*
 * Calls that need memory of the kernel, each once and on places without page tables: all succeed where there is enough. When
 * a table, a page, a mapping or a copy is refused to one of them, its line says what it answered; the others go on as ever. The
 * task's name tells what has begun.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>
#include "observe.h"

#define TABLE (512 * PAGE)

static sigjmp_buf back;
static volatile int bus_code;

/* A page that no page table reaches yet: the middle of a fresh mapping of three tables' size. */
static char *fresh(void)
{
	char *p = map_private(4 * TABLE);

	return (char *)(((uintptr_t)p + 2 * TABLE) & ~(TABLE - 1));
}

static void on_bus(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	bus_code = info->si_code;
	siglongjmp(back, 1);
}

static void calls(int fds[2])
{
	char *into = fresh();
	long got;

	prctl(PR_SET_NAME, "calling");
	printf("mmap: %s\n", outcome((long)mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
	printf("munmap of the middle: %s\n", outcome(munmap(fresh() + PAGE, PAGE)));
	printf("mprotect of the middle: %s\n", outcome(mprotect(fresh() + PAGE, PAGE, PROT_READ)));
	printf("write from a fresh page: %s\n", outcome(write(fds[1], fresh(), 8)));
	got = read(fds[0], into, 8);
	printf("read into a fresh page: %s\n", outcome(got));
	printf("mlock: %s\n", outcome(mlock(fresh(), 2 * PAGE)));
	printf("madvise to populate: %s\n", outcome(madvise(fresh(), 2 * PAGE, MADV_POPULATE_WRITE)));
}

static void moves(void)
{
	char *from = fresh(), *to = fresh();

	strcpy(from, "contents");
	char *now = mremap(from, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	printf("mremap: %s\n", outcome((long)now));
	printf("moved: %s\n", now == MAP_FAILED ? from : now);
}

static void forks(void)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	printf("fork: %s\n", outcome(child));
	if (child > 0)
		waitpid(child, &status, 0);
	printf("child: %d\n", status);
}

static void touches(int file)
{
	volatile char *page = fresh();

	prctl(PR_SET_NAME, "touching");
	*page = 42;
	printf("touched: %d\n", *page);
	volatile char *mapped = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
	if (sigsetjmp(back, 1) == 0)
		printf("file: %d\n", *mapped);
	else
		printf("file: SIGBUS %d\n", bus_code);
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
	int fds[2], file = temporary_file(PAGE);

	sigaction(SIGBUS, &action, NULL);
	if (pipe(fds) || write(fds[1], "12345678", 8) != 8)
		return 1;
	calls(fds);
	moves();
	forks();
	touches(file);
	return 0;
}
