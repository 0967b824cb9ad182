/* sigaltstack: where handlers run, nesting, SS_ONSTACK while in use, what is refused, SS_AUTODISARM. */
#include "observe.h"
#include <signal.h>

#define SIZE 32768UL
static char other[SIZE];
static volatile int depth;

static int on_other(void)
{
	char local;

	return &local >= other && &local < other + SIZE;
}

static void handler(int signal)
{
	stack_t now, next = { .ss_sp = other, .ss_size = SIZE };

	sigaltstack(NULL, &now);
	printf("handler %d: on the stack %d, flags %d, change refused %s\n", signal, on_other(), now.ss_flags,
	       outcome(sigaltstack(&next, NULL)));
	if (depth++ == 0)
		raise(SIGUSR2);
}

int main(void)
{
	stack_t stack = { .ss_sp = other, .ss_size = SIZE }, was;
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK };

	sigaltstack(NULL, &was);
	printf("at first: flags %d size %zu\n", was.ss_flags, was.ss_size);
	stack.ss_size = 1000;
	printf("too small: %s\n", outcome(sigaltstack(&stack, NULL)));
	stack.ss_size = SIZE;
	stack.ss_flags = 8;
	printf("unknown flags: %s\n", outcome(sigaltstack(&stack, NULL)));
	stack.ss_flags = 0;
	printf("set: %s\n", outcome(sigaltstack(&stack, &was)));
	sigaltstack(NULL, &was);
	printf("now: flags %d, size %zu, same %d\n", was.ss_flags, was.ss_size, was.ss_sp == other);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	raise(SIGUSR1);
	action.sa_flags = 0;
	sigaction(SIGUSR1, &action, NULL);
	puts("without SA_ONSTACK:");
	raise(SIGUSR1);
	stack.ss_flags = SS_DISABLE;
	printf("disable: %s\n", outcome(sigaltstack(&stack, NULL)));
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	sigaltstack(NULL, &was);
	printf("at last: flags %d\n", was.ss_flags);
	return 0;
}
