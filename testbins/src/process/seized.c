/*
 * A seized task: interrupts, group stops as events, listening, and the children of such a one.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void answer(const char *what, long result)
{
	printf("%s: %s\n", what, result == -1 ? strerrorname_np(errno) : "done");
}

/* Waits for a stop or the end, as waitid(2) tells it. */
static void show(const char *what, pid_t child)
{
	siginfo_t info = {0};
	if (waitid(P_PID, (id_t)child, &info, WEXITED | WSTOPPED | __WALL) != 0) {
		printf("%s: %s\n", what, strerrorname_np(errno));
		return;
	}
	printf("%s: code %d status %x\n", what, info.si_code, info.si_status);
}

static void show_signal(pid_t child)
{
	siginfo_t info = {0};
	unsigned long message = 99;
	if (ptrace(PTRACE_GETSIGINFO, child, 0, &info) == 0)
		printf("  signal %d code %x from %s\n", info.si_signo, info.si_code, info.si_pid == child ? "itself" : "another");
	else
		printf("  no signal: %s\n", strerrorname_np(errno));
	ptrace(PTRACE_GETEVENTMSG, child, 0, &message);
	printf("  message %lu\n", message);
}

/* What waitid(2) has to tell without waiting: nothing, where nothing new can come. */
static void quiet(const char *what, pid_t child)
{
	siginfo_t info = {0};
	waitid(P_PID, (id_t)child, &info, WEXITED | WSTOPPED | WNOHANG);
	printf("%s: %s\n", what, info.si_pid == 0 ? "nothing" : "something");
}

static pid_t sleeper(void)
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		for (;;)
			pause();
	}
	return child;
}

static void finish(pid_t child)
{
	kill(child, SIGKILL);
	show("killed", child);
}

static void refused(void)
{
	pid_t child = sleeper();
	answer("interrupt of a stranger", ptrace(PTRACE_INTERRUPT, child, 0, 0));
	answer("seize with an address", ptrace(PTRACE_SEIZE, child, 8, 0));
	answer("seize with unknown options", ptrace(PTRACE_SEIZE, child, 0, 1L << 40));
	answer("seize itself", ptrace(PTRACE_SEIZE, getpid(), 0, 0));
	answer("seize", ptrace(PTRACE_SEIZE, child, 0, PTRACE_O_TRACEEXIT));
	answer("seize again", ptrace(PTRACE_SEIZE, child, 0, 0));
	quiet("runs on", child);
	answer("listen as it runs", ptrace(PTRACE_LISTEN, child, 0, 0));
	answer("continue as it runs", ptrace(PTRACE_CONT, child, 0, 0));
	finish(child);
	child = sleeper();
	answer("attach", ptrace(PTRACE_ATTACH, child, 0, 0));
	show("attached", child);
	show_signal(child);
	answer("interrupt of an attached one", ptrace(PTRACE_INTERRUPT, child, 0, 0));
	answer("listen of an attached one", ptrace(PTRACE_LISTEN, child, 0, 0));
	finish(child);
}

static void interrupts(void)
{
	pid_t child = sleeper();
	ptrace(PTRACE_SEIZE, child, 0, 0);
	answer("interrupt", ptrace(PTRACE_INTERRUPT, child, 0, 0));
	show("interrupted", child);
	show_signal(child);
	answer("interrupt in a stop", ptrace(PTRACE_INTERRUPT, child, 0, 0));
	quiet("stands still", child);
	ptrace(PTRACE_CONT, child, 0, 0);
	show("stops again", child);
	ptrace(PTRACE_CONT, child, 0, 0);
	kill(child, SIGUSR1);
	show("a signal", child);
	show_signal(child);
	answer("listen in another stop", ptrace(PTRACE_LISTEN, child, 0, 0));
	ptrace(PTRACE_CONT, child, 0, 0);
	kill(child, SIGCONT);
	show("continued though it ran", child);
	ptrace(PTRACE_CONT, child, 0, 0);
	show("its signal", child);
	answer("detach", ptrace(PTRACE_DETACH, child, 0, SIGTERM));
	show("end", child);
}

static void group_stops(int listen)
{
	pid_t child = sleeper();
	ptrace(PTRACE_SEIZE, child, 0, 0);
	kill(child, SIGTSTP);
	show("stop signal", child);
	ptrace(PTRACE_CONT, child, 0, SIGTSTP);
	show("group stop", child);
	show_signal(child);
	if (listen) {
		answer("listen", ptrace(PTRACE_LISTEN, child, 0, 0));
		answer("request of one that listens", ptrace(PTRACE_CONT, child, 0, 0));
		quiet("listens", child);
		answer("interrupt", ptrace(PTRACE_INTERRUPT, child, 0, 0));
		show("interrupted", child);
		answer("listen", ptrace(PTRACE_LISTEN, child, 0, 0));
	} else {
		answer("cont", ptrace(PTRACE_CONT, child, 0, 0));
	}
	kill(child, SIGCONT);
	show("group goes on", child);
	show_signal(child);
	answer("cont", ptrace(PTRACE_CONT, child, 0, 0));
	show("SIGCONT", child);
	ptrace(PTRACE_CONT, child, 0, SIGCONT);
	finish(child);
}

/* A stop that SIGCONT overtakes while the tracer holds its signal does not happen. */
static void cancelled_stop(void)
{
	pid_t child = sleeper();
	ptrace(PTRACE_SEIZE, child, 0, 0);
	kill(child, SIGTSTP);
	show("stop signal", child);
	kill(child, SIGCONT);
	ptrace(PTRACE_CONT, child, 0, SIGTSTP);
	show("event of SIGCONT", child);
	ptrace(PTRACE_CONT, child, 0, 0);
	show("SIGCONT", child);
	ptrace(PTRACE_CONT, child, 0, 0);
	finish(child);
}

/* A process that job control stopped before. */
static void stopped_before(int seize)
{
	pid_t child = sleeper();
	kill(child, SIGSTOP);
	show("stopped", child);
	answer("trace", ptrace(seize ? PTRACE_SEIZE : PTRACE_ATTACH, child, 0, 0));
	show("as it stood", child);
	show_signal(child);
	answer("detach", ptrace(PTRACE_DETACH, child, 0, 0));
	finish(child);
}

static void children(void)
{
	int go[2];
	if (pipe(go) != 0)
		exit(1);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		char c;
		if (read(go[0], &c, 1) != 1)
			_exit(1);
		pid_t grandchild = fork();
		if (grandchild == 0)
			_exit(9);
		int status;
		while (waitpid(grandchild, &status, 0) != grandchild)
			;
		execl("/proc/self/exe", "seized", "again", NULL);
		_exit(2);
	}
	ptrace(PTRACE_SEIZE, child, 0, PTRACE_O_TRACEFORK);
	if (write(go[1], "x", 1) != 1)
		exit(1);
	show("fork", child);
	unsigned long grandchild = 0;
	ptrace(PTRACE_GETEVENTMSG, child, 0, &grandchild);
	show("grandchild", (pid_t)grandchild);
	show_signal((pid_t)grandchild);
	ptrace(PTRACE_CONT, grandchild, 0, 0);
	show("grandchild's end", (pid_t)grandchild);
	ptrace(PTRACE_CONT, child, 0, 0);
	show("SIGCHLD", child);
	ptrace(PTRACE_CONT, child, 0, 0);
	show("end without a trap at execve", child);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return 3;
	refused();
	interrupts();
	group_stops(0);
	group_stops(1);
	cancelled_stop();
	stopped_before(0);
	stopped_before(1);
	children();
	return 0;
}
