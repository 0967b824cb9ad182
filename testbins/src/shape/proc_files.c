/* The smaller files of /proc/PID: timers, syscall, timerslack_ns, oom_adj, map_files, identity maps, namespaces. */
#include "observe.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static char text[1 << 16];

/* Reads a file whole; returns its length, or -1 with errno set. */
static ssize_t slurp(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t n, length = 0;

	if (fd < 0)
		return -1;
	while ((n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	text[length] = 0;
	close(fd);
	return n < 0 ? n : length;
}

static void put(const char *name, const char *value)
{
	int fd = open(name, O_WRONLY);
	ssize_t n = fd < 0 ? -1 : write(fd, value, strlen(value));

	printf("%s <- %s: %s\n", name, value, n < 0 ? strerrorname_np(errno) : "ok");
	if (fd >= 0)
		close(fd);
}

static void show(const char *name)
{
	if (slurp(name) < 0)
		printf("%s: %s\n", name, strerrorname_np(errno));
	else
		printf("%s: %s%s", name, text, *text && text[strlen(text) - 1] == '\n' ? "" : "\n");
}

static void timers(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	struct itimerspec never = { .it_value.tv_sec = 1000 };
	timer_t first, second, third;
	char tid[32];

	show("/proc/self/timers");
	timer_create(CLOCK_REALTIME, NULL, &first);
	event._sigev_un._tid = gettid();
	event.sigev_value.sival_ptr = (void *)0x1234;
	timer_create(CLOCK_MONOTONIC, &event, &second);
	event.sigev_notify = SIGEV_NONE;
	timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &third);
	timer_settime(second, 0, &never, NULL);
	slurp("/proc/self/timers");
	snprintf(tid, sizeof(tid), ".%d", getpid());
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *own = strstr(line, tid);

		printf("  %.*s%s\n", own ? (int)(own - line) : 1000, line, own ? ".PID" : "");
	}
	timer_delete(first);
	timer_delete(second);
	timer_delete(third);
	show("/proc/self/timers");
}

/* What a child that waits in a system call shows of it. */
static void syscalls(void)
{
	unsigned long argument[6], stack, code;
	char name[64];
	int pipes[2], number, status;
	pid_t child;

	if (pipe(pipes))
		return;
	child = fork();
	if (child == 0) {
		close(pipes[1]);
		_exit(syscall(SYS_read, pipes[0], text, 77L) != 0);
	}
	snprintf(name, sizeof(name), "/proc/%d/syscall", child);
	do {
		usleep(1000);
		slurp(name);
	} while (sscanf(text, "%d 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx", &number, argument, argument + 1,
			argument + 2, argument + 3, argument + 4, argument + 5, &stack, &code) != 9 || number != SYS_read);
	printf("child in read: %s, buffer %s, length %lu, stack %s, code %s\n", (int)argument[0] == pipes[0] ? "of the pipe" : text,
	       argument[1] == (unsigned long)text ? "right" : text, argument[2],
	       stack < (unsigned long)&stack && stack > (unsigned long)&stack - 65536 ? "near" : text, code ? "there" : "0");
	close(pipes[1]);
	waitpid(child, &status, 0);
	printf("child: %d\n", status);
}

static void mapped_files(const char *program)
{
	DIR *directory = opendir("/proc/self/map_files");
	struct dirent *entry;
	struct stat own, other;
	int of_program = 0, strange = 0;

	stat(program, &own);
	while ((entry = readdir(directory))) {
		char link[512], target[512];
		unsigned long from, to;
		ssize_t n;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(link, sizeof(link), "/proc/self/map_files/%s", entry->d_name);
		n = readlink(link, target, sizeof(target) - 1);
		if (n < 0 || sscanf(entry->d_name, "%lx-%lx", &from, &to) != 2 || from % PAGE || to <= from || entry->d_type != DT_LNK)
			strange++;
		else if (from <= (unsigned long)&mapped_files && (unsigned long)&mapped_files < to) {
			target[n] = 0;
			of_program++;
			printf("link: %s, stat: %s\n", strcmp(strrchr(target, '/'), strrchr(program, '/')) ? target : "the program",
			       stat(link, &other) ? strerrorname_np(errno) : other.st_ino == own.st_ino ? "the program" : "another");
		}
	}
	closedir(directory);
	printf("mappings of the program's text: %d, strange names: %d\n", of_program, strange);
	printf("no such range: %s\n", outcome(readlink("/proc/self/map_files/1000-2000", text, sizeof(text))));
}

static void namespaces(void)
{
	static const char *const names[] = { "cgroup", "ipc", "mnt", "net", "pid", "user", "uts" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char link[64], target[64] = "", kind[32];
		unsigned long number;
		struct stat st;

		snprintf(link, sizeof(link), "/proc/self/ns/%s", names[i]);
		if (readlink(link, target, sizeof(target) - 1) < 0)
			printf("%s: %s\n", names[i], strerrorname_np(errno));
		else if (sscanf(target, "%31[^:]:[%lu]", kind, &number) != 2 || strcmp(kind, names[i]) || stat(link, &st) || st.st_ino != number)
			printf("%s: %s\n", names[i], target);
	}
}

int main(int argc, char **argv)
{
	(void)argc;
	timers();
	syscalls();
	show("/proc/self/timerslack_ns");
	put("/proc/self/timerslack_ns", "70000");
	printf("prctl: %d\n", prctl(PR_GET_TIMERSLACK));
	put("/proc/self/timerslack_ns", "0");
	show("/proc/self/timerslack_ns");
	put("/proc/self/timerslack_ns", "many");
	put("/proc/self/oom_adj", "7");
	show("/proc/self/oom_score_adj");
	show("/proc/self/oom_adj");
	put("/proc/self/oom_adj", "16");
	put("/proc/self/oom_adj", "15");
	show("/proc/self/oom_score_adj");
	put("/proc/self/oom_score_adj", "0x10");
	show("/proc/self/oom_score_adj");
	put("/proc/self/oom_score_adj", "1001");
	put("/proc/self/coredump_filter", "0x3f");
	show("/proc/self/coredump_filter");
	mapped_files(argv[0]);
	show("/proc/self/uid_map");
	show("/proc/self/setgroups");
	namespaces();
	return 0;
}
