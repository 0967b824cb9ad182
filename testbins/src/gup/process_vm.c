/* process_vm_readv and process_vm_writev: another process' pages are pinned and copied, with its own rights. */
#include "observe.h"
#include <sys/uio.h>
#include <sys/wait.h>

static char *shared;
static char *area;

static void show(const char *label, ssize_t n)
{
	printf("%-44s %s %zd\n", label, outcome(n), n);
}

static ssize_t rd(pid_t pid, void *local, size_t n, void *remote, size_t m)
{
	struct iovec l = {local, n}, r = {remote, m};

	return process_vm_readv(pid, &l, 1, &r, 1, 0);
}

static ssize_t wr(pid_t pid, void *local, size_t n, void *remote, size_t m)
{
	struct iovec l = {local, n}, r = {remote, m};

	return process_vm_writev(pid, &l, 1, &r, 1, 0);
}

static void child(void)
{
	strcpy(area + PAGE - 4, "across a page");
	strcpy(area + 3 * PAGE, "read only");
	mprotect(area + 3 * PAGE, PAGE, PROT_READ);
	mprotect(area + 4 * PAGE, PAGE, PROT_NONE);
	munmap(area + 6 * PAGE, PAGE);
	shared[0] = 1;
	while (((volatile char *)shared)[0] != 2)
		usleep(100);
	printf("the child finds '%s' and '%s'\n", area + 2 * PAGE - 3, area + 3 * PAGE);
	fflush(stdout);
	_exit(0);
}

int main(void)
{
	char buffer[3 * PAGE];
	char one[4], two[16];
	int status;

	setvbuf(stdout, NULL, _IOFBF, 4096);
	shared = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	area = map_private(8 * PAGE);
	strcpy(area, "the parent's");
	pid_t pid = fork();
	if (!pid)
		child();
	while (((volatile char *)shared)[0] != 1)
		usleep(100);

	ssize_t n = rd(pid, buffer, 14, area + PAGE - 4, 14);
	show("reads across a page", n);
	printf("  '%s'\n", buffer);
	show("reads what was never touched", rd(pid, buffer, PAGE, area + 5 * PAGE, PAGE));
	show("reads read-only memory", rd(pid, buffer, 10, area + 3 * PAGE, 10));
	printf("  '%s'\n", buffer);
	show("reads without rights", rd(pid, buffer, 10, area + 4 * PAGE, 10));
	show("reads what is not mapped", rd(pid, buffer, 10, area + 6 * PAGE, 10));
	show("reads up to what is not mapped", rd(pid, buffer, 2 * PAGE, area + 5 * PAGE + 100, 2 * PAGE));
	show("writes across a page", wr(pid, "written", 8, area + 2 * PAGE - 3, 8));
	show("writes read-only memory", wr(pid, "written", 8, area + 3 * PAGE, 8));
	show("writes up to read-only memory", wr(pid, buffer, 3 * PAGE, area + 2 * PAGE + PAGE / 2, 3 * PAGE));

	struct iovec l[2] = {{one, 4}, {two, 16}};
	struct iovec r[3] = {{area + PAGE - 4, 6}, {area + 3 * PAGE, 0}, {area + PAGE + 2, 8}};
	show("vectors of other shapes", process_vm_readv(pid, l, 2, r, 3, 0));
	printf("  '%.4s' '%s'\n", one, two);
	show("more room than there is to read", rd(pid, buffer, PAGE, area, 4));
	show("less room than there is to read", rd(pid, buffer, 4, area, PAGE));
	show("own memory is bad", rd(pid, NULL, 10, area, 10));
	show("own memory ends", rd(pid, shared + PAGE - 6, 10, area, 10) == 6 ? 6 : 0);
	show("flags", process_vm_readv(pid, l, 2, r, 3, 1));
	show("no local vector", process_vm_readv(pid, NULL, 0, r, 3, 0));
	show("no remote vector", process_vm_readv(pid, l, 2, NULL, 0, 0));
	show("a bad vector", process_vm_readv(pid, (void *)16, 2, r, 3, 0));
	show("too many elements", process_vm_readv(pid, l, 1025, r, 3, 0));
	r[0].iov_len = -1;
	show("a negative length", process_vm_readv(pid, l, 2, r, 3, 0));
	show("nobody", rd(0x3fffffff, buffer, 10, area, 10));
	show("oneself", rd(getpid(), buffer, 13, area, 13));
	printf("  '%s'\n", buffer);
	show("oneself, written", wr(getpid(), "again", 6, area, 6));
	printf("  '%s'\n", area);
	fflush(stdout);
	shared[0] = 2;
	waitpid(pid, &status, 0);
	printf("status %x\n", status);
	return 0;
}
