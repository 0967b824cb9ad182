/* MADV_PAGEOUT of shared memory, with swap or without: pages that were only read are holes again, others keep their content. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 8

static void check(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(1);
	}
}

/* Whether a page that nobody wrote is in memory. What was written is there as long as there is no swap, which we do not show. */
static void show(const char *what, char *p, const char *written)
{
	unsigned char present[PAGES];

	check(mincore(p, PAGES * PAGE, present) == 0, "mincore");
	printf("%-24s", what);
	for (int i = 0; i < PAGES; i++)
		putchar(written[i] == 'w' ? 'w' : present[i] & 1 ? '#' : '.');
	putchar('\n');
}

static void walk(const char *name, char *p, int fd)
{
	volatile char *bytes = p;
	char what[64], written[] = ".w....w.";

	check(p != MAP_FAILED, name);
	for (int i = 0; i < PAGES; i++) {
		if (written[i] == 'w')
			bytes[i * PAGE + 7] = (char)('a' + i);
		else
			(void)bytes[i * PAGE];
	}
	snprintf(what, sizeof(what), "%s read", name);
	show(what, p, written);
	check(madvise(p, PAGES * PAGE, MADV_PAGEOUT) == 0, "madvise");
	snprintf(what, sizeof(what), "%s paged out", name);
	show(what, p, written);
	for (int i = 0; i < PAGES; i++)
		printf("%d%c", bytes[i * PAGE + 7], i < PAGES - 1 ? ' ' : '\n');
	bytes[3 * PAGE] = 1;
	written[3] = 'w';
	if (fd >= 0) {
		/* A page that is cut in the middle counts as written. */
		check(ftruncate(fd, 4 * PAGE + 5) == 0 && ftruncate(fd, PAGES * PAGE) == 0, "ftruncate");
		(void)bytes[5 * PAGE], (void)bytes[6 * PAGE], (void)bytes[7 * PAGE];
		check(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 7 * PAGE + 9, 100) == 0, "fallocate");
		written[4] = written[7] = 'w';
		written[6] = '.';
	}
	check(madvise(p, PAGES * PAGE, MADV_PAGEOUT) == 0, "madvise");
	snprintf(what, sizeof(what), "%s paged out again", name);
	show(what, p, written);
	for (int i = 0; i < PAGES; i++)
		printf("%d+%d%c", bytes[i * PAGE], bytes[i * PAGE + 7], i < PAGES - 1 ? ' ' : '\n');
}

int main(void)
{
	int fd = memfd_create("pageout", MFD_CLOEXEC), id = shmget(IPC_PRIVATE, PAGES * PAGE, 0600);
	char *segment = shmat(id, NULL, 0);

	shmctl(id, IPC_RMID, NULL);
	check(ftruncate(fd, PAGES * PAGE) == 0, "ftruncate");
	walk("anonymous", mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), -1);
	walk("segment", segment, -1);
	walk("memfd", mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), fd);
	return 0;
}
