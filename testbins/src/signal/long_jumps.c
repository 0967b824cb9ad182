/* setjmp and longjmp, with and without the signal mask, out of nested calls and out of handlers. */
#include "observe.h"
#include <setjmp.h>
#include <signal.h>

static jmp_buf plain;
static sigjmp_buf with_mask;

__attribute__((noinline)) static void down(int levels)
{
	volatile char frame[200];

	frame[0] = (char)levels;
	if (levels == 0)
		longjmp(plain, 42);
	if (levels > 0)
		down(levels - frame[0] / levels);
	printf("level %d of %d came back\n", levels, frame[0]);
}

static void handler(int signal)
{
	siglongjmp(with_mask, signal);
}

int main(void)
{
	volatile int rounds = 0;
	sigset_t now;

	int value = setjmp(plain);
	printf("setjmp gave %d in round %d\n", value, rounds);
	if (rounds++ < 3)
		down(rounds * 10);
	signal(SIGUSR1, handler);
	rounds = 0;
	value = sigsetjmp(with_mask, 1);
	sigprocmask(SIG_BLOCK, NULL, &now);
	printf("sigsetjmp gave %d, USR1 blocked %d\n", value, sigismember(&now, SIGUSR1));
	if (rounds++ < 2)
		raise(SIGUSR1);
	rounds = 0;
	value = sigsetjmp(with_mask, 0);
	sigprocmask(SIG_BLOCK, NULL, &now);
	printf("without mask gave %d, USR1 blocked %d\n", value, sigismember(&now, SIGUSR1));
	if (rounds++ < 1)
		raise(SIGUSR1);
	if (setjmp(plain) == 0)
		longjmp(plain, 0);
	else
		puts("longjmp with 0 gives 1");
	return 0;
}
