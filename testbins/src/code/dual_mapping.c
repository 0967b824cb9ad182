/* A JIT that writes code through one mapping and runs it through another of the same memory: always the new code. */
#include "observe.h"

typedef long (*function)(long);

int main(void)
{
	int fd = memfd_create("code", 0), wrong = 0;

	if (fd < 0 || ftruncate(fd, 4 * PAGE))
		return 1;
	unsigned char *w = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	unsigned char *x = mmap(NULL, 4 * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	for (int i = 0; i < 1000; i++) {
		unsigned char *at = w + (i % 3) * PAGE + i % 50;
		/* lea rax, [rdi + i]; ret */
		memcpy(at, "\x48\x8d\x87", 3);
		memcpy(at + 3, &i, 4);
		at[7] = 0xc3;
		wrong += ((function)(x + (at - w)))(1000) != 1000 + i;
	}
	printf("written through the other mapping: %d wrong\n", wrong);
	/* only one byte of an already running function */
	memcpy(w, "\x48\x8d\x47\x00\xc3", 5);
	wrong = 0;
	for (int i = 0; i < 100; i++) {
		w[3] = (unsigned char)i;
		wrong += ((function)x)(5) != 5 + i;
		wrong += x[3] != i;
	}
	printf("one byte at a time: %d wrong\n", wrong);
	/* the same through write(2): the kernel changes the page */
	wrong = 0;
	for (int i = 0; i < 100; i++) {
		unsigned char byte = (unsigned char)(i ^ 0x55) & 0x7f;
		if (pwrite(fd, &byte, 1, 3) != 1)
			return 1;
		wrong += ((function)x)(5) != 5 + byte;
	}
	printf("written with pwrite: %d wrong\n", wrong);
	return 0;
}
