/*
 * What a process sets for itself and its children inherit: capabilities as capget and /proc tell them, the slack of its timers;
 * and timers of processor time in a loop that never calls the kernel.
 */
#include "observe.h"
#include <linux/capability.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

static volatile sig_atomic_t expired;

/* A line of /proc/PID/status that is a hexadecimal number. */
static unsigned long long status_set(pid_t pid, const char *name)
{
	char path[64], line[400];
	unsigned long long set = -1ULL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			set = strtoull(line + strlen(name) + 2, NULL, 16);
	if (file)
		fclose(file);
	return set;
}

static long capget(pid_t pid, unsigned long long *permitted, unsigned long long *effective)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, pid};
	struct __user_cap_data_struct data[2] = {0};
	long result = syscall(SYS_capget, &header, data);

	*permitted = data[0].permitted | (unsigned long long)data[1].permitted << 32;
	*effective = data[0].effective | (unsigned long long)data[1].effective << 32;
	return result;
}

static void capabilities(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0}, unknown = {1, 0};
	struct __user_cap_data_struct none[2] = {0};
	unsigned long long permitted, effective, theirs;
	char byte;
	int end[2];

	printf("capget: %s", outcome(capget(0, &permitted, &effective)));
	printf(", as /proc: %d %d\n", permitted == status_set(getpid(), "CapPrm"),
	       effective == status_set(getpid(), "CapEff"));
	printf("bound holds permitted: %d\n", (permitted & ~status_set(getpid(), "CapBnd")) == 0);
	printf("negative id: %s, ", outcome(capget(-1, &permitted, &effective)));
	printf("version 1: %s", outcome(syscall(SYS_capget, &unknown, none)));
	printf(", preferred: %x\n", unknown.version);
	fflush(stdout);
	if (pipe(end))
		return;
	pid_t child = fork();
	if (child == 0) {
		printf("drop all: %s", outcome(syscall(SYS_capset, &header, none)));
		printf(", now %llx\n", status_set(getpid(), "CapEff"));
		fflush(stdout);
		if (write(end[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	if (read(end[0], &byte, 1) != 1)
		return;
	printf("child: %s", outcome(capget(child, &theirs, &effective)));
	printf(", permitted %llx, in /proc %llx\n", theirs, status_set(child, "CapPrm"));
	header.pid = child;
	printf("change a child's: %s\n", outcome(syscall(SYS_capset, &header, none)));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	printf("no such process: %s\n", outcome(capget(child, &permitted, &effective)));
}

/* PR_SET_TIMERSLACK of 0 goes back to what the parent had at fork. */
static void slack(void)
{
	printf("slack %d", prctl(PR_GET_TIMERSLACK));
	prctl(PR_SET_TIMERSLACK, 70000);
	printf(", set %d\n", prctl(PR_GET_TIMERSLACK));
	fflush(stdout);
	if (fork() == 0) {
		printf("child %d", prctl(PR_GET_TIMERSLACK));
		prctl(PR_SET_TIMERSLACK, 60000);
		printf(", set %d", prctl(PR_GET_TIMERSLACK));
		prctl(PR_SET_TIMERSLACK, 0);
		printf(", its default %d\n", prctl(PR_GET_TIMERSLACK));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	prctl(PR_SET_TIMERSLACK, 0);
	printf("default %d\n", prctl(PR_GET_TIMERSLACK));
}

static void on_timer(int signal)
{
	(void)signal;
	expired++;
}

static void processor_time(int which, int signal_number, const char *name)
{
	struct itimerval timer = {{0, 5000}, {0, 5000}}, off = {0};

	expired = 0;
	signal(signal_number, on_timer);
	setitimer(which, &timer, NULL);
	while (expired < 3)
		;
	setitimer(which, &off, NULL);
	printf("%s in a loop: expires\n", name);
}

int main(void)
{
	capabilities();
	slack();
	processor_time(ITIMER_VIRTUAL, SIGVTALRM, "ITIMER_VIRTUAL");
	processor_time(ITIMER_PROF, SIGPROF, "ITIMER_PROF");
	return 0;
}
