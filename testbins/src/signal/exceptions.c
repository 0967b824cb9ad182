/* Exceptions of the CPU as signals: number, si_code, trap number, and where the instruction pointer stands. */
#include "observe.h"
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

static sigjmp_buf back;
extern char here[] __attribute__((visibility("hidden")));
static char *start;

static void handler(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	greg_t *r = u->uc_mcontext.gregs;

	printf("%-8s code %#x trap %lld error %lld, rip %+ld, si_addr %s\n", sigabbrev_np(signal), info->si_code, r[REG_TRAPNO],
	       r[REG_ERR], (long)((char *)r[REG_RIP] - start),
	       info->si_addr == NULL ? "0" : (char *)info->si_addr == (char *)r[REG_RIP] ? "rip" : "other");
	r[REG_EFL] &= ~0x100;
	siglongjmp(back, 1);
}

#define TRY(label, text, ...)                                                                     \
	do {                                                                                      \
		printf("%-24s ", label);                                                          \
		fflush(stdout);                                                                   \
		if (!sigsetjmp(back, 1)) {                                                        \
			asm volatile("lea 1f(%%rip), %%r11\n\tmov %%r11, %0\n1:\t" text           \
				     : "=m"(start) : __VA_ARGS__ : "rax", "rdx", "r11", "cc", "memory"); \
			puts("went on");                                                          \
		}                                                                                 \
	} while (0)

int main(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	int signals[] = { SIGILL, SIGTRAP, SIGFPE, SIGSEGV, SIGBUS };

	for (int i = 0; i < 5; i++)
		sigaction(signals[i], &action, NULL);
	TRY("int3", "int3", "c"(0));
	TRY("ud2", "ud2", "c"(0));
	TRY("undefined opcode", ".byte 0x0f, 0xff, 0xc0", "c"(0));
	TRY("divide by zero", "xor %%edx, %%edx\n\txor %%ecx, %%ecx\n\tmov $1, %%eax\n\tdiv %%ecx", "b"(0));
	TRY("quotient too big", "mov $0x80000000, %%eax\n\tcltd\n\tidivl %1", "m"(*(int *)&(int){ -1 }));
	TRY("hlt", "hlt", "c"(0));
	TRY("cli", "cli", "c"(0));
	TRY("mov to cr3", "mov %%rax, %%cr3", "c"(0));
	TRY("in", "in %%dx, %%al", "c"(0));
	TRY("int 0x20", "int $0x20", "c"(0));
	TRY("rdmsr", "rdmsr", "c"(0));
	TRY("non-canonical read", "movabs $0x8000000000000000, %%rax\n\tmov (%%rax), %%al", "c"(0));
	TRY("icebp", ".byte 0xf1", "c"(0));
	TRY("nop", "nop", "c"(0));
	return 0;
}
