/*
 * Uses control groups of version 2 in a hierarchy that is its own from the root group on: "control_groups all". It says what is wrong,
 * and how much that is; the exit status is 0 for nothing. Without "all" it does nothing, and says so: the groups are the whole machine's.
 */
#include "observe.h"
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#define MIB (1UL << 20)
#define RW (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define DROPPABLE 0x08

static long failures;

static void check(int holds, const char *what)
{
	if (!holds) {
		failures++;
		printf("wrong: %s: %s\n", what, strerrorname_np(errno));
		fflush(stdout);
	}
}

/* The errno of a write of a text, or 0. */
static int put(const char *file, const char *format, ...)
{
	char text[64];
	va_list rest;
	int fd = open(file, O_WRONLY), error;

	va_start(rest, format);
	vsnprintf(text, sizeof(text), format, rest);
	va_end(rest);
	if (fd < 0)
		return errno;
	error = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return error;
}

static char *get(const char *file)
{
	static char text[4096];
	int fd = open(file, O_RDONLY);
	long n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = 0;
	close(fd);
	return text;
}

/* The number behind a key of a file of "key number" lines; with key "" the file is the number. */
static long number(const char *file, const char *key)
{
	char *at = strstr(get(file), key);

	return at ? atol(at + strlen(key)) : -1;
}

static int says(const char *file, const char *text)
{
	return !strcmp(get(file), text);
}

static int ends(pid_t child)
{
	int status = -1;

	waitpid(child, &status, 0);
	return status;
}

static pid_t into(const char *group)
{
	pid_t child = fork();

	if (!child) {
		char file[64];

		snprintf(file, sizeof(file), "%s/cgroup.procs", group);
		if (put(file, "0"))
			_exit(99);
	}
	return child;
}

static void controllers(void)
{
	check(says("/proc/self/cgroup", "0::/\n"), "begins in the root group");
	check(says("cgroup.controllers", "memory pids\n"), "controllers of the root");
	check(mkdir("a", 0755) == 0 && mkdir("a/b", 0755) == 0, "mkdir");
	check(access("a/memory.max", F_OK) < 0, "no controller, no file");
	check(put("a/cgroup.subtree_control", "+memory") == ENOENT, "not given by the parent");
	check(put("cgroup.subtree_control", "+memory +nosuch") == EINVAL, "no such controller");
	check(put("cgroup.subtree_control", "+memory +pids") == 0, "enable");
	check(says("cgroup.subtree_control", "memory pids\n"), "enabled");
	check(says("a/memory.max", "max\n") && says("a/pids.max", "max\n"), "no limits yet");
	check(put("a/cgroup.subtree_control", "+memory") == 0, "enable below");
	check(put("cgroup.subtree_control", "-memory") == EBUSY, "in use below");
	check(put("a/cgroup.procs", "0") == EBUSY, "processes beside groups that compete");
	check(put("a/b/cgroup.procs", "0") == 0, "attach");
	check(says("/proc/self/cgroup", "0::/a/b\n"), "attached");
	check(says("a/cgroup.events", "populated 1\nfrozen 0\n"), "populated above");
	check(rmdir("a/b") < 0 && errno == EBUSY, "rmdir with a process");
	check(put("a/b/cgroup.subtree_control", "+memory") == EBUSY, "groups beside processes");
	check(put("cgroup.procs", "%d", getpid()) == 0, "back to the root");
	check(says("a/b/cgroup.procs", "") && says("a/cgroup.events", "populated 0\nfrozen 0\n"), "empty again");
	check(rmdir("a/b") == 0 && rmdir("a") == 0, "rmdir");
}

static void errors(void)
{
	struct statfs fs;

	check(statfs(".", &fs) == 0 && fs.f_type == 0x63677270, "statfs");
	check(mkdir("e", 0755) == 0, "mkdir e");
	check(mkdir("e", 0755) < 0 && errno == EEXIST, "mkdir twice");
	check(open("e/x", O_CREAT | O_WRONLY, 0644) < 0 && errno == EACCES, "no files are made");
	check(unlink("e/cgroup.procs") < 0 && errno == EPERM, "unlink");
	check(unlink("e/x") < 0 && errno == ENOENT, "unlink of nothing");
	check(rename("e", "f") < 0 && errno == EPERM, "rename");
	check(symlink("x", "e/l") < 0 && errno == EPERM, "symlink");
	check(put("e/cgroup.procs", "x") == EINVAL && put("e/cgroup.procs", "4194303") == ESRCH, "no process");
	check(put("e/cgroup.controllers", "x") == EINVAL, "not to be written");
	check(open("e/cgroup.kill", O_RDONLY) >= 0 && says("e/cgroup.kill", ""), "not to be read");
	check(put("e/cgroup.kill", "2") == ERANGE && put("e/cgroup.freeze", "2") == ERANGE, "range");
	check(put("e/cgroup.max.descendants", "1") == 0 && mkdir("e/1", 0755) == 0, "one below");
	check(mkdir("e/2", 0755) < 0 && errno == EAGAIN, "two below");
	check(rmdir("e") < 0 && errno == EBUSY, "rmdir with a group");

	int fd = open("e/1/cgroup.procs", O_RDONLY);
	char byte;

	check(rmdir("e/1") == 0 && read(fd, &byte, 1) < 0 && errno == ENODEV, "file of a group that is gone");
	close(fd);
	rmdir("e");
}

static void tasks(void)
{
	mkdir("p", 0755);
	check(put("p/pids.max", "2") == 0, "pids.max");
	pid_t child = into("p");
	if (!child) {
		pid_t first = fork();
		if (!first)
			pause();
		pid_t second = fork();
		int refused = second < 0 && errno == EAGAIN;
		kill(first, SIGKILL);
		waitpid(first, 0, 0);
		_exit(refused ? 7 : 1);
	}
	check(ends(child) == 7 << 8, "fork over pids.max");
	check(says("p/pids.events", "max 1\n") && says("p/pids.current", "0\n"), "pids afterwards");
	rmdir("p");
}

/* Ends when it has touched that much, or is killed before. */
static pid_t eater(const char *group, unsigned long bytes)
{
	pid_t child = into(group);

	if (!child) {
		memset(mmap(0, bytes, RW, PRIVATE, -1, 0), 1, bytes);
		_exit(3);
	}
	return child;
}

static void memory(void)
{
	mkdir("m", 0755);
	check(put("m/memory.max", "x") == EINVAL && put("m/memory.max", "16M") == 0, "memory.max");
	check(number("m/memory.max", "") == 16 * (long)MIB, "memory.max in bytes");
	check(put("m/memory.swap.max", "0") == 0, "memory.swap.max");
	pid_t child = into("m");
	if (!child) {
		long before = number("m/memory.current", "");
		char *area = mmap(0, 4 * MIB, RW, PRIVATE, -1, 0);
		memset(area, 1, 4 * MIB);
		long during = number("m/memory.current", "");
		munmap(area, 4 * MIB);
		long after = number("m/memory.current", "");
		_exit(during - before >= 4 * (long)MIB && after <= during - 4 * (long)MIB ? 7 : 1);
	}
	check(ends(child) == 7 << 8, "memory.current follows");
	check(ends(eater("m", 8 * MIB)) == 3 << 8, "within the limit");
	check(number("m/memory.events", "oom_kill ") == 0, "nobody killed");
	check(ends(eater("m", 32 * MIB)) == SIGKILL, "over the limit");
	check(number("m/memory.events", "oom_kill ") == 1 && number("m/memory.events", "max ") > 0, "one killed");
	check(number("m/memory.peak", "") <= 16 * (long)MIB, "never more than the limit");

	check(put("m/memory.oom.group", "1") == 0, "memory.oom.group");
	child = into("m");
	if (!child)
		pause();
	check(ends(eater("m", 32 * MIB)) == SIGKILL && ends(child) == SIGKILL, "all of the group killed");
	check(number("m/memory.events", "oom_group_kill ") == 1, "once");
	rmdir("m");
}

static void droppable(void)
{
	mkdir("d", 0755);
	put("d/memory.max", "16M");
	put("d/memory.swap.max", "0");
	pid_t child = into("d");
	if (!child) {
		unsigned char *area = mmap(0, 8 * MIB, RW, MAP_ANONYMOUS | DROPPABLE, -1, 0);
		unsigned char seen[8 * MIB / 4096];
		long gone = 0, wrong = 0;
		memset(area, 1, 8 * MIB);
		memset(mmap(0, 12 * MIB, RW, PRIVATE, -1, 0), 1, 12 * MIB);
		mincore(area, 8 * MIB, seen);
		for (unsigned i = 0; i < sizeof(seen); i++) {
			gone += !(seen[i] & 1);
			wrong += area[4096 * i] != (seen[i] & 1);
		}
		_exit(gone > 1000 && !wrong ? 7 : 1);
	}
	check(ends(child) == 7 << 8, "droppable pages make room");
	rmdir("d");
}

static void freezing(void)
{
	volatile long *count = mmap(0, 4096, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	mkdir("f", 0755);
	pid_t child = into("f");
	if (!child)
		for (;;)
			++*count;
	while (!*count)
		sched_yield();
	check(put("f/cgroup.freeze", "1") == 0, "freeze");
	while (!says("f/cgroup.events", "populated 1\nfrozen 1\n"))
		sched_yield();
	long then = *count;
	usleep(10000);
	check(*count == then, "stands still");
	put("f/cgroup.freeze", "0");
	while (*count == then)
		sched_yield();
	put("f/cgroup.freeze", "1");
	check(put("f/cgroup.kill", "1") == 0 && ends(child) == SIGKILL, "killed while frozen");
	check(rmdir("f") == 0, "rmdir after it");
}

static void cloning(void)
{
	mkdir("c", 0755);
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	args.cgroup = open("c", O_PATH | O_DIRECTORY);
	pid_t child = syscall(SYS_clone3, &args, sizeof(args));
	if (!child)
		_exit(says("/proc/self/cgroup", "0::/c\n") ? 7 : 1);
	check(child > 0 && ends(child) == 7 << 8, "cloned into a group");
	check(says("/proc/self/cgroup", "0::/\n"), "the parent stays");
	args.cgroup = open("/", O_PATH | O_DIRECTORY);
	check(syscall(SYS_clone3, &args, sizeof(args)) < 0 && errno == EBADF, "not into what is no group");
	args.cgroup = 1000;
	check(syscall(SYS_clone3, &args, sizeof(args)) < 0 && errno == EBADF, "not into nothing");
	check(rmdir("c") == 0, "rmdir of a group that is open");
}

static void mounting(void)
{
	char place[] = "/tmp/control_groups.XXXXXX", file[64];

	mkdtemp(place);
	check(mount("none", place, "cgroup2", 0, "nosuch") < 0 && errno == EINVAL, "mount with an option there is not");
	check(mount("none", place, "cgroup", 0, "memory") < 0 && errno == ENODEV, "version 1");
	check(mount("none", place, "cgroup2", 0, "memory_recursiveprot") == 0, "mount");
	mkdir("shown", 0755);
	snprintf(file, sizeof(file), "%s/shown/cgroup.procs", place);
	check(access(file, F_OK) == 0, "one hierarchy, wherever it is mounted");
	rmdir("shown");
	check(access(file, F_OK) < 0, "gone there, too");
	check(umount(place) == 0 && rmdir(place) == 0, "unmount");
}

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "all")) {
		printf("nothing done: the groups are the whole machine's\n");
		return 0;
	}
	check(chdir("/sys/fs/cgroup") == 0, "chdir");
	errors();
	controllers();
	tasks();
	memory();
	droppable();
	freezing();
	cloning();
	mounting();
	printf("%ld wrong\n", failures);
	return failures != 0;
}
