/* Private file mapping: a write copies the page (one fault when nothing was mapped); the file never sees it. */
#define COUNTED all_faults
#include "observe.h"

static void measure(void)
{
	int fd = temporary_file(64 * PAGE);
	char page[PAGE];

	memset(page, 'f', PAGE);
	for (int i = 0; i < 64; i++)
		pwrite(fd, page, PAGE, i * PAGE);
	char *p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	FAULTS("write 64 pages nobody read", write_pages(p, 64));
	FAULTS("write them again", write_pages(p, 64));
	pread(fd, page, PAGE, 0);
	if (printing)
		printf("memory %d, next byte %c, file %c\n", p[0], p[1], page[0]);
	madvise(p, 64 * PAGE, MADV_DONTNEED);
	if (printing)
		printf("after MADV_DONTNEED: %c\n", p[0]);
	munmap(p, 64 * PAGE);
	close(fd);
}

MEASURED_MAIN(measure)
