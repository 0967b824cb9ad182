/*
 * cflags: -pthread
 * Processes that fork, threads that map and unmap, queued signals and hand-overs through a condition variable in shared
 * memory, all at a time. Everything is counted: a lost signal, wake-up, page or child changes what is printed, or hangs.
 *
 * storm [ROUNDS]: 6 by default, well below a second of processor time in the emulator.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 3
#define MAPPERS 2
#define CHILDREN 3
#define SIGNALS 4
#define PAGE 4096L
#define PAGES 16

struct board {
	pthread_mutex_t lock;
	pthread_cond_t turn_changed;
	int turn;
	atomic_long hand_overs, children, signals, mappings, wrong;
};

static struct board *board;
static int rounds = 6;
static volatile sig_atomic_t got;

static void count(int signal)
{
	(void)signal;
	got++;
}

static void expect(int holds)
{
	if (!holds)
		board->wrong++;
}

/*
 * Maps, fills, protects, splits and unmaps; what was written must be there. The hole is too small for what any other
 * thread maps meanwhile.
 */
static void *mapper(void *argument)
{
	long who = (long)argument;

	for (int i = 0; i < rounds * 4; i++) {
		char *at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		for (long page = 0; page < PAGES; page++)
			at[page * PAGE] = (char)(who + page);
		expect(mprotect(at + 4 * PAGE, 4 * PAGE, PROT_READ) == 0);
		expect(munmap(at + 10 * PAGE, 2 * PAGE) == 0);
		for (long page = 0; page < PAGES; page++)
			expect((page == 10 || page == 11) || at[page * PAGE] == (char)(who + page));
		expect(munmap(at, PAGES * PAGE) == 0);
		board->mappings++;
	}
	return NULL;
}

/* A child changes its copy; the parent's stays. */
static void fork_children(char *page, int round)
{
	pid_t child[CHILDREN];

	for (int i = 0; i < CHILDREN; i++) {
		page[0] = (char)(round + i);
		child[i] = fork();
		if (child[i] == 0) {
			int same = page[0] == (char)(round + i);
			page[0] = 'x';
			_exit(same ? 40 + i : 1);
		}
	}
	expect(page[0] == (char)(round + CHILDREN - 1));
	for (int i = 0; i < CHILDREN; i++) {
		int status;
		expect(waitpid(child[i], &status, 0) == child[i] && WIFEXITED(status) && WEXITSTATUS(status) == 40 + i);
		board->children++;
	}
}

/* Real-time signals queue: each one sent is counted once. */
static void queue_signals(void)
{
	int before = got;

	for (int i = 0; i < SIGNALS; i++)
		expect(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = i }) == 0);
	while (got - before < SIGNALS)
		usleep(100);
	board->signals += got - before;
}

/* The workers take turns, in order: a lost wake-up is a hang. */
static void take_turns(int worker)
{
	pthread_mutex_lock(&board->lock);
	while (board->turn % WORKERS != worker)
		pthread_cond_wait(&board->turn_changed, &board->lock);
	board->turn++;
	board->hand_overs++;
	pthread_cond_broadcast(&board->turn_changed);
	pthread_mutex_unlock(&board->lock);
}

static void work(int worker)
{
	pthread_t thread[MAPPERS];
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sigaction action = { .sa_handler = count, .sa_flags = SA_RESTART };

	sigaction(SIGRTMIN + 1, &action, NULL);
	for (long i = 0; i < MAPPERS; i++)
		pthread_create(&thread[i], NULL, mapper, (void *)(worker * 10 + i));
	for (int round = 0; round < rounds; round++) {
		fork_children(page, round);
		queue_signals();
		take_turns(worker);
	}
	for (int i = 0; i < MAPPERS; i++)
		pthread_join(thread[i], NULL);
	_exit(0);
}

int main(int argc, char **argv)
{
	pthread_mutexattr_t lock;
	pthread_condattr_t condition;
	int failed = 0;

	if (argc > 1)
		rounds = atoi(argv[1]);
	board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_init(&lock);
	pthread_mutexattr_setpshared(&lock, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&board->lock, &lock);
	pthread_condattr_init(&condition);
	pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&board->turn_changed, &condition);
	for (int worker = 0; worker < WORKERS; worker++)
		if (fork() == 0)
			work(worker);
	for (int worker = 0; worker < WORKERS; worker++) {
		int status;
		if (wait(&status) < 0 || status != 0)
			failed++;
	}
	printf("hand-overs %ld children %ld signals %ld mappings %ld\n", board->hand_overs, board->children, board->signals,
	       board->mappings);
	printf("wrong %ld failed workers %d left %d\n", board->wrong, failed, wait(NULL));
	return board->wrong != 0 || failed != 0;
}
