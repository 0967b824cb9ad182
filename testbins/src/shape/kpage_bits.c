/*
 * /proc/kpageflags and /proc/kpagecount by the frame numbers of /proc/self/pagemap: what a page is (M mapped, A anonymous,
 * S goes to swap, L locked by mlock, Z the page of zeros) and how many entries map it. For root only; others are told so.
 */
#include "observe.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

static int pagemap, flags, count;

static uint64_t word(int fd, uint64_t index)
{
	uint64_t value;

	return pread(fd, &value, 8, index * 8) == 8 ? value : ~0UL;
}

static void show(const char *label, char *p)
{
	uint64_t frame = word(pagemap, (uintptr_t)p / PAGE) & ((1UL << 55) - 1);
	uint64_t bits = word(flags, frame);

	printf("%-24s %c%c%c%c%c mapped %d\n", label, bits >> 11 & 1 ? 'M' : '.', bits >> 12 & 1 ? 'A' : '.',
	       bits >> 14 & 1 ? 'S' : '.', bits >> 33 & 1 ? 'L' : '.', bits >> 24 & 1 ? 'Z' : '.',
	       bits >> 24 & 1 ? 0 : (int)word(count, frame));
	fflush(stdout);
}

int main(void)
{
	pagemap = open("/proc/self/pagemap", O_RDONLY);
	flags = open("/proc/kpageflags", O_RDONLY);
	count = open("/proc/kpagecount", O_RDONLY);
	if (flags < 0 || count < 0) {
		printf("%s %s\n", strerror(errno), flags == count ? "both" : "one");
		return 0;
	}
	char *p = map(8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	char *s = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	volatile char unused = p[0];

	(void)unused;
	p[PAGE] = 1;
	s[0] = 1;
	show("read only", p);
	show("written", p + PAGE);
	show("shared", s);
	p[2 * PAGE] = 1;
	mlock(p + 2 * PAGE, PAGE);
	show("locked", p + 2 * PAGE);
	pid_t child = fork();
	if (child == 0) {
		show("of parent and child", p + PAGE);
		p[PAGE] = 2;
		show("copied", p + PAGE);
		_exit(0);
	}
	waitpid(child, 0, 0);
	show("after the child", p + PAGE);

	uint64_t pair[2];
	ssize_t n = pread(flags, pair, 4, 0);
	printf("half a word: %zd %s\n", n, outcome(n));
	n = pread(flags, pair, 8, 4);
	printf("between two: %zd %s\n", n, outcome(n));
	n = pread(count, pair, 16, 1L << 50);
	printf("far behind the end: %zd %s\n", n, outcome(n));
	n = lseek(flags, 0, SEEK_END);
	printf("seek to the end: %zd %s\n", n, outcome(n));
	return 0;
}
