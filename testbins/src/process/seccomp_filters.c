/*
 * cflags: -pthread
 * Filters of system calls: what is refused as a program, each verdict, several filters at a time, threads, strict mode.
 */
#include "observe.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define FIELD(name) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
#define RETURN(verdict) BPF_STMT(BPF_RET | BPF_K, verdict)
#define ON(number, verdict) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), RETURN(verdict)

static long status_field(const char *name)
{
	char line[256];
	long value = -1;
	FILE *f = fopen("/proc/self/status", "r");

	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			value = atol(line + strlen(name) + 1);
	fclose(f);
	return value;
}

static long install(struct sock_filter *code, unsigned short count, unsigned flags)
{
	struct sock_fprog program = { .len = count, .filter = code };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* Runs a part in a child, and says how that ended. */
static void apart(const char *label, void (*part)(void))
{
	struct rlimit none = { 0, 0 };
	int status;

	fflush(stdout);
	if (fork() == 0) {
		setrlimit(RLIMIT_CORE, &none);
		part();
		fflush(stdout);
		_exit(7);
	}
	wait(&status);
	printf("%s: %s %d\n", label, WIFSIGNALED(status) ? "signal" : "exit", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void refused(void)
{
	static struct {
		const char *what;
		struct sock_filter code[4];
		int count;
	} cases[] = {
		{ "no return", { FIELD(nr) }, 1 },
		{ "return in the middle only", { RETURN(0), FIELD(nr) }, 2 },
		{ "half a word", { BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RETURN(SECCOMP_RET_ALLOW) }, 2 },
		{ "between words", { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RETURN(SECCOMP_RET_ALLOW) }, 2 },
		{ "the last word", { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 60), RETURN(SECCOMP_RET_ALLOW) }, 2 },
		{ "beyond the data", { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RETURN(SECCOMP_RET_ALLOW) }, 2 },
		{ "indirect", { BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RETURN(SECCOMP_RET_ALLOW) }, 2 },
		{ "jump to the end", { BPF_STMT(BPF_JMP | BPF_JA, 0), RETURN(SECCOMP_RET_ALLOW) }, 2 },
		{ "jump out", { BPF_STMT(BPF_JMP | BPF_JA, 1), RETURN(SECCOMP_RET_ALLOW) }, 2 },
		{ "jump far", { BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 9), RETURN(SECCOMP_RET_ALLOW) }, 2 },
		{ "divide by 0", { BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RETURN(SECCOMP_RET_ALLOW) }, 2 },
		{ "remainder", { BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RETURN(SECCOMP_RET_ALLOW) }, 2 },
		{ "shift by 32", { BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RETURN(SECCOMP_RET_ALLOW) }, 2 },
		{ "word 16", { BPF_STMT(BPF_ST, 16), RETURN(SECCOMP_RET_ALLOW) }, 2 },
		{ "not stored", { BPF_STMT(BPF_LD | BPF_MEM, 3), RETURN(SECCOMP_RET_ALLOW) }, 2 },
		{ "stored", { BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LD | BPF_MEM, 3), RETURN(SECCOMP_RET_ALLOW) }, 3 },
		{ "stored on one way",
		  { BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LD | BPF_MEM, 3), RETURN(SECCOMP_RET_ALLOW) },
		  4 },
		{ "return X", { BPF_STMT(BPF_RET | BPF_X, 0) }, 1 },
		{ "length", { BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0), RETURN(SECCOMP_RET_ALLOW) }, 3 },
		{ "empty", { RETURN(0) }, 0 },
	};

	for (size_t i = 0; i < LENGTH(cases); i++)
		printf("  %s: %s\n", cases[i].what, outcome(install(cases[i].code, cases[i].count, 0)));
	printf("  nowhere: %s\n", outcome(install(NULL, 3, 0)));
	printf("  flags: %s\n", outcome(install(cases[0].code, 1, 0x1000)));
	printf("  mode: %s\n", outcome(prctl(PR_SET_SECCOMP, 5, NULL)));
	printf("  operation: %s\n", outcome(syscall(SYS_seccomp, 9, 0, NULL)));
	printf("  strict with flags: %s\n", outcome(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL)));
}

static void available(void)
{
	static const unsigned actions[] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
					    SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW, 0x12340000 };

	for (size_t i = 0; i < LENGTH(actions); i++)
		printf("  %#x: %s\n", actions[i], outcome(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &actions[i])));
}

static void errors(void)
{
	/* The fourth argument of getpid's place decides: arithmetic of all kinds gets at it. */
	struct sock_filter code[] = {
		FIELD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		FIELD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		FIELD(args[3]),
		BPF_STMT(BPF_ST, 5),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_MEM, 5),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 10, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 4, 0, 1),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 3),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_filter huge[] = { FIELD(nr), ON(SYS_getuid, SECCOMP_RET_ERRNO | 0xffff), RETURN(SECCOMP_RET_ALLOW) };
	struct sock_filter none[] = { FIELD(nr), ON(SYS_getuid, SECCOMP_RET_ERRNO | 0), ON(SYS_geteuid, SECCOMP_RET_TRACE | 3),
				      ON(SYS_getgid, SECCOMP_RET_LOG), RETURN(SECCOMP_RET_ALLOW) };

	printf("  installed: %s\n", outcome(install(code, LENGTH(code), 0)));
	for (long word = 0x10; word < 0x2000; word += 0x337) {
		long result;

		errno = 0;
		result = syscall(SYS_getppid, 0, 0, 0, word);
		printf("  %#lx: %ld, errno %d\n", word, result, errno);
	}
	printf("  installed: %s\n", outcome(install(huge, LENGTH(huge), SECCOMP_FILTER_FLAG_SPEC_ALLOW)));
	errno = syscall(SYS_getuid) == -1 ? errno : 0;
	printf("  most: errno %d\n", errno);
	printf("  installed: %s\n", outcome(install(none, LENGTH(none), 0)));
	errno = 0;
	printf("  both: %ld, errno %d\n", syscall(SYS_getuid), errno);
	printf("  traced by nobody: %s\n", outcome(syscall(SYS_geteuid)));
	printf("  logged: %d\n", syscall(SYS_getgid) >= 0);
	printf("  mode %d, %ld filters\n", prctl(PR_GET_SECCOMP), status_field("Seccomp_filters"));
	printf("  strict now: %s\n", outcome(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)));
	apart("  a child's getppid", (void (*)(void))getppid);
	syscall(SYS_getppid, 0, 0, 0, 0); /* divides 0 by 0: killed */
}

static void caught(int signal, siginfo_t *info, void *context)
{
	printf("  signal %d, code %d, errno %d, call %d, arch %#x, rax %lld, at the call: %d\n", signal, info->si_code, info->si_errno,
	       info->si_syscall, info->si_arch, ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX],
	       (long long)info->si_call_addr == ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP]);
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = 4711;
}

static void trapped(void)
{
	struct sock_filter code[] = { FIELD(nr), ON(SYS_getpgrp, SECCOMP_RET_TRAP | 99), RETURN(SECCOMP_RET_ALLOW) };
	struct sigaction action = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &action, NULL);
	install(code, LENGTH(code), 0);
	printf("  handler says %ld\n", syscall(SYS_getpgrp));
	signal(SIGSYS, SIG_IGN);
	syscall(SYS_getpgrp);
}

static void killed(void)
{
	struct sock_filter code[] = { FIELD(nr), ON(SYS_getpgrp, SECCOMP_RET_KILL_PROCESS), RETURN(SECCOMP_RET_ALLOW) };

	signal(SIGSYS, SIG_IGN);
	install(code, LENGTH(code), 0);
	syscall(SYS_getpgrp);
}

static void unknown_verdict(void)
{
	struct sock_filter code[] = { FIELD(nr), ON(SYS_getpgrp, 0x00110000), RETURN(SECCOMP_RET_ALLOW) };

	install(code, LENGTH(code), 0);
	syscall(SYS_getpgrp);
}

static void *calls_getpgrp(void *unused)
{
	syscall(SYS_getpgrp);
	return unused;
}

static void thread_killed(void)
{
	struct sock_filter code[] = { FIELD(nr), ON(SYS_getpgrp, SECCOMP_RET_KILL_THREAD), RETURN(SECCOMP_RET_ALLOW) };
	char state[64];
	pthread_t thread;

	install(code, LENGTH(code), 0);
	pthread_create(&thread, NULL, calls_getpgrp, NULL);
	do
		snprintf(state, sizeof(state), "%ld", status_field("Threads"));
	while (strcmp(state, "1"));
	printf("  the process lives on, threads %s\n", state);
}

static pthread_barrier_t barrier;

static void *waits(void *own)
{
	struct sock_filter allow[] = { RETURN(SECCOMP_RET_ALLOW) };

	if (own)
		install(allow, 1, 0);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return (void *)syscall(SYS_getpgrp);
}

static void all_threads(void *own)
{
	struct sock_filter code[] = { FIELD(nr), ON(SYS_getpgrp, SECCOMP_RET_ERRNO | EDOM), RETURN(SECCOMP_RET_ALLOW) };
	pthread_t thread;
	void *result;
	long done;

	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, waits, own);
	pthread_barrier_wait(&barrier);
	done = install(code, LENGTH(code), SECCOMP_FILTER_FLAG_TSYNC);
	printf("  all threads: %s\n", done > 0 ? "not that one" : outcome(done));
	printf("  or error: %s\n", outcome(own ? install(code, LENGTH(code), SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH) : 0));
	pthread_barrier_wait(&barrier);
	pthread_join(thread, &result);
	printf("  its call: %s\n", result == (void *)-1 ? "filtered" : "made");
}

static void threads_alike(void)
{
	all_threads(NULL);
}

static void threads_differ(void)
{
	all_threads("a filter of its own");
}

static void strict(void)
{
	fflush(stdout);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	syscall(SYS_write, 1, "  write is allowed\n", 19);
	syscall(SYS_exit, 3);
}

static void strict_killed(void)
{
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	syscall(SYS_getpid);
}

static void unprivileged(void)
{
	struct sock_filter allow[] = { RETURN(SECCOMP_RET_ALLOW) };

	if (getuid() == 0 && setresuid(65534, 65534, 65534))
		return;
	printf("  before: %s\n", outcome(install(allow, 1, 0)));
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	printf("  after PR_SET_NO_NEW_PRIVS: %s\n", outcome(install(allow, 1, 0)));
}

static void many(void)
{
	static struct sock_filter code[4096];
	int count = 0;

	for (size_t i = 0; i < LENGTH(code); i++)
		code[i] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	while (install(code, LENGTH(code), 0) == 0)
		count++;
	printf("  filters of 4096 instructions: %d, then %s\n", count, strerrorname_np(errno));
	printf("  one of 4097: %s\n", outcome(install(code, 4097, 0)));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	apart("unprivileged", unprivileged);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	printf("mode: %d\n", prctl(PR_GET_SECCOMP));
	apart("refused", refused);
	apart("available", available);
	apart("errors", errors);
	apart("trapped", trapped);
	apart("killed", killed);
	apart("unknown verdict", unknown_verdict);
	apart("thread killed", thread_killed);
	apart("threads alike", threads_alike);
	apart("threads differ", threads_differ);
	apart("strict", strict);
	apart("strict and killed", strict_killed);
	apart("many", many);
	return 0;
}
