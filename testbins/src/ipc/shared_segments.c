/* System V shared memory: segments, attachments, what counts them, what outlives what. */
#include "observe.h"
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>

static void show(const char *label, long result)
{
	printf("%-44s %s\n", label, outcome(result));
}

static void show_at(const char *label, void *p)
{
	show(label, p == (void *)-1 ? -1 : 0);
}

static void attached(const char *label, int id)
{
	struct shmid_ds ds;

	if (shmctl(id, IPC_STAT, &ds))
		printf("%-44s %s\n", label, strerrorname_np(errno));
	else
		printf("%-44s attached %lu mode %o size %zu mine %d\n", label, (unsigned long)ds.shm_nattch, ds.shm_perm.mode,
		       ds.shm_segsz, ds.shm_lpid == getpid());
	fflush(stdout);
}

int main(void)
{
	int id = shmget(IPC_PRIVATE, 5 * PAGE + 100, IPC_CREAT | 0640);
	struct shmid_ds ds;
	struct shminfo limits;

	show("shmget", id < 0 ? -1 : 0);
	show("size 0", shmget(IPC_PRIVATE, 0, 0600));
	show("no such key", shmget(0x7e57f417, PAGE, 0));
	show("no such id", shmctl(0x7ffffff0, IPC_STAT, &ds));
	show("negative id", shmctl(-1, IPC_STAT, &ds));
	show("unknown command", shmctl(id, 77, &ds));
	show("bad buffer", shmctl(id, IPC_STAT, (void *)8));
	attached("fresh", id);

	char *p = shmat(id, NULL, 0);
	char *q = shmat(id, NULL, SHM_RDONLY);
	attached("attached twice", id);
	strcpy(p + 5 * PAGE, "hello");
	printf("%-44s %s\n", "seen by the other", q + 5 * PAGE);
	show("mprotect the read-only one", mprotect(q, PAGE, PROT_READ | PROT_WRITE));
	show("attach at an odd address", shmat(id, p + 1, 0) == (void *)-1 ? -1 : 0);
	show_at("attach where something is", shmat(id, p + PAGE, 0));
	show_at("the same, rounded", shmat(id, p + PAGE + 5, SHM_RND));
	show_at("remap without an address", shmat(id, NULL, SHM_REMAP));
	show_at("attach no such id", shmat(0x7ffffff0, NULL, 0));
	char *r = map_private(16 * PAGE);
	show_at("remap over memory", shmat(id, r, SHM_REMAP));
	printf("%-44s %s\n", "seen there", r + 5 * PAGE);
	attached("attached three times", id);
	show("split it by mprotect", mprotect(r + PAGE, PAGE, PROT_READ));
	attached("split", id);
	show("hole in it", munmap(r + 3 * PAGE, PAGE));
	attached("with a hole", id);
	show("detach from its middle", shmdt(r + PAGE));
	show("detach", shmdt(r));
	show("detach again", shmdt(r));
	attached("detached", id);
	show("memory behind it is still there", msync(r + 6 * PAGE, PAGE, MS_ASYNC));
	show("detach something else", shmdt(r + 6 * PAGE));
	show("detach, not on a page", shmdt(p + 1));

	fflush(stdout);
	if (fork() == 0) {
		attached("after fork, in the child", id);
		p[0] = 'c';
		show("detach in the child", shmdt(q));
		attached("detached in the child", id);
		_exit(0);
	}
	wait(NULL);
	attached("the child is gone", id);
	printf("%-44s %c\n", "what the child wrote", q[0]);

	show("mark for removal", shmctl(id, IPC_RMID, NULL));
	attached("marked", id);
	printf("%-44s %s\n", "memory is still there", q + 5 * PAGE);
	show_at("attach a marked one", shmat(id, NULL, SHM_RDONLY));
	show("detach", shmdt(p));
	show("detach the reader", shmdt(q));
	attached("one attachment left", id);
	show("SHM_INFO", shmctl(0, SHM_INFO, (struct shmid_ds *)&limits) < 0 ? -1 : 0);

	key_t key = 0x0f417000 + getpid() % 4096;
	int named = shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600);
	show("by key", named < 0 ? -1 : 0);
	printf("%-44s %d\n", "found again", shmget(key, PAGE, 0600) == named);
	show("exclusively", shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600));
	show("larger than it is", shmget(key, 2 * PAGE, 0600));
	show("lock", shmctl(named, SHM_LOCK, NULL));
	attached("locked", named);
	show("unlock", shmctl(named, SHM_UNLOCK, NULL));
	shmctl(named, IPC_STAT, &ds);
	ds.shm_perm.mode = 0777;
	show("set", shmctl(named, IPC_SET, &ds));
	attached("set", named);
	show("limits", shmctl(0, IPC_INFO, (struct shmid_ds *)&limits) < 0 ? -1 : 0);
	printf("%-44s %lu %lu\n", "smallest, how many", limits.shmmin, limits.shmmni);
	show("remove", shmctl(named, IPC_RMID, NULL));
	show("gone", shmctl(named, IPC_STAT, &ds));
	show("the key too", shmget(key, PAGE, 0600));
	named = shmget(IPC_PRIVATE, PAGE, 0600);
	p = shmat(named, NULL, 0);
	FILE *maps = fopen("/proc/self/maps", "r");
	for (char line[256]; fgets(line, sizeof(line), maps);)
		if (strstr(line, "SYSV"))
			printf("%s%s", strstr(line, " rw-s") ? "rw-s " : "other ", strchr(line, '/'));
	show("remove", shmctl(named, IPC_RMID, NULL));
	return 0;
}
