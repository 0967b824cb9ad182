/*
 * The tracer's end: whom it traced runs on, stays stopped by job control, or is killed with it (PTRACE_O_EXITKILL).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int to_child[2], from_child[2];

static void show(const char *what, pid_t child)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)child, &info, WEXITED | WSTOPPED) != 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: code %d status %d\n", what, info.si_code, info.si_status);
}

/* A child that sends back what it gets. */
static pid_t echo(void)
{
	if (pipe(to_child) != 0 || pipe(from_child) != 0)
		exit(1);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		char c;
		close(to_child[1]);
		close(from_child[0]);
		while (read(to_child[0], &c, 1) == 1 && write(from_child[1], &c, 1) == 1)
			;
		_exit(8);
	}
	close(to_child[0]);
	close(from_child[1]);
	return child;
}

static void ask(void)
{
	char c = 'a';
	int answered = write(to_child[1], &c, 1) == 1 && read(from_child[0], &c, 1) == 1;

	printf("answers: %d\n", answered);
}

/* Reads its end of file, or has been killed. */
static void finish(pid_t child)
{
	close(to_child[1]);
	show("end", child);
	close(from_child[0]);
}

/* Lets a process of its own trace the child, bring it into some state, and end. */
static void traced_by_another(pid_t child, void (*act)(pid_t))
{
	int status;

	fflush(stdout);
	pid_t tracer = fork();
	if (tracer == 0) {
		act(child);
		fflush(stdout);
		_exit(0);
	}
	waitpid(tracer, &status, 0);
	printf("tracer: %x\n", status);
}

static void stop(pid_t child, const char *what, long request, long options)
{
	int status = 0;

	if (ptrace(request, child, 0, options) != 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	if (request == PTRACE_SEIZE)
		ptrace(PTRACE_INTERRUPT, child, 0, 0);
	pid_t got = waitpid(child, &status, __WALL);
	printf("%s: %d %x\n", what, got == child, status);
}

static void seizes(pid_t child)
{
	if (ptrace(PTRACE_SEIZE, child, 0, 0) != 0)
		puts("not seized");
}

static void interrupts(pid_t child)
{
	stop(child, "interrupted", PTRACE_SEIZE, 0);
}

static void attaches(pid_t child)
{
	stop(child, "attached", PTRACE_ATTACH, 0);
}

static void kills_by_its_end(pid_t child)
{
	if (ptrace(PTRACE_SEIZE, child, 0, PTRACE_O_EXITKILL) != 0)
		puts("not seized");
}

static void kills_a_stopped_one(pid_t child)
{
	stop(child, "interrupted", PTRACE_SEIZE, PTRACE_O_EXITKILL);
}

static void takes_the_option_back(pid_t child)
{
	stop(child, "interrupted", PTRACE_SEIZE, PTRACE_O_EXITKILL);
	ptrace(PTRACE_SETOPTIONS, child, 0, 0);
}

/* Holds a signal that would kill: it is lost with the tracer. */
static void holds_a_signal(pid_t child)
{
	int status = 0;

	ptrace(PTRACE_SEIZE, child, 0, 0);
	kill(child, SIGTERM);
	waitpid(child, &status, __WALL);
	printf("holds: %x\n", status);
}

static void stops_the_group(pid_t child)
{
	int status = 0;

	ptrace(PTRACE_SEIZE, child, 0, 0);
	kill(child, SIGSTOP);
	waitpid(child, &status, __WALL);
	printf("signal: %x\n", status);
	ptrace(PTRACE_CONT, child, 0, SIGSTOP);
	waitpid(child, &status, __WALL);
	printf("group stop: %x\n", status);
}

static void listens(pid_t child)
{
	stops_the_group(child);
	printf("listens: %ld\n", ptrace(PTRACE_LISTEN, child, 0, 0));
}

static void killed_itself(pid_t child)
{
	interrupts(child);
	fflush(stdout);
	raise(SIGKILL);
}

static void runs_on(const char *what, void (*act)(pid_t))
{
	printf("-- %s\n", what);
	pid_t child = echo();
	traced_by_another(child, act);
	ask();
	finish(child);
}

static void dies(const char *what, void (*act)(pid_t))
{
	printf("-- %s\n", what);
	pid_t child = echo();
	traced_by_another(child, act);
	show("with it", child);
	close(to_child[1]);
	close(from_child[0]);
}

static void stays_stopped(const char *what, void (*act)(pid_t))
{
	printf("-- %s\n", what);
	pid_t child = echo();
	traced_by_another(child, act);
	show("stays stopped", child);
	kill(child, SIGCONT);
	ask();
	finish(child);
}

/* A child that ended while another process traced it, which ends without having waited for it. */
static void exits(pid_t child)
{
	siginfo_t info = {0};

	seizes(child);
	kill(child, SIGKILL);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT | __WALL);
	printf("its end: code %d status %d\n", info.si_code, info.si_status);
}

int main(void)
{
	runs_on("seized", seizes);
	runs_on("interrupted", interrupts);
	runs_on("attached", attaches);
	runs_on("held with a signal", holds_a_signal);
	runs_on("tracer killed", killed_itself);
	runs_on("no longer killed", takes_the_option_back);
	stays_stopped("stopped", stops_the_group);
	stays_stopped("listening", listens);
	dies("killed with it", kills_by_its_end);
	dies("killed as it stood", kills_a_stopped_one);
	dies("ended before", exits);
	return 0;
}
