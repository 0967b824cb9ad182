/* What a change of ids, and a program after it, leave of PR_SET_DUMPABLE and PR_SET_PDEATHSIG: much only where we are root. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static void show(const char *what)
{
	int death = 0;

	prctl(PR_GET_PDEATHSIG, &death);
	printf("%s: dumpable %s, death signal %d\n", what, prctl(PR_GET_DUMPABLE) == 1 ? "yes" : "no", death);
	fflush(stdout);
}

/* Somebody else might not be allowed to execute us. */
static void try(const char *what, int executes, long number, long a, long b, long c)
{
	if (fork() == 0) {
		prctl(PR_SET_DUMPABLE, 1);
		prctl(PR_SET_PDEATHSIG, SIGUSR1);
		if (syscall(number, a, b, c) < 0)
			printf("%s ", strerrorname_np(errno));
		show(what);
		if (fork() == 0) {
			show("forked");
			_exit(0);
		}
		wait(NULL);
		if (executes)
			execl("/proc/self/exe", "changed_ids", "executed", NULL);
		_exit(0);
	}
	wait(NULL);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "executed")) {
		show("executed");
		return 0;
	}
	try("setuid to the same", 1, SYS_setuid, getuid(), 0, 0);
	try("setuid", 0, SYS_setuid, NOBODY, 0, 0);
	try("real user", 1, SYS_setresuid, NOBODY, -1, -1);
	try("effective user", 0, SYS_setresuid, -1, NOBODY, -1);
	try("effective group", 1, SYS_setresgid, -1, NOBODY, -1);
	try("saved group", 1, SYS_setresgid, -1, -1, NOBODY);
	try("both groups", 1, SYS_setregid, NOBODY, NOBODY, 0);
	try("user of files", 0, SYS_setfsuid, NOBODY, 0, 0);
	try("group of files", 1, SYS_setfsgid, NOBODY, 0, 0);
	return 0;
}
