/* How waitid and SIGCHLD tell an exit, a killing signal, and one that left a core file. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *name(int code)
{
	switch (code) {
	case CLD_EXITED:
		return "exited";
	case CLD_KILLED:
		return "killed";
	case CLD_DUMPED:
		return "dumped";
	default:
		return "?";
	}
}

/* A child ends by a signal, or by exit(7) for 0. It may leave a core file of at most core bytes. */
static void end_by(int signal, rlim_t core)
{
	siginfo_t info = {0}, told = {0};
	sigset_t children;
	int status = 0;
	pid_t child;

	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	child = fork();
	if (child == 0) {
		struct rlimit limit;

		getrlimit(RLIMIT_CORE, &limit);
		limit.rlim_cur = core < limit.rlim_max ? core : limit.rlim_max;
		setrlimit(RLIMIT_CORE, &limit);
		if (signal)
			raise(signal);
		_exit(7);
	}
	sigwaitinfo(&children, &told);
	waitid(P_PID, child, &info, WEXITED | WNOWAIT);
	printf("signal %d, core %d: waitid %s %d", signal, core != 0, name(info.si_code), info.si_status);
	printf(", SIGCHLD %s %d", name(told.si_code), told.si_status);
	waitpid(child, &status, 0);
	printf(", dumped %d\n", WIFSIGNALED(status) && WCOREDUMP(status));
}

/* Whether the system writes core files where the program is, and the user lets it. */
static int cores_come_here(void)
{
	char pattern[128] = "";
	FILE *f = fopen("/proc/sys/kernel/core_pattern", "r");
	struct rlimit limit;

	if (f) {
		if (!fgets(pattern, sizeof pattern, f))
			pattern[0] = 0;
		fclose(f);
	}
	getrlimit(RLIMIT_CORE, &limit);
	return strncmp(pattern, "core", 4) == 0 && limit.rlim_max == RLIM_INFINITY;
}

int main(void)
{
	char dir[] = "/tmp/end_codes.XXXXXX";
	int was;

	if (!mkdtemp(dir) || chdir(dir))
		return 1;
	end_by(0, 0);
	end_by(SIGTERM, 0);
	end_by(SIGABRT, 0);
	if (cores_come_here()) {
		end_by(SIGABRT, RLIM_INFINITY);
		end_by(SIGSEGV, RLIM_INFINITY);
	}
	was = system("rm -f core*");
	return was || chdir("/") || rmdir(dir);
}
