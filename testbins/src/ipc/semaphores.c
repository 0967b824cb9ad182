/* System V semaphores: operations in one go, waiting and how it ends, what is undone at exit, and control of sets. In a
 * namespace of its own where the kernel has those. */
#include "observe.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <time.h>

union semun {
	int val;
	void *pointer;
};

static int set;

static void show(const char *label, long result)
{
	printf("%-36s %s\n", label, outcome(result));
}

static int op(int number, int change, int flags)
{
	struct sembuf one = {number, change, flags};
	return semop(set, &one, 1);
}

static void values(const char *label)
{
	unsigned short v[3] = {0};
	union semun argument = {.pointer = v};

	semctl(set, 0, GETALL, argument);
	printf("%-36s %u %u %u\n", label, v[0], v[1], v[2]);
}

static int assign(int number, int value)
{
	union semun argument = {.val = value};
	return semctl(set, number, SETVAL, argument);
}

static void nothing(int signal)
{
	(void)signal;
}

/* A child does one operation; the result of its call is its status. Returns when it waits. */
static pid_t waiter(int number, int change, int flags, int interruptible)
{
	fflush(stdout);
	pid_t child = fork();

	if (child == 0) {
		struct sigaction act = {.sa_handler = nothing, .sa_flags = SA_RESTART};
		if (interruptible)
			sigaction(SIGUSR1, &act, NULL);
		_exit(op(number, change, flags) ? errno : 0);
	}
	while (semctl(set, number, change ? GETNCNT : GETZCNT) == 0)
		sched_yield();
	return child;
}

static void ended(const char *label, pid_t child)
{
	int status;

	waitpid(child, &status, 0);
	printf("%-36s %s\n", label, WEXITSTATUS(status) ? strerror(WEXITSTATUS(status)) : "done");
}

static void operations(void)
{
	struct sembuf both[] = {{0, 2, 0}, {1, -1, IPC_NOWAIT}};
	struct sembuf twice[] = {{0, 1, 0}, {0, -3, IPC_NOWAIT}, {0, 0, IPC_NOWAIT}};
	struct timespec no_time = {0, 1000000}, wrong = {0, 1000000000};
	struct sembuf down = {2, -1, 0};

	show("both or none", semop(set, both, 2));
	values("none");
	assign(1, 1);
	show("both", semop(set, both, 2));
	values("both done");
	show("three of one", semop(set, twice, 3));
	values("back at 0");
	show("no such semaphore", op(3, 1, 0));
	show("too high", assign(0, 32768));
	assign(0, 32767);
	show("over the highest", op(0, 1, 0));
	show("no operations", semop(set, both, 0));
	show("too many", semop(set, both, 501));
	show("unreadable", semop(set, NULL, 1));
	show("bad id", semop(-1, both, 1));
	show("time out", semtimedop(set, &down, 1, &no_time));
	show("no time", semtimedop(set, &down, 1, &wrong));
	assign(0, 0);
	assign(1, 0);
}

static void waits(void)
{
	pid_t child = waiter(0, -2, 0, 0);

	op(0, 1, 0);
	printf("waits for more: %d\n", semctl(set, 0, GETNCNT));
	op(0, 1, 0);
	ended("has two", child);
	values("taken");
	op(1, 1, 0);
	child = waiter(1, 0, 0, 0);
	op(1, -1, 0);
	ended("has zero", child);
	child = waiter(2, -1, 0, 1);
	kill(child, SIGUSR1);
	ended("interrupted", child);
	child = waiter(2, -1, SEM_UNDO, 0);
	assign(2, 1);
	ended("undone at exit", child);
	values("undone");
	printf("last was the child: %d\n", semctl(set, 2, GETPID) == child);
	op(2, 3, SEM_UNDO);
	show("unshare", unshare(CLONE_SYSVSEM));
	values("undone by unshare");
	assign(2, 0);
}

static void control(void)
{
	struct semid_ds ds;
	struct seminfo info;
	unsigned short high[3] = {1, 2, 32768}, fine[3] = {7, 8, 9};
	union semun argument = {.pointer = high};

	show("all, one too high", semctl(set, 0, SETALL, argument));
	argument.pointer = fine;
	show("all", semctl(set, 0, SETALL, argument));
	values("all set");
	argument.pointer = &ds;
	show("stat", semctl(set, 0, IPC_STAT, argument));
	printf("mode %o count %lu mine %d operated %d\n", ds.sem_perm.mode, ds.sem_nsems, ds.sem_perm.uid == geteuid(),
	       ds.sem_otime != 0);
	ds.sem_perm.mode = 0400;
	show("change", semctl(set, 0, IPC_SET, argument));
	semctl(set, 0, IPC_STAT, argument);
	printf("mode %o\n", ds.sem_perm.mode);
	show("stat into nowhere", semctl(set, 0, IPC_STAT, (union semun){.pointer = NULL}));
	show("no such number", semctl(set, 3, GETVAL));
	show("no such command", semctl(set, 0, 99));
	argument.pointer = &info;
	printf("highest %d", semctl(0, 0, IPC_INFO, argument));
	printf(" limits %d %d %d %d %d %d %d %d %d %d\n", info.semmap, info.semmni, info.semmns, info.semmnu, info.semmsl,
	       info.semopm, info.semume, info.semusz, info.semvmx, info.semaem);
	semctl(0, 0, SEM_INFO, argument);
	printf("sets %d semaphores %d\n", info.semusz, info.semaem);
}

static void files(void)
{
	char line[256];
	FILE *f = fopen("/proc/sysvipc/sem", "r");

	while (fgets(line, sizeof(line), f))
		printf("%.42s %zu\n", line, strlen(line));
	fclose(f);
	f = fopen("/proc/sys/kernel/sem", "r");
	while (fgets(line, sizeof(line), f))
		fputs(line, stdout);
	fclose(f);
	int fd = open("/proc/sys/kernel/sem", O_WRONLY);
	show("two sets of two", write(fd, "2 5 3 2", 7) < 0 ? -1 : 0);
	show("three of a set", semget(IPC_PRIVATE, 3, 0600));
	int second = semget(IPC_PRIVATE, 2, 0600);
	show("a second", second < 0 ? -1 : 0);
	show("a third", semget(IPC_PRIVATE, 1, 0600));
	semctl(second, 0, IPC_RMID);
	show("too many sets", pwrite(fd, "2 5 3 32769", 11, 0) < 0 ? -1 : 0);
	close(fd);
}

int main(void)
{
	if (unshare(CLONE_NEWIPC) && geteuid() != 0) {
		printf("not root\n");
		return 0;
	}
	show("an empty set", semget(0x1234, 0, IPC_CREAT | 0600));
	show("none with this key", semget(0x1234, 1, 0600));
	set = semget(0x1234, 3, IPC_CREAT | 0600);
	printf("found again %d\n", semget(0x1234, 0, 0) == set);
	show("exclusive", semget(0x1234, 3, IPC_CREAT | IPC_EXCL | 0600));
	show("larger", semget(0x1234, 4, 0600));
	operations();
	waits();
	control();
	files();
	assign(0, 0);
	pid_t child = waiter(0, -1, 0, 0);
	show("remove", semctl(set, 0, IPC_RMID));
	ended("removed under it", child);
	show("gone", op(0, 1, 0));
	return 0;
}
