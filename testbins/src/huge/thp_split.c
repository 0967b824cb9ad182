/*
 * What takes a huge page apart: anything that concerns a part of it only. What is left stays as it was, without a fault;
 * what was thrown away faults in as small pages, for the page table is there now.
 */
#define COUNTED faults_so_far
#include "huge.h"
#include <sys/wait.h>

/* In a frame of its own: what the kernel writes to lies where own_stack has been. */
__attribute__((noinline)) static long faults_so_far(void)
{
	return minor_faults();
}

static char *fresh(size_t count)
{
	char *p = map_huge(count);

	memset(p, 1, count * HUGE); /* no page of zeros: Linux finds those when it splits */
	return p;
}

static void rewrite(char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		((volatile char *)p)[i * PAGE] = 1;
}

static void touched(const char *label, char *p, size_t pages)
{
	char text[64];

	snprintf(text, sizeof(text), "%s: touch again", label);
	FAULTS(text, rewrite(p, pages));
}

static void part(const char *label, size_t first, size_t count, int how)
{
	char *p = fresh(3), *at = p + first * PAGE;
	long sum = read_pages(p, 3 * HUGE / PAGE);
	size_t bytes = count * PAGE;

	switch (how) {
	case 0: munmap(at, bytes); break;
	case 1: mprotect(at, bytes, PROT_READ); break;
	case 2: madvise(at, bytes, MADV_DONTNEED); break;
	case 3: madvise(at, bytes, MADV_NOHUGEPAGE); break;
	case 4: mlock(at, bytes); break;
	case 5: madvise(at, bytes, MADV_COLD); break;
	case 6: madvise(at, bytes, MADV_FREE); break;
	case 7: mprotect(at, bytes, PROT_NONE), mprotect(at, bytes, PROT_READ | PROT_WRITE); break;
	case 8: madvise(at, bytes, MADV_DONTFORK); break;
	}
	if (printing)
		show_huge(label, p, 3 * HUGE);
	if (how != 0 && how != 2 && how != 6 && printing)
		printf("%s: %s\n", label, sum == read_pages(p, 3 * HUGE / PAGE) ? "content kept" : "CONTENT LOST");
	if (how >= 2)
		touched(label, p, 3 * HUGE / PAGE);
	if (printing)
		show_huge(label, p, 3 * HUGE);
	munmap(p, 3 * HUGE);
}

static void moved(const char *label, size_t shift, size_t pages)
{
	char *p = fresh(2), *q = NULL;
	char *to = map_huge(6);
	long sum = read_pages(p, 2 * HUGE / PAGE);

	munmap(to, 6 * HUGE);
	FAULTS(label, q = mremap(p, pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + HUGE + shift));
	if (printing) {
		show_huge(label, to, 6 * HUGE);
		show_huge("left behind", p, 2 * HUGE);
		if (pages == 2 * HUGE / PAGE)
			printf("%s: %s\n", label, sum == read_pages(q, pages) ? "content kept" : "CONTENT LOST");
	}
	FAULTS("touch what was moved", rewrite(q, pages));
	munmap(q, pages * PAGE);
	munmap(p, 2 * HUGE);
}

static void forked(void)
{
	char *p = fresh(2);
	int to_child[2], to_parent[2];
	char go = 0;

	if (pipe(to_child) || pipe(to_parent))
		exit(1);
	fflush(stdout);
	pid_t child = fork();
	own_stack();
	if (!child) {
		if (printing)
			show_huge("child: inherited", p, 2 * HUGE);
		FAULTS("child: read", read_pages(p, 2 * HUGE / PAGE));
		FAULTS("child: write 3 pages", rewrite(p, 3));
		if (printing)
			show_huge("child: after the write", p, 2 * HUGE);
		fflush(stdout);
		if (write(to_parent[1], &go, 1) != 1 || read(to_child[0], &go, 1) != 1)
			exit(1);
		_exit(0);
	}
	if (read(to_parent[0], &go, 1) != 1)
		exit(1);
	if (printing)
		show_huge("parent: while the child lives", p, 2 * HUGE);
	FAULTS("parent: write 5 pages of the other", rewrite(p + HUGE, 5));
	if (printing)
		show_huge("parent: after the write", p, 2 * HUGE);
	if (write(to_child[1], &go, 1) != 1)
		exit(1);
	waitpid(child, NULL, 0);
	p[0] = 1;
	FAULTS("parent: write the first, the child gone", rewrite(p, HUGE / PAGE));
	FAULTS("parent: write the other, the child gone", rewrite(p + HUGE, HUGE / PAGE));
	if (printing)
		show_huge("parent: at the end", p, 2 * HUGE);
	close(to_child[0]), close(to_child[1]), close(to_parent[0]), close(to_parent[1]);
	munmap(p, 2 * HUGE);
}

static void measure(void)
{
	part("munmap of one page", 700, 1, 0);
	part("munmap of the first page", 0, 1, 0);
	part("munmap of 2 MiB", 512, 512, 0);
	part("munmap across", 500, 20, 0);
	part("read-only: one page", 700, 1, 1);
	part("read-only: 2 MiB", 512, 512, 1);
	part("dropped: one page", 700, 1, 2);
	part("dropped: 2 MiB", 512, 512, 2);
	part("no huge pages: from the middle", 700, 100, 3);
	part("locked: one page", 700, 1, 4);
	part("cold: one page", 700, 1, 5);
	part("cold: 2 MiB", 512, 512, 5);
	part("free: one page", 700, 1, 6);
	part("free: 2 MiB", 512, 512, 6);
	part("no access and back: 2 MiB", 512, 512, 7);
	part("no access and back: one page", 700, 1, 7);
	part("not for children: 100 pages", 600, 100, 8);
	moved("mremap by 2 MiB", 0, 1024);
	moved("mremap by a page", PAGE, 1024);
	moved("mremap of 300 pages", 0, 300);
	forked();
}

int main(void)
{
	with_huge_pages();
	setvbuf(stdout, NULL, _IONBF, 0);
	for (printing = 0; printing < 2; printing++)
		measure();
	return 0;
}
