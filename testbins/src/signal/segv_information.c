/*
 * What a SIGSEGV handler is told: si_code, si_addr to the byte, and in the context the trap number, the error code
 * (1 the page was present, 2 write, 4 user, 16 instruction fetch) and CR2. A non-canonical address is a general
 * protection fault: SI_KERNEL, no address. The handler leaves with siglongjmp.
 *
 * cflags: -Wno-array-bounds
 */
#include "observe.h"
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

static sigjmp_buf back;
static char *area;

static const char *code_name(int code)
{
	return code == SEGV_MAPERR ? "MAPERR" : code == SEGV_ACCERR ? "ACCERR" : code == SI_KERNEL ? "SI_KERNEL" : "?";
}

static void handler(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	greg_t *r = u->uc_mcontext.gregs;
	long offset = (char *)info->si_addr - area;

	printf("  signal %d %s trap %lld error %lld", signal, code_name(info->si_code), r[REG_TRAPNO], r[REG_ERR]);
	if (offset >= 0 && offset < 64 * (long)PAGE)
		printf(" at page %ld + %ld", offset / (long)PAGE, offset % (long)PAGE);
	else
		printf(" at %p", info->si_addr);
	if (r[REG_TRAPNO] == 14)
		printf(" cr2 %s", (void *)r[REG_CR2] == info->si_addr ? "same" : "other");
	printf(" rip %s\n", (char *)r[REG_RIP] - area >= 0 && (char *)r[REG_RIP] - area < 64 * (long)PAGE ? "in area" : "in program");
	siglongjmp(back, 1);
}

#define TRY(label, ...)                       \
	do {                                  \
		puts(label);                  \
		if (!sigsetjmp(back, 1)) {    \
			__VA_ARGS__;          \
			puts("  went on");    \
		}                             \
	} while (0)

int main(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	area = map_private(64 * PAGE);
	sigaction(SIGSEGV, &action, NULL);
	mprotect(area + 8 * PAGE, 8 * PAGE, PROT_READ);
	write_pages(area + 16 * PAGE, 8);
	mprotect(area + 16 * PAGE, 8 * PAGE, PROT_READ);
	mprotect(area + 24 * PAGE, 8 * PAGE, PROT_NONE);
	munmap(area + 32 * PAGE, 8 * PAGE);

	TRY("read of NULL", (void)*(volatile char *)NULL);
	TRY("write to 8", *(volatile char *)8 = 1);
	TRY("read in a hole", (void)*(volatile int *)(area + 33 * PAGE + 123));
	TRY("write in a hole", *(volatile int *)(area + 33 * PAGE + 124) = 1);
	TRY("read that runs into a hole", (void)*(volatile long *)(area + 32 * PAGE - 3));
	TRY("write that runs into a hole", mprotect(area + 31 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	    *(volatile long *)(area + 32 * PAGE - 5) = 1);
	TRY("write to a read-only page never read", *(volatile char *)(area + 9 * PAGE + 7) = 1);
	TRY("write to a read-only page read before", read_pages(area + 10 * PAGE, 1);
	    *(volatile char *)(area + 10 * PAGE + 8) = 1);
	TRY("write to a read-only page written before", *(volatile char *)(area + 17 * PAGE + 4095) = 1);
	TRY("add to a read-only page", asm volatile("addl $1, %0" : "+m"(*(int *)(area + 18 * PAGE + 64))));
	TRY("lock cmpxchg to a hole", __sync_bool_compare_and_swap((long *)(area + 34 * PAGE + 16), 1, 2));
	TRY("read without rights", (void)*(volatile char *)(area + 25 * PAGE + 1));
	TRY("write without rights", *(volatile char *)(area + 25 * PAGE + 2) = 1);
	TRY("jump to a page without exec", ((void (*)(void))(area + 40 * PAGE + 5))());
	TRY("jump to a hole", ((void (*)(void))(area + 35 * PAGE + 6))());
	TRY("jump to NULL", ((void (*)(void))(uintptr_t)0)());
	TRY("read of a kernel address", (void)*(volatile char *)0xffffffff80000000UL);
	TRY("write to the vsyscall area", *(volatile char *)0xffffffffff600000UL = 1);
	TRY("read of the first kernel address", (void)*(volatile char *)0xffff800000000000UL);
	TRY("read of a non-canonical address", (void)*(volatile char *)0x800000000000UL);
	TRY("write to a non-canonical address", *(volatile char *)0x1234567890abcdefUL = 1);
	TRY("read above the last page", (void)*(volatile char *)0x7ffffffff000UL);
	TRY("rep movsb into a hole", char *to = area + 30 * PAGE; mprotect(to, 2 * PAGE, PROT_READ | PROT_WRITE);
	    const char *from = area; long n = 10 * PAGE;
	    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory"));
	return 0;
}
