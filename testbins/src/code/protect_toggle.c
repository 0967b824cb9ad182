/*
 * cflags: -Wno-clobbered
 * The other kind of JIT: write with PROT_WRITE, mprotect to PROT_EXEC, run, and back; and code on pages mapped anew.
 */
#include "observe.h"
#include <setjmp.h>
#include <signal.h>

typedef int (*function)(void);
static sigjmp_buf back;

static void handler(int signal)
{
	siglongjmp(back, signal);
}

static void emit(unsigned char *at, int value)
{
	at[0] = 0xb8;
	memcpy(at + 1, &value, 4);
	at[5] = 0xc3;
}

int main(void)
{
	unsigned char *p = (unsigned char *)map_private(16 * PAGE); /* room to move about in */
	int wrong = 0;

	signal(SIGSEGV, handler);
	for (int i = 0; i < 300; i++) {
		emit(p, i);
		mprotect(p, PAGE, PROT_READ | PROT_EXEC);
		wrong += ((function)p)() != i;
		mprotect(p, PAGE, PROT_READ | PROT_WRITE);
	}
	printf("toggled: %d wrong\n", wrong);
	int number = sigsetjmp(back, 1);
	if (!number)
		((function)p)();
	printf("run while writable: signal %d\n", number);
	mprotect(p, PAGE, PROT_READ | PROT_EXEC);
	number = sigsetjmp(back, 1);
	if (!number)
		*(volatile unsigned char *)p = 1;
	printf("written while executable: signal %d\n", number);
	wrong = 0;
	for (int i = 0; i < 300; i++) {
		mmap(p, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		emit(p, i + 5);
		wrong += ((function)p)() != i + 5;
	}
	printf("mapped anew at the same address: %d wrong\n", wrong);
	signal(SIGSEGV, SIG_DFL);
	wrong = 0;
	for (int i = 0; i < 100; i++) {
		unsigned char *q = mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + (i % 2 ? -8 : 8) * PAGE);
		wrong += q == MAP_FAILED || ((function)q)() != 304;
		p = q;
	}
	printf("moved with mremap: %d wrong\n", wrong);
	mprotect(p, PAGE, PROT_EXEC);
	printf("execute only: %d\n", ((function)p)());
	return 0;
}
