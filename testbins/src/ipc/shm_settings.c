/* The settings of System V shared memory, in a namespace of its own where the kernel has those: limits, the next id, segments
 * that go with their creator, and the list in /proc/sysvipc. */
#include "observe.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>

static void show(const char *label, long result)
{
	printf("%-44s %s\n", label, outcome(result));
}

static void value(const char *name)
{
	char path[64], text[64];
	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	int fd = open(path, O_RDONLY);
	long n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = 0;
	printf("%-20s %s", name, text);
	close(fd);
}

static void set(const char *name, const char *text)
{
	char path[64], label[80];
	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	int fd = open(path, O_WRONLY);

	snprintf(label, sizeof(label), "%s = %s", name, text);
	show(label, write(fd, text, strlen(text)) < 0 ? -1 : 0);
	close(fd);
}

/* Everything but ids of processes and times. */
static void list(const char *label)
{
	char line[512];
	FILE *f = fopen("/proc/sysvipc/shm", "r");

	printf("-- %s\n", label);
	for (int n = 0; fgets(line, sizeof(line), f); n++) {
		unsigned key, id, mode, cpid, lpid, attached, ids[4];
		unsigned long size, times[3], rss, swap;

		if (n == 0) {
			fputs(line, stdout);
			continue;
		}
		sscanf(line, "%u %u %o %lu %u %u %u %u %u %u %u %lu %lu %lu %lu %lu", &key, &id, &mode, &size, &cpid, &lpid,
		       &attached, ids, ids + 1, ids + 2, ids + 3, times, times + 1, times + 2, &rss, &swap);
		printf("key %x id %u mode %o size %lu mine %d attached %u uid %u rss %lu swap %lu length %zu\n", key, id, mode,
		       size, cpid == (unsigned)getpid(), attached, ids[0], rss, swap, strlen(line));
	}
	fclose(f);
}

static int make(const char *label, size_t size, int flags)
{
	int id = shmget(IPC_PRIVATE, size, flags | 0600);

	show(label, id < 0 ? -1 : 0);
	return id;
}

static void child_makes_segments(int *unattached, int *attached)
{
	int ids[2], pipes[2];

	if (pipe(pipes))
		exit(1);
	fflush(stdout);
	if (fork() == 0) {
		ids[0] = shmget(IPC_PRIVATE, PAGE, 0600);
		ids[1] = shmget(IPC_PRIVATE, PAGE, 0600);
		_exit(write(pipes[1], ids, sizeof(ids)) < 0);
	}
	if (read(pipes[0], ids, sizeof(ids)) != sizeof(ids))
		exit(1);
	*unattached = ids[0];
	*attached = ids[1];
}

int main(void)
{
	struct shmid_ds ds;
	struct shminfo limits;
	int orphan, used;

	if (unshare(CLONE_NEWIPC) && geteuid() != 0) {
		printf("not root\n");
		return 0;
	}
	value("shmmax");
	value("shmall");
	value("shmmni");
	value("shm_rmid_forced");
	value("shm_next_id");
	list("nothing");
	int id = make("a segment", 3 * PAGE + 1, 0);
	char *p = shmat(id, NULL, 0);
	write_pages(p, 2);
	list("two pages touched");

	set("shmmax", "8192");
	value("shmmax");
	make("more than shmmax", 8193, 0);
	make("as much as shmmax", 8192, 0);
	set("shmall", "7");
	make("more than shmall", 2 * PAGE, 0);
	make("as much as shmall", PAGE, 0);
	set("shmall", "1000");
	set("shmmni", "3");
	make("more than shmmni", PAGE, 0);
	shmctl(0, IPC_INFO, (struct shmid_ds *)&limits);
	printf("limits %lu %lu %lu %lu %lu\n", limits.shmmax, limits.shmmin, limits.shmmni, limits.shmseg, limits.shmall);
	set("shmmni", "32769");
	set("shmmni", "-1");
	set("shmmni", "x");
	set("shmmni", "32768");

	set("shm_next_id", "65541");
	value("shm_next_id");
	printf("id %d\n", shmget(IPC_PRIVATE, PAGE, 0600));
	value("shm_next_id");
	set("shm_next_id", "65541");
	printf("id %d\n", shmget(IPC_PRIVATE, PAGE, 0600));
	set("shm_next_id", "-1");

	child_makes_segments(&orphan, &used);
	char *q = shmat(used, NULL, 0);
	wait(NULL);
	show("orphan", shmctl(orphan, IPC_STAT, &ds));
	set("shm_rmid_forced", "2");
	set("shm_rmid_forced", "1");
	show("orphan when forced", shmctl(orphan, IPC_STAT, &ds));
	show("attached orphan", shmctl(used, IPC_STAT, &ds));
	show("detach", shmdt(q));
	show("detached orphan", shmctl(used, IPC_STAT, &ds));
	show("one's own", shmctl(id, IPC_STAT, &ds));
	show("detach", shmdt(p));
	show("one's own, detached", shmctl(id, IPC_STAT, &ds));
	child_makes_segments(&orphan, &used);
	wait(NULL);
	show("ends with its creator", shmctl(orphan, IPC_STAT, &ds));
	set("shm_rmid_forced", "0");
	list("the end");
	return 0;
}
