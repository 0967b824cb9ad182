/* ptrace: breakpoints and single steps, register sets, the signal mask, and what is told of system calls. */
#include "observe.h"
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

static void show(const char *label, int status)
{
	printf("%s: ", label);
	if (WIFSTOPPED(status))
		printf("stopped by %d%s, event %d\n", WSTOPSIG(status) & 0x7f, WSTOPSIG(status) & 0x80 ? " at a call" : "", status >> 16);
	else if (WIFSIGNALED(status))
		printf("killed by %d\n", WTERMSIG(status));
	else
		printf("exit %d\n", WEXITSTATUS(status));
	fflush(stdout);
}

static int next(pid_t child, const char *label)
{
	int status = 0;

	if (waitpid(child, &status, __WALL) != child)
		printf("%s: wait: %s\n", label, strerrorname_np(errno));
	else
		show(label, status);
	return status;
}

static long ask(long request, pid_t child, unsigned long address, unsigned long data)
{
	return syscall(SYS_ptrace, request, child, address, data);
}

static pid_t traced(void (*part)(void))
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		if (ask(PTRACE_TRACEME, 0, 0, 0))
			_exit(100);
		raise(SIGSTOP);
		part();
		_exit(7);
	}
	next(child, "begins");
	return child;
}

static void calls_part(void)
{
	long result = syscall(SYS_getppid, 1, 2, 3);

	result = result == 12345 ? syscall(SYS_close, 1000) : -1;
	_exit(result == -1 && errno == ENOSYS ? 30 : 31);
}

static void calls(void)
{
	pid_t child = traced(calls_part);
	struct user_regs_struct regs;

	ask(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD);
	for (int entry = 1;; entry = !entry) {
		char info[128] = { 0 };
		long length;

		ask(PTRACE_SYSCALL, child, 0, 0);
		if (WIFEXITED(next(child, entry ? "entry" : "exit")))
			break;
		ask(PTRACE_GETREGS, child, 0, (unsigned long)&regs);
		length = ask(PTRACE_GET_SYSCALL_INFO, child, 84, (unsigned long)info);
		printf("call %lld, result %s, info %d, %ld bytes", (long long)regs.orig_rax,
		       (long long)regs.rax < 0 ? strerrorname_np(-regs.rax) : "ok", info[0], length);
		if (entry)
			printf(", number %ld, argument %lld\n", *(long *)(info + 24), regs.rdi);
		else
			printf(", says %s, error %d\n", *(long *)(info + 24) == (long)regs.rax ? "the same" : "other", info[32]);
		if (!entry && regs.orig_rax == SYS_getppid)
			ask(PTRACE_POKEUSER, child, offsetof(struct user, regs.rax), 12345);
		if (entry && regs.orig_rax == SYS_close)
			ask(PTRACE_POKEUSER, child, offsetof(struct user, regs.orig_rax), -1);
	}
}

static void steps_part(void)
{
	raise(SIGUSR1);
	__asm__ volatile(".global stepped\nstepped:\n\tnop\n\tnop\n\tmov $39, %%eax\n\tsyscall\n\tnop\n.global stepped_end\nstepped_end:\n\tint3\n"
			 ::: "rax", "rcx", "r11", "memory");
	_exit(5);
}

extern char stepped[], stepped_end[];

static void steps(void)
{
	pid_t child = traced(steps_part);
	struct user_regs_struct regs;
	siginfo_t info;
	long code;

	ask(PTRACE_CONT, child, 0, 0);
	next(child, "before");
	ask(PTRACE_PEEKTEXT, child, (unsigned long)stepped, (unsigned long)&code);
	ask(PTRACE_POKETEXT, child, (unsigned long)stepped, (code & ~0xffL) | 0xcc);
	ask(PTRACE_CONT, child, 0, 0);
	next(child, "breakpoint");
	ask(PTRACE_GETSIGINFO, child, 0, (unsigned long)&info);
	ask(PTRACE_GETREGS, child, 0, (unsigned long)&regs);
	printf("code %d, behind it %d\n", info.si_code, (int)(regs.rip - (unsigned long)stepped));
	ask(PTRACE_POKETEXT, child, (unsigned long)stepped, code);
	regs.rip = (unsigned long)stepped;
	ask(PTRACE_SETREGS, child, 0, (unsigned long)&regs);
	while (regs.rip != (unsigned long)stepped_end) {
		ask(PTRACE_SINGLESTEP, child, 0, 0);
		next(child, "step");
		ask(PTRACE_GETREGS, child, 0, (unsigned long)&regs);
		ask(PTRACE_GETSIGINFO, child, 0, (unsigned long)&info);
		printf("at %d, code %d, trap flag %d\n", (int)(regs.rip - (unsigned long)stepped), info.si_code, (int)(regs.eflags >> 8 & 1));
	}
	ask(PTRACE_CONT, child, 0, 0);
	next(child, "int3 of its own");
	ask(PTRACE_CONT, child, 0, 0);
	next(child, "end");
}

static void sets_part(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	sigprocmask(SIG_BLOCK, NULL, &set);
	_exit(sigismember(&set, SIGHUP) ? 60 : 61);
}

static void sets(void)
{
	pid_t child = traced(sets_part);
	struct user_regs_struct regs, again;
	struct user_fpregs_struct fp, set;
	unsigned char extended[4096];
	struct iovec vector = { &again, sizeof(again) };
	unsigned long mask = 0;

	ask(PTRACE_CONT, child, 0, 0);
	next(child, "stops");
	ask(PTRACE_GETREGS, child, 0, (unsigned long)&regs);
	printf("regset: %s", outcome(ask(PTRACE_GETREGSET, child, 1, (unsigned long)&vector)));
	printf(", %zu, same: %d\n", vector.iov_len, regs.rip == again.rip && regs.rsp == again.rsp && regs.rax == again.rax);
	vector.iov_len = 24;
	printf("part: %s", outcome(ask(PTRACE_GETREGSET, child, 1, (unsigned long)&vector)));
	printf(", %zu\n", vector.iov_len);
	vector.iov_len = 9;
	printf("no whole register: %s\n", outcome(ask(PTRACE_GETREGSET, child, 1, (unsigned long)&vector)));
	printf("unknown: %s\n", outcome(ask(PTRACE_GETREGSET, child, 77, (unsigned long)&vector)));
	ask(PTRACE_GETFPREGS, child, 0, (unsigned long)&fp);
	vector = (struct iovec){ &set, sizeof(set) };
	printf("floating point: %s", outcome(ask(PTRACE_GETREGSET, child, 2, (unsigned long)&vector)));
	printf(", %zu, same: %d, control word %x\n", vector.iov_len, !memcmp(&fp, &set, sizeof(set)), set.cwd);
	vector = (struct iovec){ extended, sizeof(extended) };
	printf("extended: %s", outcome(ask(PTRACE_GETREGSET, child, 0x202, (unsigned long)&vector)));
	printf(", has x87 and SSE: %d\n", (extended[464] & 3) == 3);
	vector = (struct iovec){ &regs, sizeof(regs) };
	printf("set: %s\n", outcome(ask(PTRACE_SETREGSET, child, 1, (unsigned long)&vector)));
	printf("mask: %s", outcome(ask(PTRACE_GETSIGMASK, child, 8, (unsigned long)&mask)));
	printf(", %lx\n", mask);
	printf("mask of another size: %s\n", outcome(ask(PTRACE_GETSIGMASK, child, 4, (unsigned long)&mask)));
	mask |= 1;
	printf("set: %s\n", outcome(ask(PTRACE_SETSIGMASK, child, 8, (unsigned long)&mask)));
	ask(PTRACE_CONT, child, 0, 0);
	next(child, "end");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	calls();
	sets();
	steps();
	return 0;
}
