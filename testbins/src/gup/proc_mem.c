/* /proc/PID/mem: a debugger's reads and writes, which go by what a mapping may be given, not by what it has. */
#include "observe.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static int mem;

static void rd(const char *label, const void *at, size_t n)
{
	char buffer[4 * PAGE];
	ssize_t r = pread(mem, buffer, n, (off_t)at);

	printf("%-44s %s %zd", label, outcome(r), r);
	if (r > 0)
		printf(" '%.12s'", buffer);
	putchar('\n');
}

static void wr(const char *label, void *at, const char *text, size_t n)
{
	ssize_t r = pwrite(mem, text, n, (off_t)at);

	printf("%-44s %s %zd\n", label, outcome(r), r);
}

int main(void)
{
	char block[2 * PAGE] = {0};
	int fd = temporary_file(2 * PAGE);
	int status;

	setvbuf(stdout, NULL, _IOFBF, 4096);
	mem = open("/proc/self/mem", O_RDWR);
	pwrite(fd, "of the file", 12, 0);
	char *p = map_private(4 * PAGE);
	strcpy(p, "anonymous");
	rd("written memory", p, 10);
	rd("memory never touched", p + PAGE, 2 * PAGE);
	wr("memory never touched, written", p + 2 * PAGE, "new", 4);
	printf("  '%s'\n", p + 2 * PAGE);
	munmap(p + 3 * PAGE, PAGE);
	rd("not mapped", p + 3 * PAGE, 4);
	rd("up to what is not mapped", p + 2 * PAGE, 4 * PAGE);
	rd("address 0", NULL, 4);
	mprotect(p, PAGE, PROT_NONE);
	rd("without rights", p, 10);
	wr("without rights, written", p, "forced", 7);
	mprotect(p, PAGE, PROT_READ);
	printf("  '%s'\n", p);

	char *q = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	wr("a private file, read-only", q, "a copy here", 12);
	printf("  '%s'\n", q);
	pread(fd, block, 12, 0);
	printf("  the file has '%s'\n", block);
	madvise(q, PAGE, MADV_DONTNEED);
	printf("  without the copy '%s'\n", q);

	char *s = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	wr("a shared file, read-only", s, "changed", 8);
	rd("a shared file, read-only", s, 12);
	mprotect(s, PAGE, PROT_READ | PROT_WRITE);
	wr("a shared file, writable", s, "changed", 8);
	pread(fd, block, 12, 0);
	printf("  the file has '%s'\n", block);
	ftruncate(fd, 0);
	rd("behind the file's end", s, 4);

	pid_t pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	int own = mem;
	mem = open(path, O_RDWR);
	rd("the child's", p, 10);
	wr("the child's, written", p, "the child's", 12);
	rd("the child's, again", p, 12);
	printf("  the parent has '%s'\n", p);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	rd("of one who has ended", p, 10);
	close(mem);
	mem = own;
	printf("seek and read: %s", outcome(lseek(mem, (off_t)p, SEEK_SET)));
	printf(" %zd '%.7s'\n", read(mem, block, 7), block);
	int ro = open("/proc/self/mem", O_RDONLY);
	printf("write to a read-only descriptor: %s\n", outcome(pwrite(ro, "x", 1, (off_t)p)));
	return 0;
}
