/* move_pages: the node of each page, of one's own and of a child, and what is refused. */
#include "observe.h"
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define COUNT 20
#define UNTOUCHED 77

enum { MOVE = 2, MOVE_ALL = 4 };

static void *pages[COUNT];
static int nodes[COUNT], status[COUNT];

static void move(const char *what, int pid, long count, void *from, void *to, int *answers, int flags)
{
	for (int i = 0; i < COUNT; i++)
		status[i] = UNTOUCHED;
	printf("%-28s %s:", what, outcome(syscall(SYS_move_pages, pid, count, from, to, answers, flags)));
	for (int i = 0; i < 8; i++)
		printf(" %s", status[i] == UNTOUCHED ? "-" : status[i] < 0 ? strerrorname_np(-status[i]) : "0");
	printf("\n");
}

int main(void)
{
	char *area = map_private(COUNT * PAGE);
	char *shared = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);

	munmap(area + 3 * PAGE, PAGE);
	write_pages(area, 1);
	read_pages(area + 2 * PAGE, 1);
	for (int i = 0; i < COUNT; i++)
		pages[i] = area + i * PAGE;
	pages[4] = area + 5;
	pages[5] = shared;
	pages[6] = (void *)-PAGE;
	pages[7] = (void *)&main;

	move("asked", 0, COUNT, pages, NULL, status, 0);
	move("to node 0", 0, COUNT, pages, nodes, status, MOVE);
	write_pages(shared, 1);
	move("shared memory touched", 0, COUNT, pages, NULL, status, MOVE);
	move("none", 0, 0, pages, nodes, status, MOVE);
	nodes[2] = 1023;
	move("to no node", 0, COUNT, pages, nodes, status, MOVE);
	nodes[2] = -1;
	move("to a negative node", 0, COUNT, pages, nodes, status, MOVE);
	nodes[2] = 0;
	move("unknown flags", 0, COUNT, pages, nodes, status, 1);
	move("no pages", 0, COUNT, NULL, NULL, status, MOVE);
	move("unreadable nodes", 0, COUNT, pages, (void *)8, status, MOVE);
	move("unwritable answers", 0, COUNT, pages, nodes, (int *)8, MOVE);
	move("nobody", -1, COUNT, pages, NULL, status, MOVE);

	pages[7] = area + 7 * PAGE; /* whether a child has run already is not to be seen */
	fflush(stdout);
	int child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	move("a child's", child, COUNT, pages, NULL, status, MOVE);
	kill(child, SIGKILL);
	siginfo_t info;
	waitid(P_PID, child, &info, WEXITED | WNOWAIT);
	move("a zombie's", child, COUNT, pages, NULL, status, MOVE);
	wait(NULL);
	return 0;
}
