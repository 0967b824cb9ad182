/*
 * remap_file_pages: a window onto a file whose pages stand in an order of the program's own. What the window shows, after writing
 * through it, dropping its pages, forking, moving it and cutting the file, and what the call refuses. For a file on disk and one in
 * memory, since their pages are found again in different ways.
 */
#include "observe.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>

#define PAGES 8

static sigjmp_buf back;

static void on_bus_error(int signal)
{
	siglongjmp(back, signal);
}

/* One letter a page: what its first byte is, '-' for a zero, '!' where touching it is SIGBUS, 'x' for SIGSEGV. */
static void show(const char *label, const volatile char *p, int pages)
{
	printf("  %-32s ", label);
	for (int i = 0; i < pages; i++) {
		int signal = sigsetjmp(back, 1);

		if (signal)
			putchar(signal == SIGBUS ? '!' : 'x');
		else
			putchar(p[i * PAGE] ? p[i * PAGE] : '-');
	}
	putchar('\n');
}

static void show_file(const char *label, int fd)
{
	char letters[PAGES + 1] = "";
	int n = 0;

	for (char c; n < PAGES && pread(fd, &c, 1, n * PAGE) == 1; n++)
		letters[n] = c ? c : '-';
	printf("  %-32s %s\n", label, letters);
}

static void fill(int fd)
{
	for (int i = 0; i < PAGES; i++) {
		char letter = 'a' + i;

		if (pwrite(fd, &letter, 1, i * PAGE) != 1)
			exit(1);
	}
}

static void in_child(const char *label, char *p)
{
	fflush(stdout);
	if (fork() == 0) {
		show(label, p, PAGES);
		p[2 * PAGE] = 'C';
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void reorder(int fd)
{
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	show("in order", p, PAGES);
	for (int i = 0; i < PAGES; i++)
		if (remap_file_pages(p + i * PAGE, PAGE, 0, PAGES - 1 - i, 0))
			perror("remap_file_pages");
	show("backwards", p, PAGES);
	p[0] = 'H';
	p[7 * PAGE] = 'A';
	show_file("the file after two writes", fd);
	printf("  two pages at once: %s\n", outcome(remap_file_pages(p + 3 * PAGE, 2 * PAGE, 0, 0, MAP_NONBLOCK)));
	show("and what is there", p, PAGES);
	p[3 * PAGE] = 'z';
	show("one page seen twice", p, PAGES);
	printf("  dropped: %s\n", outcome(madvise(p, PAGES * PAGE, MADV_DONTNEED)));
	show("and found again", p, PAGES);
	printf("  written: %s\n", outcome(msync(p, PAGES * PAGE, MS_SYNC)));
	in_child("in a child", p);
	show("after its write", p, PAGES);
	show_file("the file", fd);

	char *area = map(3 * PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
	for (int i = 0; i < PAGES; i++) {
		void *to = area + (2 * i + 1) * PAGE;

		if (mremap(p + i * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
			perror("mremap");
	}
	show("each page moved", area, 2 * PAGES + 1);
	for (int i = 0; i < PAGES; i++)
		if (mremap(area + (2 * i + 1) * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + i * PAGE) != p + i * PAGE)
			perror("mremap");
	show("and back", p, PAGES);

	printf("  cut: %s\n", outcome(ftruncate(fd, 3 * PAGE)));
	show("what is left", p, PAGES);
	printf("  grown: %s\n", outcome(ftruncate(fd, PAGES * PAGE)));
	show("what was cut is zero", p, PAGES);
	fill(fd);
	show("filled again", p, PAGES);

	printf("  read-only: %s\n", outcome(mprotect(p + 2 * PAGE, 3 * PAGE, PROT_READ)));
	printf("  across its border: %s\n", outcome(remap_file_pages(p + PAGE, 2 * PAGE, 0, 0, 0)));
	printf("  within it: %s\n", outcome(remap_file_pages(p + 2 * PAGE, 3 * PAGE, 0, 5, 0)));
	show("three pages turned", p, PAGES);
	munmap(p + 4 * PAGE, PAGE);
	show("one unmapped", p, PAGES);
	printf("  over the hole: %s\n", outcome(remap_file_pages(p + 3 * PAGE, 2 * PAGE, 0, 0, 0)));
	printf("  beyond the end: %s\n", outcome(remap_file_pages(p, PAGE, 0, 100, 0)));
	show("which is a bus error", p, PAGES);
	munmap(p, PAGES * PAGE);
	munmap(area, 3 * PAGES * PAGE);
}

/* What is remapped is all that is mapped of the memory, which has no name to find it by again. */
static void whole(void)
{
	char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < 3; i++)
		p[i * PAGE] = 'a' + i;
	munmap(p + 2 * PAGE, PAGE);
	printf("  all that is left: %s\n", outcome(remap_file_pages(p, 2 * PAGE, 0, 1, 0)));
	show("one page further", p, 3);
	munmap(p, 2 * PAGE);
}

static void refused(int fd)
{
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *own = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	char *anonymous = map(PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	printf("  with rights: %s\n", outcome(remap_file_pages(p, PAGE, PROT_READ, 0, 0)));
	printf("  nothing: %s\n", outcome(remap_file_pages(p, 0, 0, 0, 0)));
	printf("  less than a page: %s\n", outcome(remap_file_pages(p, PAGE - 1, 0, 0, 0)));
	printf("  within a page: %s\n", outcome(remap_file_pages(p + 5, PAGE, 0, 1, 0)));
	printf("  private: %s\n", outcome(remap_file_pages(own, PAGE, 0, 1, 0)));
	printf("  anonymous: %s\n", outcome(remap_file_pages(anonymous, PAGE, 0, 1, 0)));
	printf("  offset that wraps: %s\n", outcome(remap_file_pages(p, 2 * PAGE, 0, -1UL, 0)));
	printf("  unmapped: %s\n", outcome(remap_file_pages(NULL, PAGE, 0, 0, 0)));
}

/* With the argument "maps": in how many mappings the pages stand, and how many kB smaps says are out of order. */
static int count_mappings(int fd)
{
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	FILE *smaps = fopen("/proc/self/smaps", "r");
	unsigned long start, end, kilobytes, out_of_order = 0;
	int mappings = 0;

	for (int i = 0; i < PAGES; i++)
		remap_file_pages(p + i * PAGE, PAGE, 0, PAGES - 1 - i, 0);
	for (char line[512]; fgets(line, sizeof(line), smaps);) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			mappings += start >= (unsigned long)p && end <= (unsigned long)p + PAGES * PAGE;
		else if (sscanf(line, "Nonlinear: %lu kB", &kilobytes) == 1)
			out_of_order += kilobytes;
	}
	printf("mappings: %d, out of order: %lu kB\n", mappings, out_of_order);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_bus_error };
	int file = temporary_file(0);
	int memory = memfd_create("window", 0);

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	if (argc > 1 && strcmp(argv[1], "maps") == 0) {
		fill(memory);
		return count_mappings(memory);
	}
	puts("a file on disk");
	fill(file);
	reorder(file);
	puts("a file in memory");
	fill(memory);
	reorder(memory);
	puts("shared memory, all of it");
	whole();
	puts("refused");
	refused(file);
	return 0;
}
