/* The same with an alternate signal stack: the handler runs there, sees a fault below the stack's limit, and gets out. */
#include "observe.h"
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

static sigjmp_buf back;
static char *lowest;

static void handler(int signal, siginfo_t *info, void *context)
{
	char local;

	lowest = info->si_addr;
	printf("signal %d, code %s, on the alternate stack: %d, stack pointer near the address: %d\n", signal,
	       info->si_code == SEGV_MAPERR ? "MAPERR" : "ACCERR", &local < lowest - (1 << 20) || &local > lowest + (64 << 20),
	       labs((long)((ucontext_t *)context)->uc_mcontext.gregs[REG_RSP] - (long)lowest) < 65536);
	siglongjmp(back, 1);
}

__attribute__((noinline)) static long recurse(long depth)
{
	volatile char frame[5000];

	frame[0] = (char)depth;
	return depth < 0 ? 0 : recurse(depth + 1) + frame[0];
}

int main(void)
{
	static char other[65536];
	stack_t stack = { .ss_sp = other, .ss_size = sizeof(other) };
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct rlimit limit;
	char *top = __builtin_frame_address(0);

	getrlimit(RLIMIT_STACK, &limit);
	limit.rlim_cur = 4 << 20;
	setrlimit(RLIMIT_STACK, &limit);
	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &action, NULL);
	for (int i = 0; i < 3; i++)
		if (!sigsetjmp(back, 1))
			recurse(1);
		else
			printf("used %ld of 4 MiB\n", (top - lowest + (1 << 19)) >> 20);
	return 0;
}
