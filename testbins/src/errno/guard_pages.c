/* Guard pages: any touch is a SIGSEGV, what was there is lost, and they stay until removed, unmapped, or mapped over. */
#include "observe.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>

#define GUARD_INSTALL 102
#define GUARD_REMOVE 103

static sigjmp_buf back;
static volatile int code;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	code = info->si_code;
	siglongjmp(back, signal);
}

static void show(const char *label, long result)
{
	printf("%-44s %s\n", label, outcome(result));
}

static void touch(const char *label, char *p, int write)
{
	int signal = sigsetjmp(back, 1);

	if (signal) {
		printf("%-44s signal %d code %d\n", label, signal, code);
		return;
	}
	if (write)
		*(volatile char *)p = 'w';
	printf("%-44s %d\n", label, *(volatile char *)p);
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	unsigned char vector[8] = { 0 };
	int file = temporary_file(8 * PAGE);
	char *p = map_private(8 * PAGE);
	int pipes[2];

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	write_pages(p, 8);
	show("install over written pages", madvise(p + 2 * PAGE, 2 * PAGE, GUARD_INSTALL));
	touch("read before", p + PAGE, 0);
	touch("read guard", p + 2 * PAGE, 0);
	touch("write guard", p + 3 * PAGE, 1);
	touch("read behind", p + 4 * PAGE, 0);
	show("install again", madvise(p + PAGE, 3 * PAGE, GUARD_INSTALL));
	touch("read what was before", p + PAGE, 0);
	show("mincore", mincore(p, 8 * PAGE, vector));
	for (int i = 0; i < 8; i++)
		printf("%d", vector[i] & 1);
	puts("");
	show("populate", madvise(p, 8 * PAGE, MADV_POPULATE_READ));
	show("populate for writing", madvise(p, 8 * PAGE, MADV_POPULATE_WRITE));
	if (pipe(pipes) == 0)
		show("write(2) from a guard page", write(pipes[1], p + 2 * PAGE, 1));
	show("dontneed", madvise(p, 8 * PAGE, MADV_DONTNEED));
	touch("read guard after dontneed", p + 2 * PAGE, 0);
	touch("read other after dontneed", p + 5 * PAGE, 0);
	fflush(stdout);
	if (fork() == 0) {
		touch("read guard in a child", p + 3 * PAGE, 0);
		show("remove in the child", madvise(p, 8 * PAGE, GUARD_REMOVE));
		touch("read in the child", p + 3 * PAGE, 0);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	touch("read guard in the parent", p + 3 * PAGE, 0);
	show("mprotect", mprotect(p, 8 * PAGE, PROT_READ));
	touch("read guard, read-only mapping", p + 3 * PAGE, 0);
	show("mprotect back", mprotect(p, 8 * PAGE, PROT_READ | PROT_WRITE));
	char *q = mremap(p, 8 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);
	touch("read guard after mremap", q + 3 * PAGE, 0);
	show("remove", madvise(q, 16 * PAGE, GUARD_REMOVE));
	touch("write after remove", q + 3 * PAGE, 1);
	show("lock", mlock(q, 2 * PAGE));
	show("install over a locked page", madvise(q, 4 * PAGE, GUARD_INSTALL));
	show("remove from a locked page", madvise(q, 4 * PAGE, GUARD_REMOVE));
	munlock(q, 2 * PAGE);
	show("not on a page", madvise(q + 1, PAGE, GUARD_INSTALL));
	munmap(q + 8 * PAGE, PAGE);
	show("over a hole", madvise(q + 6 * PAGE, 4 * PAGE, GUARD_INSTALL));
	touch("behind the hole", q + 9 * PAGE, 0);
	char *f = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	write_pages(f, 8);
	show("install over a file", madvise(f, 2 * PAGE, GUARD_INSTALL));
	touch("read guard of the file", f, 0);
	ftruncate(file, 0);
	touch("the same after truncation", f, 0);
	touch("another page after truncation", f + 3 * PAGE, 0);
	ftruncate(file, 8 * PAGE);
	show("remove", madvise(f, 8 * PAGE, GUARD_REMOVE));
	touch("read the file", f, 0);
	show("map over a guard page", mmap(q, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == q ? 0 : -1);
	touch("read there", q, 0);
	return 0;
}
