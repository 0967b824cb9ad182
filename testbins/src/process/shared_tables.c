/*
 * cflags: -pthread
 * Tasks made with each combination of shared and own descriptors and working directories; unshare(2), close_range(2), kcmp(2).
 */
#include "observe.h"
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define STACK 65536

static int made = -1;

static void change(void)
{
	made = open("/dev/null", O_RDONLY);
	if (chdir("/proc"))
		printf("chdir: %s\n", outcome(-1));
}

static int child(void *argument)
{
	change();
	if (argument)
		syscall(SYS_exit, 0);
	return 0;
}

/* What of the child's doing is seen here. */
static void report(const char *name)
{
	char directory[256];

	printf("%-36s descriptor %s, directory %s\n", name, fcntl(made, F_GETFD) < 0 ? "its own" : "shared",
			strcmp(getcwd(directory, sizeof(directory)), "/proc") ? "its own" : "shared");
	close(made);
	if (chdir("/"))
		printf("chdir: %s\n", outcome(-1));
}

static void processes(void)
{
	static const struct {
		const char *name;
		int flags;
	} list[] = {
		{"nothing", 0},
		{"CLONE_FILES", CLONE_FILES},
		{"CLONE_FS", CLONE_FS},
		{"CLONE_FILES | CLONE_FS", CLONE_FILES | CLONE_FS},
		{"CLONE_VM | CLONE_FILES", CLONE_VM | CLONE_FILES},
		{"CLONE_VM | CLONE_VFORK", CLONE_VM | CLONE_VFORK},
	};
	char *stack = map_private(STACK);

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		made = open("/dev/null", O_RDONLY);
		close(made);
		pid_t pid = clone(child, stack + STACK, list[i].flags | SIGCHLD, NULL);
		waitpid(pid, NULL, 0);
		report(list[i].name);
	}
}

/* A thread with tables of its own: not the C library's, so the child does nothing that needs one. */
static void thread_with(const char *name, int flags)
{
	char *stack = map_private(STACK);
	static pid_t ctid;

	made = open("/dev/null", O_RDONLY);
	close(made);
	ctid = 1;
	int tid = clone(child, stack + STACK,
			CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID | flags,
			(void *)1, NULL, NULL, &ctid);
	if (tid < 0)
		printf("%s: %s\n", name, outcome(-1));
	while (__atomic_load_n(&ctid, __ATOMIC_SEQ_CST))
		usleep(1000);
	usleep(2000);
	report(name);
}

static const char *kcmp(int type, pid_t a, pid_t b, long x, long y)
{
	long result = syscall(SYS_kcmp, a, b, type, x, y);

	return result < 0 ? outcome(-1) : result ? "different" : "the same";
}

static void *unshares(void *argument)
{
	pid_t me = gettid(), main = getpid();

	printf("files %s, fs %s\n", kcmp(KCMP_FILES, me, main, 0, 0), kcmp(KCMP_FS, me, main, 0, 0));
	printf("unshare(CLONE_FS): %s", outcome(unshare(CLONE_FS)));
	printf(": files %s, fs %s\n", kcmp(KCMP_FILES, me, main, 0, 0), kcmp(KCMP_FS, me, main, 0, 0));
	printf("unshare(CLONE_FILES): %s", outcome(unshare(CLONE_FILES)));
	printf(": files %s, file 1 %s\n", kcmp(KCMP_FILES, me, main, 0, 0), kcmp(KCMP_FILE, me, main, 1, 1));
	printf("unshare(CLONE_VM): %s\n", outcome(unshare(CLONE_VM)));
	printf("unshare(CLONE_THREAD): %s\n", outcome(unshare(CLONE_THREAD)));
	printf("unshare of an unknown bit: %s\n", outcome(unshare(1)));
	change();
	return argument;
}

static void *closes(void *argument)
{
	int fd = *(int *)argument;

	printf("close_range with CLOSE_RANGE_UNSHARE: %s", outcome(close_range(fd, fd, CLOSE_RANGE_UNSHARE)));
	printf(", here %s", fcntl(fd, F_GETFD) < 0 ? "closed" : "open");
	return NULL;
}

int main(void)
{
	pthread_t thread;
	int fd = open("/dev/null", O_RDONLY);

	if (chdir("/"))
		return 1;
	processes();
	thread_with("thread", CLONE_FILES | CLONE_FS);
	thread_with("thread without CLONE_FILES", CLONE_FS);
	thread_with("thread without CLONE_FS", CLONE_FILES);
	thread_with("thread without either", 0);
	fflush(stdout);
	pthread_create(&thread, NULL, unshares, NULL);
	pthread_join(thread, NULL);
	report("thread that unshared both");
	pthread_create(&thread, NULL, closes, &fd);
	pthread_join(thread, NULL);
	printf(", there %s\n", fcntl(fd, F_GETFD) < 0 ? "closed" : "open");
	printf("kcmp: vm %s, sighand %s, closed file %s, no task %s, no type %s\n",
			kcmp(KCMP_VM, getpid(), getpid(), 0, 0), kcmp(KCMP_SIGHAND, getpid(), getpid(), 0, 0),
			kcmp(KCMP_FILE, getpid(), getpid(), 77, 77), kcmp(KCMP_VM, getpid(), 0x3ffffff, 0, 0),
			kcmp(99, getpid(), getpid(), 0, 0));
	return 0;
}
