/* Sessions, controlling terminals and foreground groups on a pseudo terminal, and orphaned process groups. */
#include "observe.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

static int master, slave;

static void say(const char *what, long result)
{
	printf("%-44s %s\n", what, outcome(result));
	fflush(stdout);
}

/* A child in a group of its own that runs a function; how it ended or stopped. */
static pid_t spawn(int (*work)(void))
{
	pid_t child = fork();

	if (child == 0) {
		setpgid(0, 0);
		_exit(work());
	}
	setpgid(child, child);
	return child;
}

static void report(const char *what, pid_t child, int options)
{
	int status = 0;
	pid_t got = waitpid(child, &status, options);

	printf("%-44s %s", what, got > 0 ? "" : "nobody ");
	if (WIFEXITED(status))
		printf("exited %d\n", WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		printf("killed by %s\n", sigabbrev_np(WTERMSIG(status)));
	else if (WIFSTOPPED(status))
		printf("stopped by %s\n", sigabbrev_np(WSTOPSIG(status)));
	fflush(stdout);
}

static int read_one(void)
{
	char c;

	return read(slave, &c, 1) == 1 ? c : 100 + (errno == EIO);
}

static int read_ignoring(void)
{
	signal(SIGTTIN, SIG_IGN);
	return read_one();
}

static int set_attributes(void)
{
	struct termios settings;

	return tcgetattr(slave, &settings) || tcsetattr(slave, TCSANOW, &settings) ? errno : 0;
}

static int take_foreground(void)
{
	return tcsetpgrp(slave, getpgrp()) ? errno : 0;
}

static int take_foreground_ignoring(void)
{
	signal(SIGTTOU, SIG_IGN);
	return take_foreground();
}

static int stop_self(void)
{
	raise(SIGTSTP);
	return 5;
}

static int in_session(void)
{
	pid_t child;
	int arg;

	say("tcgetpgrp before there is a terminal", tcgetpgrp(slave));
	say("tcgetsid", tcgetsid(slave));
	say("TIOCSCTTY of a pipe", ({ int p[2]; pipe(p) ? -1 : ioctl(p[0], TIOCSCTTY, 0); }));
	say("TIOCSCTTY", ioctl(slave, TIOCSCTTY, 0));
	say("TIOCSCTTY again", ioctl(slave, TIOCSCTTY, 0));
	printf("session is mine %d, foreground is mine %d, the master says %d\n", tcgetsid(slave) == getpid(),
	       tcgetpgrp(slave) == getpgrp(), tcgetpgrp(master) == getpgrp());
	say("tcsetpgrp of nobody", tcsetpgrp(slave, 4194303));
	say("tcsetpgrp -1", tcsetpgrp(slave, -1));
	say("tcsetpgrp of another session's group", tcsetpgrp(slave, getppid()));
	arg = getpgrp();
	say("TIOCSPGRP with a bad pointer", ioctl(slave, TIOCSPGRP, (void *)16));
	say("TIOCSPGRP", ioctl(slave, TIOCSPGRP, &arg));

	child = spawn(read_one);
	report("reads in the background", child, WUNTRACED);
	if (write(master, "A\n", 2) != 2)
		return 1;
	say("give it the foreground", tcsetpgrp(slave, child));
	kill(child, SIGCONT);
	report("reads in the foreground", child, 0);
	signal(SIGTTOU, SIG_IGN);
	say("take the foreground back", tcsetpgrp(slave, getpgrp()));
	signal(SIGTTOU, SIG_DFL);
	report("reads, SIGTTIN ignored", spawn(read_ignoring), WUNTRACED);
	child = spawn(set_attributes);
	report("tcsetattr in the background", child, WUNTRACED);
	kill(-child, SIGKILL);
	report("killed while stopped", child, 0);
	child = spawn(take_foreground);
	report("tcsetpgrp in the background", child, WUNTRACED);
	kill(-child, SIGKILL);
	report("killed while stopped", child, 0);
	report("tcsetpgrp in the background, SIGTTOU ignored", spawn(take_foreground_ignoring), WUNTRACED);
	signal(SIGTTOU, SIG_IGN);
	say("take the foreground back", tcsetpgrp(slave, getpgrp()));
	child = spawn(stop_self);
	report("stops itself", child, WUNTRACED);
	kill(child, SIGCONT);
	report("goes on", child, 0);
	return 0;
}

/* A session's leader ends while a group of it is stopped: that is orphaned, hung up and continued. */
static int orphan_maker(void)
{
	int ready[2];
	char c;

	if (setsid() < 0 || pipe(ready))
		return 1;
	pid_t child = fork();
	if (child == 0) {
		setpgid(0, 0);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		raise(SIGSTOP);
		_exit(9);
	}
	if (read(ready[0], &c, 1) != 1)
		return 1;
	siginfo_t info;
	waitid(P_PID, child, &info, WSTOPPED);
	return 0;
}

/* In an orphaned group the terminal's stop signals do nothing. */
static int stop_in_session_of_one(void)
{
	setsid();
	raise(SIGTSTP);
	return 6;
}

int main(void)
{
	pid_t child;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master < 0 || grantpt(master) || unlockpt(master))
		return 1;
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	say("tcgetpgrp of somebody's terminal", tcgetpgrp(slave));
	child = fork();
	if (child == 0) {
		setsid();
		_exit(in_session());
	}
	report("the session's leader", child, 0);
	child = fork();
	if (child == 0)
		_exit(stop_in_session_of_one());
	report("SIGTSTP in an orphaned group", child, WUNTRACED);
	child = fork();
	if (child == 0)
		_exit(orphan_maker());
	report("the maker of an orphaned group", child, 0);
	report("its stopped member", -1, 0);
	return 0;
}
