/*
 * libc: musl
 * The same as hello, with another C library: it sets up thread pointer and tid address its own way and uses writev.
 */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	char *p = malloc(300000);	/* mmap */
	char *q = malloc(100);		/* brk or mmap */

	p[299999] = 'x';
	q[99] = 'y';
	printf("hello from musl: %c%c %.3f\n", p[299999], q[99], 2.0 / 3);
	free(p);
	free(q);
	return 3;
}
