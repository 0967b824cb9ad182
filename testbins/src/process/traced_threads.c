/*
 * Traced threads that are not their process' leader: their ends, the leader's beside them, execve in one of them.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int go[2];

/* Waits for news of one task, as waitid(2) tells it, and for nothing else. */
static void show(const char *what, pid_t tid, int options)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)tid, &info, WEXITED | WSTOPPED | __WALL | options) != 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else if (info.si_pid == 0)
		printf("%s: nothing\n", what);
	else
		printf("%s: %s code %d status %x\n", what, info.si_pid == tid ? "it" : "another", info.si_code, info.si_status);
}

static unsigned long message(pid_t tid)
{
	unsigned long word = 99;

	ptrace(PTRACE_GETEVENTMSG, tid, 0, &word);
	return word;
}

static void cont(pid_t tid)
{
	if (ptrace(PTRACE_CONT, tid, 0, 0) != 0)
		printf("cont: %s\n", strerrorname_np(errno));
}

/* In the child: ends by itself as soon as it is let go. */
static void *ends(void *status)
{
	syscall(SYS_exit, (int)(long)status);
	return NULL;
}

static void *sleeps(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void *executes(void *unused)
{
	execl("/proc/self/exe", "traced_threads", "again", NULL);
	return unused;
}

static void *ends_all(void *unused)
{
	exit(6);
	return unused;
}

static void thread(void *(*body)(void *), long argument)
{
	pthread_t made;

	if (pthread_create(&made, NULL, body, (void *)argument) != 0)
		_exit(99);
}

/* A child that runs one of the cases when it is let go, seized with these options. */
static pid_t seize(void (*body)(void), long options)
{
	fflush(stdout);
	if (pipe(go) != 0)
		exit(1);
	pid_t child = fork();
	if (child == 0) {
		char c;
		if (read(go[0], &c, 1) != 1)
			_exit(1);
		body();
		for (;;)
			pause();
	}
	if (ptrace(PTRACE_SEIZE, child, 0, options) != 0)
		printf("seize: %s\n", strerrorname_np(errno));
	if (write(go[1], "x", 1) != 1)
		exit(1);
	close(go[0]);
	close(go[1]);
	return child;
}

/* The next thread that the task makes: both stand still, the new one before its first instruction. */
static pid_t clone_of(pid_t child)
{
	show("clone", child, 0);
	pid_t made = (pid_t)message(child);
	show("  its first stop", made, 0);
	return made;
}

/* As above; the one that made it runs on. */
static pid_t made_by(pid_t child)
{
	pid_t made = clone_of(child);

	cont(child);
	return made;
}

static void one_ends(void)
{
	thread(ends, 5);
}

static void end_of_a_thread(void)
{
	puts("-- a thread ends");
	pid_t child = seize(one_ends, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT);
	pid_t made = made_by(child);
	cont(made);
	show("event", made, 0);
	printf("  status %lx\n", message(made));
	cont(made);
	show("end, left there", made, WNOWAIT);
	printf("request: %s\n", ptrace(PTRACE_CONT, made, 0, 0) == 0 ? "done" : strerrorname_np(errno));
	show("end", made, 0);
	show("again", made, 0);
	kill(child, SIGKILL);
	show("event of the leader", child, 0);
	printf("  status %lx\n", message(child));
	cont(child);
	show("end of the leader", child, 0);
}

static void leader_ends_all(void)
{
	thread(sleeps, 0);
	_exit(7);
}

static void end_of_all(void)
{
	puts("-- the leader ends the process");
	pid_t child = seize(leader_ends_all, PTRACE_O_TRACECLONE);
	pid_t made = clone_of(child);
	cont(made);
	cont(child);
	show("end of the thread, left there", made, WNOWAIT);
	show("leader, as long as that is there", child, WNOHANG);
	show("end of the thread", made, 0);
	show("end of the leader", child, 0);
}

static void leader_leaves(void)
{
	thread(ends_all, 0);
	syscall(SYS_exit, 3);
}

static void end_of_the_leader(void)
{
	puts("-- the leader leaves, a thread ends the process");
	pid_t child = seize(leader_leaves, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT);
	pid_t made = made_by(child);
	show("event of the leader", child, 0);
	printf("  status %lx\n", message(child));
	cont(child);
	show("leader, while the thread lives", child, WNOHANG);
	cont(made);
	show("event of the thread", made, 0);
	printf("  status %lx\n", message(made));
	cont(made);
	show("end of the thread", made, 0);
	show("end of the leader", child, 0);
}

static void killed_in_the_event(void)
{
	puts("-- killed as it stands in the event of its end");
	pid_t child = seize(one_ends, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT);
	pid_t made = made_by(child);
	cont(made);
	show("event", made, 0);
	kill(child, SIGKILL);
	show("end", made, 0);
	show("event of the leader", child, 0);
	kill(child, SIGKILL);
	cont(child);
	show("end of the leader", child, 0);
}

static void one_executes(void)
{
	thread(sleeps, 0);
	thread(executes, 0);
}

static void execution(void)
{
	puts("-- a thread executes a program");
	pid_t child = seize(one_executes, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT | PTRACE_O_TRACEEXEC);
	pid_t sleeper = made_by(child);
	pid_t executor = made_by(child);
	cont(sleeper);
	cont(executor);
	show("event of the sleeper", sleeper, 0);
	printf("  status %lx\n", message(sleeper));
	show("event of the leader", child, 0);
	printf("  status %lx\n", message(child));
	cont(child);
	cont(sleeper);
	show("end of the sleeper, left there", sleeper, WNOWAIT);
	show("execve, as long as that is there", child, WNOHANG);
	show("end of the sleeper", sleeper, 0);
	show("execve", child, 0);
	printf("  formerly the thread: %d\n", message(child) == (unsigned long)executor);
	show("the thread's id", executor, 0);
	cont(child);
	show("event of the program's end", child, 0);
	printf("  status %lx\n", message(child));
	cont(child);
	show("end", child, 0);
}

static void untraced_executes(void)
{
	thread(executes, 0);
}

/* The leader is traced, the thread that takes its place is not. */
static void execution_of_another(void)
{
	puts("-- a thread that is not traced executes a program");
	pid_t child = seize(untraced_executes, 0);
	show("end", child, 0);
}

/* A tracer that does not want to know of ends. */
static void ends_unheard(void)
{
	puts("-- nobody wants to know");
	signal(SIGCHLD, SIG_IGN);
	pid_t child = seize(one_ends, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT);
	pid_t made = made_by(child);
	cont(made);
	show("event", made, 0);
	cont(made);
	show("end of the thread", made, 0);
	signal(SIGCHLD, SIG_DFL);
	kill(child, SIGKILL);
	show("event of the leader", child, 0);
	cont(child);
	show("end of the leader", child, 0);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return 4;
	end_of_a_thread();
	end_of_all();
	end_of_the_leader();
	killed_in_the_event();
	execution();
	execution_of_another();
	ends_unheard();
	return 0;
}
