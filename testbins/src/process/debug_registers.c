/*
 * The debug registers of a traced task that watch nothing: the status, the control without an enabled breakpoint, and
 * two that there are not.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child;

static void *place(int number)
{
	return (void *)(offsetof(struct user, u_debugreg) + sizeof(long) * number);
}

static void peek(int number)
{
	errno = 0;
	long value = ptrace(PTRACE_PEEKUSER, child, place(number), 0);
	printf("%d: %lx %s\n", number, value, errno == 0 ? "ok" : strerrorname_np(errno));
}

static void poke(int number, long value)
{
	long result = ptrace(PTRACE_POKEUSER, child, place(number), value);
	printf("%d = %lx: %s\n", number, value, result == 0 ? "ok" : strerrorname_np(errno));
	peek(number);
}

int main(void)
{
	child = fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	for (int i = 0; i < 8; i++)
		peek(i);
	poke(4, 0);
	poke(5, 1);
	poke(6, 0);
	poke(6, 0x4001);
	poke(7, 0x400);
	poke(7, 0x30000);
	poke(7, 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
