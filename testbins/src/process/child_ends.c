/*
 * The end of a child, its zombie and the signal that tells of it come at once: whoever sees one finds the others. What a child
 * is that another parent takes over, and one that asked for another signal.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 100
#define FAMILY 20

static volatile sig_atomic_t taken, without_child;

static pid_t child_that_exits(int status)
{
	pid_t child = fork();

	if (child == 0)
		_exit(status);
	return child;
}

/* Whether a signal waits; it does not any more. */
static int take(int signal)
{
	struct timespec none = {0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	return sigtimedwait(&set, NULL, &none) == signal;
}

/* A child with children of their own groups, all of which it takes with it: there is much to do between its end and the news. */
static pid_t child_with_family(void)
{
	int ready[2];
	char byte;
	pid_t child;

	if (pipe(ready))
		exit(1);
	child = fork();
	if (child == 0) {
		for (int i = 0; i < FAMILY; i++) {
			if (fork() == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				setpgid(0, 0);
				if (write(ready[1], "", 1) != 1)
					_exit(1);
				pause();
				_exit(0);
			}
		}
		for (int i = 0; i < FAMILY; i++)
			if (read(ready[0], &byte, 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(ready[0]);
	close(ready[1]);
	return child;
}

/* Who finds a zombie, by looking again and again, finds the signal pending. */
static void zombies_have_signalled(void)
{
	int missing = 0;

	for (int i = 0; i < ROUNDS; i++) {
		pid_t child = i % 10 == 0 ? child_with_family() : child_that_exits(0);

		while (waitpid(child, NULL, WNOHANG) == 0)
			;
		missing += !take(SIGCHLD);
	}
	printf("zombies without SIGCHLD: %d\n", missing);
}

static void on_child(int signal)
{
	taken++;
	without_child += waitpid(-1, NULL, WNOHANG) <= 0;
	(void)signal;
}

/* Who gets the signal finds the zombie. */
static void signals_have_zombies(void)
{
	struct sigaction action = {.sa_handler = on_child};
	sigset_t none;

	sigemptyset(&none);
	sigaction(SIGCHLD, &action, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		child_that_exits(0);
		sigsuspend(&none);
	}
	printf("SIGCHLD: %d, without zombie: %d\n", taken, without_child);
	signal(SIGCHLD, SIG_DFL);
}

/* Who gets the signal of a stop finds the child stopped. */
static void signals_have_stopped(void)
{
	sigset_t children;
	int missing = 0, status;

	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	for (int i = 0; i < ROUNDS / 5; i++) {
		pid_t child = fork();

		if (child == 0) {
			raise(SIGSTOP);
			_exit(0);
		}
		sigwaitinfo(&children, NULL);
		missing += waitpid(child, &status, WNOHANG | WUNTRACED) != child || !WIFSTOPPED(status);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		take(SIGCHLD);
	}
	printf("SIGCHLD of a stop without one: %d\n", missing);
}

/* A zombie whose parent ends becomes another's, who is told. */
static void heirs_are_told(void)
{
	int end[2], status = 0;
	pid_t grandchild = 0;
	char byte;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (pipe(end))
		return;
	pid_t child = fork();
	if (child == 0) {
		pid_t zombie = child_that_exits(5);
		siginfo_t info;

		waitid(P_PID, zombie, &info, WEXITED | WNOWAIT);
		if (write(end[1], &zombie, sizeof(zombie)) < 0)
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	if (read(end[0], &grandchild, sizeof(grandchild)) < 0)
		return;
	waitpid(child, NULL, WUNTRACED);
	take(SIGCHLD);
	printf("not ours: %d\n", (int)waitpid(grandchild, NULL, WNOHANG));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	printf("told: %d, ", take(SIGCHLD));
	printf("ours: %d, ", waitpid(grandchild, &status, 0) == grandchild);
	printf("status %d\n", WEXITSTATUS(status));
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	close(end[1]);
	printf("end: %zd\n", read(end[0], &byte, 1));
}

/* A child of clone with another signal sends that one, after execve SIGCHLD; to an heir SIGCHLD, too. */
static void other_signals(char *self)
{
	pid_t child = syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);

	if (child == 0)
		_exit(0);
	waitpid(child, NULL, __WALL);
	printf("clone with SIGUSR1: SIGUSR1 %d", take(SIGUSR1));
	printf(", SIGCHLD %d\n", take(SIGCHLD));
	child = syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
	if (child == 0) {
		execl(self, self, "exit", NULL);
		_exit(1);
	}
	waitpid(child, NULL, __WALL);
	printf("and execve: SIGUSR1 %d", take(SIGUSR1));
	printf(", SIGCHLD %d\n", take(SIGCHLD));
	child = syscall(SYS_clone, 0, 0, 0, 0, 0);
	if (child == 0)
		_exit(0);
	printf("clone without a signal: %d", waitpid(child, NULL, __WALL) == child);
	printf(", SIGCHLD %d\n", take(SIGCHLD));
}

/* Nobody wants to know: no zombie, and no signal that would wait behind a mask. */
static void unwanted(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};

	signal(SIGCHLD, SIG_IGN);
	child_that_exits(0);
	printf("ignored: %d", (int)waitpid(-1, NULL, 0));
	printf(", SIGCHLD %d\n", take(SIGCHLD));
	sigaction(SIGCHLD, &action, NULL);
	child_that_exits(0);
	printf("SA_NOCLDWAIT: %d", (int)waitpid(-1, NULL, 0));
	printf(", SIGCHLD %d\n", take(SIGCHLD));
}

int main(int argc, char **argv)
{
	sigset_t blocked;

	if (argc > 1 && argv[1][0] == 'e')
		return 0;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	zombies_have_signalled();
	signals_have_zombies();
	signals_have_stopped();
	heirs_are_told();
	other_signals(argv[0]);
	unwanted();
	return 0;
}
