/* Process 1, the parent that one did not make, and what becomes of orphans. */
#include "observe.h"
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int is_listed(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	return access(path, F_OK) == 0;
}

/* A number of /proc/PID/stat; the first one behind the name, the parent, is 1. */
static int stat_number(pid_t pid, int field)
{
	char path[64], text[1000] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return -1;
	close(fd);
	char *at = strrchr(text, ')') + 2;
	while (field--)
		at = strchr(at, ' ') + 1;
	return atoi(at);
}

static void process_1(void)
{
	struct sched_param param = {.sched_priority = 99};
	struct rlimit limit;

	printf("group %s, session %s", outcome(getpgid(1)), outcome(getsid(1)));
	printf(", parent %d\n", stat_number(1, 1));
	printf("kill with 0: %s\n", outcome(kill(1, 0)));
	printf("SIGCONT: %s\n", outcome(kill(1, SIGCONT)));
	printf("policy: %s\n", outcome(sched_getscheduler(1)));
	printf("unknown policy: %s\n", outcome(sched_setscheduler(1, 1000, &param)));
	printf("no parameters: %s\n", outcome(sched_setscheduler(1, SCHED_RR, NULL)));
	printf("wrong priority: %s\n", outcome(sched_setscheduler(1, SCHED_OTHER, &param)));
	printf("limits: %s\n", outcome(syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, NULL, &limit)));
	printf("wait: %s\n", outcome(waitpid(1, NULL, WNOHANG)));
	printf("move into its group: %s\n", outcome(setpgid(0, 1)));
	printf("move it: %s\n", outcome(setpgid(1, 1)));
	printf("listed %d, /proc/1/fd %d\n", is_listed(1), access("/proc/1/fd", F_OK) == 0);
}

static void without_rights(void)
{
	struct sched_param param = {0};
	struct rlimit limit;
	void *head;
	size_t length;

	if (fork() == 0) {
		if (setresuid(65534, 65534, 65534))
			_exit(1);
		printf("nobody: kill %s", outcome(kill(1, 0)));
		printf(", robust list %s", outcome(syscall(SYS_get_robust_list, 1, &head, &length)));
		printf(", limits %s", outcome(syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, NULL, &limit)));
		printf(", policy %s\n", outcome(sched_setscheduler(1, SCHED_BATCH, &param)));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

/* Our own parent exists, is in our session, and is not one of us. */
static void parent(void)
{
	pid_t ppid = getppid();

	printf("parent: normal id %d, listed %d", ppid > 1 && ppid != getpid(), is_listed(ppid));
	printf(", kill with 0 %s", outcome(kill(ppid, 0)));
	printf(", ours by /proc %d", stat_number(getpid(), 1) == ppid);
	printf(", its session is ours %d\n", getsid(ppid) == getsid(0));
	printf("normal id %d, group %d, leader of our session: %s\n", getpid() > 1, getpgid(0) > 1,
	       getsid(0) == getpid() ? "we" : "another");
}

/* An orphan's parent is process 1, which does not leave it as a zombie. */
static void orphan(void)
{
	int told[2], released[2];
	pid_t pids[2] = {0};
	char byte;

	if (pipe(told) || pipe(released))
		return;
	pid_t child = fork();
	if (child == 0) {
		if (fork() == 0) {
			close(released[1]);
			if (read(released[0], &byte, 1) < 0)
				_exit(1);
			pids[0] = getpid();
			pids[1] = getppid();
			_exit(write(told[1], pids, sizeof(pids)) < 0);
		}
		_exit(0);
	}
	waitpid(child, NULL, 0);
	close(released[0]);
	close(released[1]);
	close(told[1]);
	if (read(told[0], pids, sizeof(pids)) < 0)
		return;
	printf("orphan's parent: %d\n", pids[1]);
	while (read(told[0], &byte, 1) > 0)
		;
	while (kill(pids[0], 0) == 0)
		usleep(1000);
	printf("orphan, after its end: %s\n", outcome(kill(pids[0], 0)));
}

int main(void)
{
	process_1();
	fflush(stdout);
	without_rights();
	parent();
	orphan();
	return 0;
}
