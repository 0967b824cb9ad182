/* UFFDIO_MOVE: what can be moved where, what becomes of the pages. */
#include "userfault.h"
#include <signal.h>
#include <sys/wait.h>

static int fd;
static char *dst;
static char *src;

static void pages(const char *label, const char *p, int count)
{
	printf("%-52s", label);
	for (int i = 0; i < count; i++)
		printf(" %c", pagemap_bit(p + i * PAGE, 63) ? p[i * PAGE] ? p[i * PAGE] : '0' : '-');
	printf("\n");
}

static void fill(char *p, int count, char first)
{
	for (int i = 0; i < count; i++)
		memset(p + i * PAGE, first + i, PAGE);
}

static void refusals(void)
{
	char *shared = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	char *readonly = map(2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
	char *locked = map_private(2 * PAGE);

	mlock(locked, 2 * PAGE);
	show("length 0", move(fd, dst, src, 0, 0));
	show("odd address", move(fd, dst + 1, src, PAGE, 0));
	show("odd source", move(fd, dst, src + 1, PAGE, 0));
	show("unknown mode", move(fd, dst, src, PAGE, 4));
	show("from nowhere", move(fd, dst, (void *)(1UL << 40), PAGE, 0));
	show("to nowhere", move(fd, (void *)(1UL << 40), src, PAGE, 0));
	show("to what is not registered", move(fd, src, dst, PAGE, 0));
	show("from shared memory", move(fd, dst, shared, PAGE, 0));
	show("from read-only memory", move(fd, dst, readonly, PAGE, 0));
	show("from locked memory", move(fd, dst, locked, PAGE, 0));
	show("beyond the end of the source", move(fd, dst, src + 7 * PAGE, 2 * PAGE, 0));
	show("beyond the end of the destination", move(fd, dst + 7 * PAGE, src, 2 * PAGE, 0));
	show("not before it is touched", move(fd, dst, src, PAGE, 0));
	show("unless holes may be", move(fd, dst, src, PAGE, MOVE_HOLES));
	pages("nothing", dst, 2);
	munmap(locked, 2 * PAGE);
}

int main(void)
{
	struct move_request m;

	fd = userfault(O_NONBLOCK, 0);
	dst = map_private(8 * PAGE);
	char *gap = map_private(PAGE);
	src = map_private(8 * PAGE);
	mprotect(gap, PAGE, PROT_NONE);
	show("register", enroll(fd, dst, 8 * PAGE, MODE_MISSING | MODE_WP));
	refusals();
	fill(src, 8, 'a');
	long before = minor_faults();
	show("move three", move(fd, dst, src + 1 * PAGE, 3 * PAGE, 0));
	pages("destination", dst, 4);
	pages("source", src, 6);
	printf("%-52s %ld\n", "faults", minor_faults() - before);
	show("where something is", move(fd, dst, src, PAGE, 0));
	m = (struct move_request){ (unsigned long)dst + 3 * PAGE, (unsigned long)src, 2 * PAGE, 0, 0 };
	show("two, of which the second is not there", ioctl(fd, REQUEST_MOVE, &m));
	printf("%-52s %lld\n", "moved", (long long)m.move);
	m = (struct move_request){ (unsigned long)dst + 4 * PAGE, (unsigned long)src + 3 * PAGE, 3 * PAGE, MOVE_HOLES, 0 };
	show("three, of which one is not there", ioctl(fd, REQUEST_MOVE, &m));
	printf("%-52s %lld\n", "moved", (long long)m.move);
	pages("destination", dst, 8);
	pages("source", src, 8);
	dst[0] = 'Z';
	src[PAGE] = 'Y';
	pages("written, destination", dst, 1);
	pages("written, source", src, 2);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	madvise(dst, 8 * PAGE, MADV_DONTNEED);
	show("a page that a child shares", move(fd, dst, src + 7 * PAGE, PAGE, 0));
	src[7 * PAGE] = 'X';
	show("after writing", move(fd, dst, src + 7 * PAGE, PAGE, 0));
	pages("destination", dst, 2);
	kill(child, 9);
	waitpid(child, NULL, 0);
	(void)*(volatile char *)(src + 2 * PAGE);
	show("the page of zeros", move(fd, dst + PAGE, src + 2 * PAGE, PAGE, 0));
	pages("destination", dst, 2);
	show("guard page", madvise(src + 3 * PAGE, PAGE, 102));
	show("move it", move(fd, dst + 2 * PAGE, src + 3 * PAGE, PAGE, 0));
	return 0;
}
