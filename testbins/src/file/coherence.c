/* A file mapped shared, mapped private, read and written are one thing: every way sees what the others did. */
#include "observe.h"

static char byte_at(int fd, off_t offset)
{
	char c = '?';

	if (pread(fd, &c, 1, offset) != 1)
		c = '!';
	return c;
}

int main(void)
{
	int fd = temporary_file(4 * PAGE);
	char *s = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *t = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	pwrite(fd, "abcdefgh", 8, 0);
	printf("written: shared %.8s private %.8s\n", s, p);
	memcpy(s + 2, "SHARED", 6);
	printf("stored in shared: file %c other %.8s private %.8s\n", byte_at(fd, 2), t, p);
	p[3] = '*';
	printf("stored in private: file %c shared %.8s private %.8s\n", byte_at(fd, 3), s, p);
	s[0] = 'Z';
	printf("stored in shared after the copy: file %c private %.8s\n", byte_at(fd, 0), p);
	pwrite(fd, "12345678", 8, PAGE - 4);
	printf("written over a page's end: %.4s %.4s, private %.4s %.4s\n", s + PAGE - 4, s + PAGE, p + PAGE - 4, p + PAGE);
	printf("msync %s %s\n", outcome(msync(s, 4 * PAGE, MS_SYNC)), outcome(msync(t, PAGE, MS_ASYNC)));
	char *second = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	printf("mapped from an offset: %.4s\n", second);
	char from[16] = "from the file";
	pwrite(fd, from, 13, 2 * PAGE);
	pread(fd, s + 3 * PAGE, 13, 2 * PAGE);
	printf("read into its own mapping: %s, file %c\n", t + 3 * PAGE, byte_at(fd, 3 * PAGE + 5));
	pwrite(fd, s + 2 * PAGE, 13, 100);
	printf("written from its own mapping: %.13s\n", t + 100);
	ftruncate(fd, 100);
	ftruncate(fd, 4 * PAGE);
	printf("after truncation and growth: %d %d, before: %.3s\n", t[100], t[2 * PAGE], t);
	munmap(s, 4 * PAGE);
	munmap(t, 4 * PAGE);
	printf("after munmap the file has %c\n", byte_at(fd, 2));
	int wrong = 0;
	s = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ftruncate(fd, 64 * PAGE);
	for (int i = 0; i < 64; i++)
		memset(s + i * PAGE, i, PAGE);
	for (int i = 0; i < 64; i++)
		wrong += byte_at(fd, i * PAGE) != i || byte_at(fd, i * PAGE + 4095) != i;
	printf("64 pages written through memory, read with pread: %d wrong\n", wrong);
	msync(s, 64 * PAGE, MS_SYNC);
	munmap(s, 64 * PAGE);
	wrong = 0;
	for (int i = 0; i < 64; i++)
		wrong += byte_at(fd, i * PAGE + 17) != i;
	printf("after munmap: %d wrong\n", wrong);
	return 0;
}
