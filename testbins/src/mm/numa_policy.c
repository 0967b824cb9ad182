/* Memory policies: arguments of the calls, mappings that they split and join, what numa_maps says, who inherits them. Node 0
 * there is everywhere, node 63 hardly anywhere. */
#include "observe.h"
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL, PREFERRED_MANY, UNKNOWN = 99 };
enum { BALANCING = 1 << 13, RELATIVE = 1 << 14, STATIC = 1 << 15 };
enum { STRICT = 1, MOVE = 2, MOVE_ALL = 4, LAZY = 8 };
enum { F_NODE = 1, F_ADDR = 2, F_MEMS_ALLOWED = 4 };

#define PAGES 8
#define LONG 64
#define SHOW(call) printf("%-58s %s\n", #call, outcome(call))

static unsigned long zero[1] = {1}, none[1], absent[1] = {1UL << 63}, both[1] = {1 | 1UL << 63};
static char *area;

static long mbind(void *at, size_t length, int mode, void *nodes, unsigned long most, int flags)
{
	return syscall(SYS_mbind, at, length, mode, nodes, most, flags);
}

static long home(void *at, size_t length, unsigned long node, unsigned long flags)
{
	return syscall(450, at, length, node, flags);
}

static long set(int mode, void *nodes, unsigned long most)
{
	return syscall(SYS_set_mempolicy, mode, nodes, most);
}

static long get(int *mode, void *nodes, unsigned long most, void *at, unsigned long flags)
{
	return syscall(SYS_get_mempolicy, mode, nodes, most, at, flags);
}

static long migrate(int pid, unsigned long most, void *from, void *to)
{
	return syscall(SYS_migrate_pages, pid, most, from, to);
}

static void tell(const char *what, void *at, unsigned long flags)
{
	unsigned long nodes = 0;
	int mode = 0;

	printf("%s: %s", what, outcome(get(&mode, &nodes, LONG, at, flags)));
	printf(", mode %x, nodes %lx\n", mode, nodes);
}

/* The mappings of the area: pages and policy of each. */
static void maps(const char *what)
{
	char line[512], policy[64];
	unsigned long start, at[PAGES + 1];
	int n = 0;
	FILE *f = fopen("/proc/self/maps", "r");

	while (fgets(line, sizeof(line), f) && sscanf(line, "%lx-", &start) == 1)
		if (start >= (unsigned long)area && start < (unsigned long)area + PAGES * PAGE)
			at[n++] = start;
	fclose(f);
	at[n] = (unsigned long)area + PAGES * PAGE;
	printf("%s:", what);
	f = fopen("/proc/self/numa_maps", "r");
	while (fgets(line, sizeof(line), f) && sscanf(line, "%lx %63s", &start, policy) == 2)
		for (int i = 0; i < n; i++)
			if (at[i] == start)
				printf(" %lu %s", (at[i + 1] - at[i]) / PAGE, policy);
	fclose(f);
	printf("\n");
}

static void arguments(void)
{
	SHOW(mbind(area, PAGE, BIND, none, LONG, 0));
	SHOW(mbind(area, PAGE, BIND, NULL, 0, 0));
	SHOW(mbind(area, PAGE, BIND, absent, LONG + 1, 0));
	SHOW(mbind(area, PAGE, BIND, both, LONG + 1, 0));
	SHOW(mbind(area, PAGE, BIND, zero, 1, 0));
	SHOW(mbind(area, PAGE, BIND, zero, 0, 0));
	SHOW(mbind(area, PAGE, BIND, (void *)8, LONG, 0));
	SHOW(mbind(area, PAGE, UNKNOWN, zero, LONG, 0));
	SHOW(mbind(area, PAGE, -1, zero, LONG, 0));
	SHOW(mbind(area, PAGE, DEFAULT, zero, LONG, 0));
	SHOW(mbind(area, PAGE, LOCAL, zero, LONG, 0));
	SHOW(mbind(area, PAGE, LOCAL | STATIC, NULL, 0, 0));
	SHOW(mbind(area, PAGE, PREFERRED | RELATIVE, NULL, 0, 0));
	SHOW(mbind(area, PAGE, PREFERRED, absent, LONG + 1, 0));
	SHOW(mbind(area, PAGE, BIND | STATIC | RELATIVE, zero, LONG, 0));
	SHOW(mbind(area, PAGE, BIND | BALANCING, zero, LONG, 0));
	SHOW(mbind(area, PAGE, INTERLEAVE | BALANCING, zero, LONG, 0));
	SHOW(mbind(area, PAGE, BIND, zero, LONG, LAZY));
	SHOW(mbind(area, PAGE, BIND, zero, LONG, 16));
	SHOW(mbind(area, PAGE, BIND, zero, LONG, STRICT | MOVE));
	SHOW(mbind(area + 1, PAGE, BIND, zero, LONG, 0));
	SHOW(mbind(area, 0, BIND, zero, LONG, 0));
	SHOW(mbind(area, -PAGE, BIND, zero, LONG, 0));
	SHOW(mbind(area, PAGES * PAGE, DEFAULT, NULL, 0, 0));
	SHOW(set(UNKNOWN, zero, LONG));
	SHOW(set(BIND, absent, LONG + 1));
	SHOW(set(BIND, (void *)8, LONG));
	SHOW(set(DEFAULT, zero, LONG));
	SHOW(set(DEFAULT, none, LONG));
}

static void holes(void)
{
	munmap(area + 6 * PAGE, PAGE);
	SHOW(mbind(area, PAGES * PAGE, BIND, zero, LONG, 0));
	SHOW(mbind(area + 6 * PAGE, 2 * PAGE, BIND, zero, LONG, 0));
	SHOW(mbind(area + 6 * PAGE, PAGE, DEFAULT, NULL, 0, 0));
	SHOW(mbind(area, PAGES * PAGE, DEFAULT, NULL, 0, 0));
	SHOW(mbind((void *)-(2 * PAGE), PAGE, BIND, zero, LONG, 0));
	mmap(area + 6 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void places(void)
{
	write_pages(area + 3 * PAGE, 1);
	read_pages(area + 5 * PAGE, 1);
	SHOW(mbind(area + 3 * PAGE, PAGE, LOCAL, NULL, 0, STRICT));
	SHOW(mbind(area + 3 * PAGE, PAGE, PREFERRED, NULL, 0, STRICT | MOVE));
	SHOW(mbind(area + 4 * PAGE, 2 * PAGE, LOCAL, NULL, 0, STRICT));
	SHOW(mbind(area, PAGES * PAGE, BIND, zero, LONG, STRICT));
	SHOW(mbind(area, PAGES * PAGE, DEFAULT, NULL, 0, STRICT));
}

static void splits(void)
{
	maps("at first");
	mbind(area + 2 * PAGE, 2 * PAGE, BIND, zero, LONG, 0);
	maps("two pages bound");
	mbind(area + 4 * PAGE, 2 * PAGE, INTERLEAVE, zero, LONG, 0);
	maps("two behind them by turns");
	mbind(area + 4 * PAGE, PAGE, BIND, zero, LONG, 0);
	maps("one of those bound too");
	mbind(area, 2 * PAGE, PREFERRED, zero, LONG, 0);
	mbind(area + 5 * PAGE, 3 * PAGE, LOCAL, NULL, 0, 0);
	maps("all have one");
	mbind(area + PAGE, PAGE, BIND | STATIC, zero, LONG, 0);
	mbind(area + 6 * PAGE, PAGE, PREFERRED, NULL, 0, 0);
	maps("one with its nodes as given");
	SHOW(home(area + 2 * PAGE, PAGE, 0, 0));
	maps("one with a home");
	SHOW(home(area + 2 * PAGE, 4 * PAGE, 0, 0));
	SHOW(home(area + 1, PAGE, 0, 0));
	SHOW(home(area, PAGE, 1023, 0));
	SHOW(home(area, PAGE, 0, 1));
	SHOW(home(area, 0, 0, 0));
	mbind(area, PAGES * PAGE, DEFAULT, NULL, 0, 0);
	maps("none");
	SHOW(home(area, PAGE, 0, 0));
}

static void told(void)
{
	int mode;
	unsigned long nodes[40];

	mbind(area, PAGE, BIND, zero, LONG, 0);
	tell("of the task", NULL, 0);
	tell("of an address", area, F_ADDR);
	tell("of the next", area + PAGE, F_ADDR);
	tell("of no address", (void *)8, F_ADDR);
	tell("an address without the flag", area, 0);
	tell("the node of an address", area + PAGE, F_ADDR | F_NODE);
	tell("the node of no address", (void *)8, F_ADDR | F_NODE);
	tell("the next node", NULL, F_NODE);
	tell("two questions", NULL, F_MEMS_ALLOWED | F_NODE);
	tell("an unknown one", NULL, 8);
	SHOW(get(&mode, nodes, 0, NULL, 0));
	SHOW(get(&mode, NULL, 0, NULL, 0));
	SHOW(get(NULL, NULL, 0, NULL, 0));
	SHOW(get((void *)8, NULL, 0, NULL, 0));
	SHOW(get(NULL, (void *)8, LONG * 64, NULL, 0));
	SHOW(get(&mode, nodes, 40000, NULL, 0));
	memset(nodes, -1, sizeof(nodes));
	SHOW(get(&mode, nodes, 32 * LONG, NULL, F_MEMS_ALLOWED));
	printf("cleared: %lx, left: %lx\n", nodes[31], nodes[32]);
	set(INTERLEAVE, zero, LONG);
	tell("by turns", NULL, 0);
	tell("the next node", NULL, F_NODE);
	tell("of the next address", area + PAGE, F_ADDR);
	maps("a policy of the task");
	set(BIND | STATIC, both, LONG + 1);
	tell("nodes as given", NULL, 0);
	maps("of the task, as given");
	set(BIND, both, LONG + 1);
	tell("nodes that there are", NULL, 0);
	set(PREFERRED, NULL, 0);
	tell("preferred without nodes", NULL, 0);
}

static void inherited(void)
{
	fflush(stdout);
	if (fork() == 0) {
		tell("a child's", NULL, 0);
		tell("a child's mapping", area, F_ADDR);
		maps("a child's maps");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	char *moved = mremap(area, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area + 4 * PAGE);
	tell("moved", moved, F_ADDR);
	set(DEFAULT, NULL, 0);
	mbind(area, PAGES * PAGE, DEFAULT, NULL, 0, 0);
}

/* Of shared memory the pages have the policy, whoever maps them. */
static void shared(void)
{
	int id = shmget(IPC_PRIVATE, 4 * PAGE, 0600);
	char *one = shmat(id, NULL, 0), *other = shmat(id, NULL, 0);
	char *anonymous = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);

	shmctl(id, IPC_RMID, NULL);
	mbind(one + PAGE, 2 * PAGE, BIND, zero, LONG, 0);
	tell("segment, first page", other, F_ADDR);
	tell("segment, second page", other + PAGE, F_ADDR);
	tell("segment, last page", other + 3 * PAGE, F_ADDR);
	mbind(other + 2 * PAGE, PAGE, INTERLEAVE, zero, LONG, 0);
	tell("segment, third page", one + 2 * PAGE, F_ADDR);
	mbind(anonymous, 2 * PAGE, BIND, zero, LONG, 0);
	char *again = mremap(anonymous, 0, 4 * PAGE, MREMAP_MAYMOVE);
	tell("shared memory mapped twice", again, F_ADDR);
	tell("its last page", again + 3 * PAGE, F_ADDR);
	mbind(again, PAGE, DEFAULT, NULL, 0, 0);
	tell("its first page again", anonymous, F_ADDR);
}

static void migrations(void)
{
	SHOW(migrate(0, LONG, zero, zero));
	SHOW(migrate(0, LONG + 1, absent, zero));
	SHOW(migrate(0, LONG, none, zero));
	SHOW(migrate(0, LONG, zero, none));
	SHOW(migrate(0, LONG, NULL, zero));
	SHOW(migrate(0, LONG, (void *)8, zero));
	SHOW(migrate(0, LONG, zero, (void *)8));
	SHOW(migrate(0, 0, zero, zero));
	SHOW(migrate(0, 40000, zero, zero));
	SHOW(migrate(-1, LONG, zero, zero));
}

int main(void)
{
	area = map_private((PAGES + 2) * PAGE) + PAGE;
	munmap(area - PAGE, PAGE);
	munmap(area + PAGES * PAGE, PAGE);
	arguments();
	holes();
	places();
	splits();
	told();
	inherited();
	shared();
	migrations();
	return 0;
}
