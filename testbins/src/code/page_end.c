/* Code that ends at the last byte of a page: the next page is not touched before an instruction lies on it. */
#include "observe.h"
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

typedef int (*function)(int *);
static sigjmp_buf back;
static unsigned char *page;
static long rip, address;

static void handler(int signal, siginfo_t *info, void *context)
{
	rip = (unsigned char *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] - page;
	address = (unsigned char *)info->si_addr - page;
	siglongjmp(back, signal);
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	static const unsigned char code[] = {
		0xc7, 0x07, 0x07, 0, 0, 0,	/* mov dword [rdi], 7 */
		0xb8, 0x2a, 0, 0, 0,		/* mov eax, 42        */
		0xc3,				/* ret                */
	};
	volatile int cell = 0;

	sigaction(SIGSEGV, &action, NULL);
	page = map(3 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS);
	munmap(page + PAGE, PAGE);
	memset(page, 0x90, PAGE);

	unsigned char *at = page + PAGE - sizeof(code);
	memcpy(at, code, sizeof(code));
	printf("ends with the page: %d", ((function)at)((int *)&cell));
	printf(", cell %d\n", cell);

	/* Without the ret it runs on into the hole, but only after the store was done. */
	cell = 0;
	memcpy(page + PAGE - 11, code, 11);
	int signal = sigsetjmp(back, 1);
	if (!signal)
		((function)(page + PAGE - 11))((int *)&cell);
	printf("runs into a hole: signal %d, rip page end %+ld, address page end %+ld, cell %d\n", signal, rip - (long)PAGE,
	       address - (long)PAGE, cell);

	/* An instruction that lies on both pages: rip at its start, the address at the hole. */
	cell = 0;
	memcpy(page + PAGE - 8, code, 8);
	signal = sigsetjmp(back, 1);
	if (!signal)
		((function)(page + PAGE - 8))((int *)&cell);
	printf("instruction over the edge: signal %d, rip page end %+ld, address page end %+ld, cell %d\n", signal,
	       rip - (long)PAGE, address - (long)PAGE, cell);

	/* The next page comes to be there: demand paging in the middle of an instruction. */
	mmap(page + PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	memcpy(page + PAGE, code + 8, sizeof(code) - 8);
	cell = 0;
	int result = ((function)(page + PAGE - 8))((int *)&cell);
	printf("over the edge of two pages: %d, cell %d\n", result, cell);

	/* A conditional jump that is never taken leads nowhere. */
	memcpy(page, "\x31\xc0\x75\x01\xc3\xe9\x00\x00\x00\x70", 10);
	printf("jump not taken: %d\n", ((function)page)((int *)&cell));
	return 0;
}
