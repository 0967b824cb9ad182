/*
 * A traced child: its stops, memory, registers, system calls, and its end, as its tracer sees them.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile long word = 0x1122334455667788;
static volatile int caught;

static void note(int signal)
{
	caught = signal;
}

static void show(const char *what, pid_t child)
{
	int status = 0;
	pid_t got = waitpid(child, &status, 0);
	printf("%s: %s %x\n", what, got == child ? "child" : "nobody", status);
}

static void answer(const char *what, long result)
{
	printf("%s: %s\n", what, result == -1 ? strerrorname_np(errno) : "done");
}

static __attribute__((noipa)) int constant(void)
{
	return 0x1234;
}

static void stops(void)
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		signal(SIGUSR1, note);
		signal(SIGUSR2, SIG_IGN);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		errno = 0;
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) != -1 || errno != EPERM)
			_exit(1);
		raise(SIGSTOP);
		if (word != 42)
			_exit(2);
		raise(SIGUSR1);
		if (caught != 0)
			_exit(3);
		raise(SIGUSR1);
		if (caught != SIGUSR1)
			_exit(4);
		raise(SIGUSR2);
		_exit(constant() & 0x7f);
	}
	answer("cont before a stop", ptrace(PTRACE_GETEVENTMSG, getpid(), 0, 0));
	show("stopped", child);
	siginfo_t info;
	answer("info", ptrace(PTRACE_GETSIGINFO, child, 0, &info));
	printf("signal %d code %d from %s\n", info.si_signo, info.si_code, info.si_pid == child ? "itself" : "another");
	printf("word %lx\n", ptrace(PTRACE_PEEKDATA, child, &word, 0));
	answer("poke", ptrace(PTRACE_POKEDATA, child, &word, 42));
	printf("own word %lx\n", word);
	answer("peek nowhere", ptrace(PTRACE_PEEKDATA, child, 8, 0));
	answer("poke nowhere", ptrace(PTRACE_POKEDATA, child, 8, 0));
	answer("odd place of the user area", ptrace(PTRACE_PEEKUSER, child, 3, 0));
	answer("behind the user area", ptrace(PTRACE_PEEKUSER, child, sizeof(struct user), 0));
	struct user_regs_struct regs;
	answer("registers", ptrace(PTRACE_GETREGS, child, 0, &regs));
	printf("same rsp %d, cs %llx ss %llx\n",
		   (long)regs.rsp == ptrace(PTRACE_PEEKUSER, child, offsetof(struct user_regs_struct, rsp), 0), regs.cs, regs.ss);
	answer("set registers", ptrace(PTRACE_SETREGS, child, 0, &regs));
	struct user_fpregs_struct fp;
	answer("floating point", ptrace(PTRACE_GETFPREGS, child, 0, &fp));
	printf("control %x mxcsr %x\n", fp.cwd, fp.mxcsr);
	answer("set floating point", ptrace(PTRACE_SETFPREGS, child, 0, &fp));
	answer("unknown option", ptrace(PTRACE_SETOPTIONS, child, 0, 1 << 30));
	answer("signal too large", ptrace(PTRACE_CONT, child, 0, 65));
	/* code of a private file mapping: mov $0x1234,%eax becomes mov $0x1255,%eax */
	for (long at = 0; at < 16; at++) {
		long code = ptrace(PTRACE_PEEKTEXT, child, (char *)constant + at, 0);
		if ((code & 0xffffffff) == 0x1234) {
			answer("poke code", ptrace(PTRACE_POKETEXT, child, (char *)constant + at, (code & ~0xffL) | 0x55));
			break;
		}
	}
	printf("own code %x\n", constant());
	answer("cont", ptrace(PTRACE_CONT, child, 0, 0));
	show("first SIGUSR1", child);
	answer("swallow", ptrace(PTRACE_CONT, child, 0, 0));
	show("second SIGUSR1", child);
	answer("deliver", ptrace(PTRACE_CONT, child, 0, SIGUSR1));
	show("ignored SIGUSR2", child);
	answer("deliver", ptrace(PTRACE_CONT, child, 0, SIGUSR2));
	show("end", child);
	answer("afterwards", ptrace(PTRACE_CONT, child, 0, 0));
}

static void calls(void)
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		long pid = syscall(SYS_getppid);
		long changed = syscall(SYS_gettid);
		_exit(pid == 77 && changed == -1 ? 5 : 6);
	}
	show("stopped", child);
	ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXIT);
	for (int stop = 0; stop < 12; stop++) {
		if (ptrace(PTRACE_SYSCALL, child, 0, 0) != 0)
			break;
		int status;
		waitpid(child, &status, 0);
		if (!WIFSTOPPED(status)) {
			printf("end %x\n", status);
			return;
		}
		struct user_regs_struct regs;
		ptrace(PTRACE_GETREGS, child, 0, &regs);
		long number = (long)regs.orig_rax;
		unsigned long message = 0;
		if (status >> 16)
			ptrace(PTRACE_GETEVENTMSG, child, 0, &message);
		printf("stop %x: call %ld enters %d message %lx\n", status, number, (long)regs.rax == -ENOSYS, message);
		if (number == SYS_gettid && (long)regs.rax == -ENOSYS && regs.orig_rax != (unsigned long)-1) {
			ptrace(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, orig_rax), -1L);
		} else if (number == SYS_getppid && (long)regs.rax != -ENOSYS) {
			regs.rax = 77;
			ptrace(PTRACE_SETREGS, child, 0, &regs);
		}
	}
}

static void attach(int kill_it)
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		for (;;)
			pause();
	}
	answer("attach", ptrace(PTRACE_ATTACH, child, 0, 0));
	answer("attach again", ptrace(PTRACE_ATTACH, child, 0, 0));
	show("attached", child);
	if (kill_it) {
		answer("kill", ptrace(PTRACE_KILL, child, 0, 0));
	} else {
		answer("detach", ptrace(PTRACE_DETACH, child, 0, 0));
		answer("cont", ptrace(PTRACE_CONT, child, 0, 0));
		kill(child, SIGTERM);
	}
	show("end", child);
}

static void program(char *self, long options)
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execl(self, self, "again", NULL);
		_exit(1);
	}
	show("stopped", child);
	ptrace(PTRACE_SETOPTIONS, child, 0, options);
	ptrace(PTRACE_CONT, child, 0, 0);
	show("execve", child);
	ptrace(PTRACE_CONT, child, 0, 0);
	show("end", child);
}

static void children(void)
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		pid_t grandchild = fork();
		if (grandchild == 0)
			_exit(9);
		int status;
		waitpid(grandchild, &status, 0);
		_exit(WEXITSTATUS(status) + 1);
	}
	show("stopped", child);
	ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL);
	ptrace(PTRACE_CONT, child, 0, 0);
	show("fork", child);
	unsigned long grandchild = 0;
	answer("message", ptrace(PTRACE_GETEVENTMSG, child, 0, &grandchild));
	int status;
	printf("grandchild %d\n", waitpid((pid_t)grandchild, &status, __WALL) == (pid_t)grandchild);
	printf("stops %x\n", status);
	ptrace(PTRACE_CONT, grandchild, 0, 0);
	ptrace(PTRACE_CONT, child, 0, 0);
	printf("grandchild %d\n", waitpid((pid_t)grandchild, &status, __WALL) == (pid_t)grandchild);
	printf("ends %x\n", status);
	show("SIGCHLD", child);
	ptrace(PTRACE_CONT, child, 0, SIGCHLD);
	show("end", child);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return 3;
	stops();
	calls();
	attach(0);
	attach(1);
	program(argv[0], 0);
	program(argv[0], PTRACE_O_TRACEEXEC);
	children();
	return 0;
}
