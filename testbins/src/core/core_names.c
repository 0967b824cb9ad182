/*
 * What kernel.core_pattern makes of a name, as its argument sets it, followed by what core_uses_pid is to be: a child that aborts
 * in a directory of its own, and the files that are there afterwards. Ids and times are told as names. Changes settings of the
 * machine: not compared with a native run.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int set(const char *file, const char *value)
{
	int fd = open(file, O_WRONLY);
	ssize_t n = fd < 0 ? -1 : write(fd, value, strlen(value));

	if (fd >= 0)
		close(fd);
	return n < 0;
}

static void show(const char *file)
{
	char text[200] = "";
	int fd = open(file, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		perror(file);
	else
		printf("%s: %s", file, text);
	close(fd);
}

/* A number that differs from run to run becomes a word. */
static void replace(char *name, long number, const char *word)
{
	char digits[24], rest[300];
	char *at;

	snprintf(digits, sizeof(digits), "%ld", number);
	at = strstr(name, digits);
	if (at) {
		snprintf(rest, sizeof(rest), "%s%s", word, at + strlen(digits));
		strcpy(at, rest);
	}
}

static void list(pid_t child, long from, long to)
{
	DIR *dir = opendir(".");
	char host[100] = "", name[600];
	struct dirent *entry;
	struct stat info;

	gethostname(host, sizeof(host) - 1);
	while (dir && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		stat(entry->d_name, &info);
		snprintf(name, sizeof(name), "%s", entry->d_name);
		for (long t = from; t <= to; t++)
			replace(name, t, "TIME");
		replace(name, child, "PID");
		replace(name, child, "PID");
		char *at = strstr(name, host);
		if (at && strlen(host) > 4)
			memmove(at + 4, at + strlen(host), strlen(at + strlen(host)) + 1), memcpy(at, "HOST", 4);
		printf("file %s, mode %o, %s\n", name, info.st_mode & 07777, info.st_size > 4096 ? "a core" : "small");
		unlink(entry->d_name);
	}
	if (dir)
		closedir(dir);
}

int main(int argc, char **argv)
{
	char directory[] = "/tmp/core_names.XXXXXX";
	struct rlimit limit = {argc > 3 ? (rlim_t)atol(argv[3]) : 1 << 30, RLIM_INFINITY};
	long from = time(NULL);
	int status;

	if (argc > 1 && set("/proc/sys/kernel/core_pattern", argv[1]))
		return perror("core_pattern"), 1;
	if (argc > 2 && set("/proc/sys/kernel/core_uses_pid", argv[2]))
		return perror("core_uses_pid"), 1;
	show("/proc/sys/kernel/core_pattern");
	show("/proc/sys/kernel/core_uses_pid");
	umask(022);
	if (!mkdtemp(directory) || chdir(directory))
		return 1;
	if (argc > 4 && symlink("elsewhere", argv[4]))
		return 1;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &limit);
		prctl(PR_SET_NAME, "../na/me");
		abort();
	}
	waitpid(child, &status, 0);
	printf("signal %d, dumped %d\n", WTERMSIG(status), !!WCOREDUMP(status));
	list(child, from, time(NULL));
	if (chdir("/") || rmdir(directory))
		perror(directory);
	return 0;
}
